/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/receipt_request.h"

#include <errno.h>
#include <stdbool.h>

#include "observe/receipts.h"

struct wish {
	const char *namespace, *name;
	json_int_t generation; /* or a later one; 0: any */
	int gone;
	json_int_t keep_ms;
};

static int parse(const json_t *request, struct wish *out, struct err *err)
{
	json_t *wish = json_object_get(request, "receipt");

	*out = (struct wish){ .generation = 0 };
	if (json_unpack(wish, "{ss ss s?I s?b s?I !}", "namespace",
			&out->namespace, "name", &out->name, "generation",
			&out->generation, "gone", &out->gone, "keep_ms",
			&out->keep_ms) < 0 ||
	    out->generation < 0 || out->keep_ms < 0 ||
	    (out->gone && out->generation))
		return err_set(err, -EINVAL,
			       "receipt takes \"namespace\" and \"name\", and "
			       "perhaps a \"generation\" or \"gone\": true, "
			       "and \"keep_ms\"");
	return 0;
}

static bool is_met(const struct wish *wish, enum receipt_state state,
		   const struct receipt *receipt)
{
	if (wish->gone)
		return state == RECEIPT_ABSENT;
	return state == RECEIPT_IN_FORCE &&
	       receipt->generation >= wish->generation;
}

json_t *receipt_request_answer(struct receipts *receipts, const json_t *request,
			       struct err *err)
{
	struct receipt receipt = { 0 };
	enum receipt_state state;
	struct wish wish;
	json_t *out;

	if (parse(request, &wish, err) < 0)
		return NULL;
	state = receipts_find(receipts, wish.namespace, wish.name, &receipt);
	out = receipt_to_json(wish.namespace, wish.name, &receipt);
	if (!out)
		return NULL;
	json_object_set_new(out, "in_force",
			    json_boolean(state == RECEIPT_IN_FORCE));
	json_object_set_new(out, "met",
			    json_boolean(is_met(&wish, state, &receipt)));
	return json_pack("{so}", "receipt", out);
}

int receipt_request_keep_ms(const json_t *request, const json_t *answer)
{
	const json_t *receipt = json_object_get(answer, "receipt");
	const json_t *wish = json_object_get(request, "receipt");
	json_int_t keep_ms =
		json_integer_value(json_object_get(wish, "keep_ms"));

	if (json_is_true(json_object_get(receipt, "met")))
		return 0;
	return keep_ms < RECEIPT_KEEP_MAX_MS ? (int)keep_ms
					     : RECEIPT_KEEP_MAX_MS;
}
