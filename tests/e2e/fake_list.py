# SPDX-License-Identifier: GPL-2.0-or-later
"""How a fake API server answers a list: versions, pages, forms (API-10 … API-16)."""

import base64
import json
import time

import fake_store

KEPT = ("limit", "fieldSelector", "labelSelector")  # the same for all pages


def form_of(server, call, what):
    """What the client accepts and the server has: "full", "metadata"; None: neither.

    @what  "PartialObjectMetadataList" or "PartialObjectMetadata"
    """
    for accepted in call.headers.get("Accept", "*/*").split(","):
        name, *parameters = accepted.strip().split(";")
        words = dict(parameter.strip().partition("=")[::2] for parameter in parameters)
        if name not in ("application/json", "application/*", "*/*"):
            continue
        if "as" not in words:
            return "full"
        if server.metadata_only and words == {"as": what, "g": "meta.k8s.io", "v": "v1"}:
            return "metadata"
    return None


def in_form(form, item):
    if form == "full":
        return item
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": item["metadata"]}


def refusal(query):
    """(code, message) where these parameters do not go together (API-12)."""
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    if match and "continue" in query:
        return 422, "resourceVersionMatch: Forbidden: is forbidden when continue is provided"
    if match and not version:
        return 422, "resourceVersionMatch: Forbidden: is forbidden unless resourceVersion " \
                    "is provided"
    if match and match not in ("Exact", "NotOlderThan"):
        return 422, f'resourceVersionMatch: Unsupported value: "{match}"'
    if match == "Exact" and version == "0":
        return 422, 'resourceVersionMatch: Forbidden: "Exact" is forbidden for version "0"'
    if version and "continue" in query:
        return 400, "specifying resource version is not allowed when using continue"
    if version and not version.isdecimal():
        return 400, f"invalid resource version: {version}"
    return None


def say_expired(call, version, **more):
    call.say_status(410, f"The provided continue parameter is too old ({version})"
                    if more else f"too old resource version: {version}", **more)


def wait_version(server, version):
    """False where it does not come."""
    deadline = time.monotonic() + server.too_large_s
    while server.store.version < version and time.monotonic() < deadline:
        server.store.wait(server.store.version, 0.05)
    return server.store.version >= version


def say_too_large(call, version):
    """API-14."""
    call.say_status(504, f"Too large resource version: {version}, current: "
                    f"{call.server.store.version}", headers=[("Retry-After", "1")],
                    details={"causes": [{"reason": "ResourceVersionTooLarge",
                                         "message": "Too large resource version"}],
                             "retryAfterSeconds": 1})


def _token(**words):
    return base64.urlsafe_b64encode(json.dumps(words).encode()).decode()


def _continued(server, call, query):
    """(version, first key) of a page that is not the first; None: answered."""
    try:
        words = json.loads(base64.urlsafe_b64decode(query["continue"]))
    except ValueError:
        return call.say_status(400, "continue key is not valid")
    if words["v"] == -1:
        server.complain("the rest of a list that has expired was asked for (API-11)")
        return call.say_status(400, "continue key is not valid")
    if words["kept"] != [query.get(name) for name in KEPT]:
        server.complain(f"other parameters than those of the first page: {query} (API-10)")
    return words["v"], tuple(words["from"])


def _begin(server, call, query, limit):
    """(version or None for now, first key, limit); None: answered."""
    if "continue" in query:
        found = _continued(server, call, query)
        return found and (*found, limit)
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    if version in ("", "0"):
        return None, None, 0 if version else limit
    version = int(version)
    if not wait_version(server, version):
        return say_too_large(call, version)
    exact = match == "Exact" or (not match and limit)
    return version if exact else None, None, limit


def answer(server, call, resource, fault):
    query = call.query
    if problem := refusal(query):
        return call.say_status(*problem)
    server.check_version(call.asked)
    form = form_of(server, call, "PartialObjectMetadataList")
    if not form:
        return call.say_status(406, "only the following media types are accepted: "
                               "application/json")
    selector = fake_store.FieldSelector(resource, query.get("fieldSelector", ""))
    if not (begun := _begin(server, call, query, int(query.get("limit") or 0))):
        return None
    version, first, limit = begun
    try:
        items, version = server.store.items(resource.name, fault.version(version), selector)
    except fake_store.Expired:
        more = {"metadata": {"continue": _token(v=-1)}} if first else {}
        return say_expired(call, version, **more)
    if first:
        items = [item for item in items if fake_store.key_of(item) >= first]
    return _say_page(server, call, resource, fault, form, items, version, limit)


def _say_page(server, call, resource, fault, form, items, version, limit):
    meta = {"resourceVersion": str(version)}
    if limit and len(items) > limit:
        meta["continue"] = _token(v=version, kept=[call.query.get(name) for name in KEPT],
                                  **{"from": fake_store.key_of(items[limit])})
        meta["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    for item in items:
        server.version_of(item)
    body = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version,
            "metadata": meta, "items": [_item(resource, form, item) for item in items]}
    if form == "metadata":
        body |= {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
    server.version_of(body)
    return fault.list(call, body)


def _item(resource, form, item):
    """Items of built-in types do not say what they are (API-16)."""
    if form == "full" and not resource.is_custom:
        return {name: value for name, value in item.items()
                if name not in ("kind", "apiVersion")}
    return in_form(form, item)


