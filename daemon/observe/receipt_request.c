/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/receipt_request.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "observe/receipts.h"

struct wish {
	const char *namespace, *name;
	const char *uid;       /* of this one, and of no other; "": of any */
	json_int_t generation; /* or a later one; 0: any */
	int staged; /* that it is, and not that it is enforced (NP-8) */
	int gone;
	json_int_t keep_ms;
};

static int parse(const json_t *request, struct wish *out, struct err *err)
{
	json_t *wish = json_object_get(request, "receipt");

	*out = (struct wish){ .uid = "" };
	if (json_unpack(wish, "{ss ss s?s s?I s?b s?b s?I !}", "namespace",
			&out->namespace, "name", &out->name, "uid", &out->uid,
			"generation", &out->generation, "staged", &out->staged,
			"gone", &out->gone, "keep_ms", &out->keep_ms) < 0 ||
	    strlen(out->uid) >= RECEIPT_UID_SIZE || out->generation < 0 ||
	    out->keep_ms < 0 || (out->gone && (out->generation || out->staged)))
		return err_set(err, -EINVAL,
			       "receipt takes \"namespace\" and \"name\", and "
			       "perhaps a \"uid\" of less than %d bytes, a "
			       "\"generation\" and \"staged\": true, or "
			       "\"gone\": true, and \"keep_ms\"",
			       RECEIPT_UID_SIZE);
	return 0;
}

/* Generations of another policy of that name are none of this one (API-25). */
static bool is_the_one(const struct wish *wish, const struct receipt *receipt)
{
	return !*wish->uid || strcmp(wish->uid, receipt->uid) == 0;
}

/* The mode of a policy is an annotation, and no generation tells of its change;
   nor does any of the namespace's, if that is where it comes from. */
static bool is_mode_met(const struct wish *wish, bool audit,
			const struct receipt *receipt)
{
	if (wish->staged)
		return receipt->staged;
	/* Whoever waits for it to be enforced is told that nothing is. */
	return audit || !receipt->staged;
}

static bool is_met(const struct wish *wish, bool audit,
		   enum receipt_state state, const struct receipt *receipt)
{
	if (wish->gone)
		return state == RECEIPT_ABSENT || (state == RECEIPT_IN_FORCE &&
						   !is_the_one(wish, receipt));
	return state == RECEIPT_IN_FORCE && !receipt->is_unreadable &&
	       is_the_one(wish, receipt) && is_mode_met(wish, audit, receipt) &&
	       receipt->generation >= wish->generation;
}

json_t *receipt_request_answer(struct receipts *receipts, bool audit,
			       const json_t *request, struct err *err)
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
	json_object_set_new(
		out, "met",
		json_boolean(is_met(&wish, audit, state, &receipt)));
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
