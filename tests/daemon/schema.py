# SPDX-License-Identifier: GPL-2.0-or-later
"""As much of JSON Schema as the schemas of include/netpold/schema use.

Whoever imports it can rely on none of these having a key twice: of two that
contradict each other the last one would count, and nobody would see the first.
"""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "include/netpold/schema"

TYPES = {"object": (dict,), "string": (str,), "integer": (int,), "number": (int, float),
         "boolean": (bool,), "array": (list,)}


def _once(pairs):
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"keys that are there twice: {sorted(twice)}")
    return dict(pairs)


def loads(text):
    """A schema; ValueError where an object has a key twice."""
    return json.loads(text, object_pairs_hook=_once)


for _path in sorted(FOLDER.glob("*.json")):
    try:
        loads(_path.read_text())
    except ValueError as error:
        raise ValueError(f"{_path}: {error}") from error


def _resolve(schema, root):
    if "$ref" not in schema:
        return schema
    target = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return target


def _types(names):
    names = [names] if isinstance(names, str) else names
    return [kind for name in names for kind in TYPES[name]]


def _fits(value, root, schema):
    return not list(violations(value, root, schema, is_part=True))


def violations(value, root, schema=None, path="record", is_part=False):
    """What is wrong with a value, in words. Readers may meet more fields one
    day; what is printed today has none but those of the schema, unless other
    parts of it (allOf, oneOf) have them."""
    schema = _resolve(schema or root, root)
    if "type" in schema and type(value) not in _types(schema["type"]):
        yield f"{path} is not of type {schema['type']}: {value!r}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is none of {schema['enum']}: {value!r}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path} does not look like {schema['pattern']}: {value!r}"
    if "minimum" in schema and isinstance(value, int) and value < schema["minimum"]:
        yield f"{path} is less than {schema['minimum']}: {value!r}"
    if "maximum" in schema and isinstance(value, int) and value > schema["maximum"]:
        yield f"{path} is more than {schema['maximum']}: {value!r}"
    for part in schema.get("allOf", []):
        yield from violations(value, root, part, path, is_part=True)
    if "oneOf" in schema and sum(_fits(value, root, part) for part in schema["oneOf"]) != 1:
        yield f"{path} is not exactly one of {schema['oneOf']}"
    if "not" in schema and _fits(value, root, schema["not"]):
        yield f"{path} is {schema['not']}"
    for i, item in enumerate(value if "items" in schema else []):
        yield from violations(item, root, schema["items"], f"{path}[{i}]")
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path}.{name} is missing"
    for name, sub in schema.get("properties", {}).items():
        if name in value:
            yield from violations(value[name], root, sub, f"{path}.{name}")
    has_parts = is_part or "allOf" in schema or "oneOf" in schema
    if "properties" in schema and not has_parts or not schema.get("additionalProperties", True):
        for name in set(value) - set(schema["properties"]):
            yield f"{path}.{name} is not in the schema"
