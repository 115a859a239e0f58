/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edit.h"

#include <stdlib.h>

#include <jansson.h>

/* The list to change: the rules of a direction, or the ports or peers of one of
   them. NULL where there is none. */
static json_t *some_list(struct random *random, json_t *policy,
			 const char *direction, const char *of_rule)
{
	json_t *spec = json_object_get(policy, "spec");
	json_t *rules = json_object_get(spec, direction);

	if (!of_rule || json_array_size(rules) == 0)
		return of_rule ? NULL : rules;
	return json_object_get(
		json_array_get(rules,
			       random_below(random, json_array_size(rules))),
		of_rule);
}

static void change_list(struct random *random, json_t *list, json_t *other)
{
	size_t n = json_array_size(list), n_other = json_array_size(other);

	if (n > 0 && random_percent(random, 50))
		json_array_remove(list, random_below(random, n));
	else if (n_other > 0)
		json_array_append(
			list,
			json_array_get(other, random_below(random, n_other)));
}

char *edit_policy(struct random *random, const char *policy, const char *other)
{
	bool egress = random_percent(random, 50);
	const char *direction = egress ? "egress" : "ingress";
	const char *const of_rule[] = { NULL, "ports", egress ? "to" : "from" };
	const char *which = of_rule[random_below(random, 3)];
	json_t *p = json_loads(policy, 0, NULL);
	json_t *q = json_loads(other, 0, NULL);
	char *text;

	change_list(random, some_list(random, p, direction, which),
		    some_list(random, q, direction, which));
	text = json_dumps(p, 0);
	json_decref(p);
	json_decref(q);
	return text;
}
