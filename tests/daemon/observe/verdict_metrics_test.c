/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/verdict_counts.h"
#include "observe/exposition.h"
#include "observe/verdict_metrics.h"

#define ENFORCED "netpold_verdicts_total{mode=\"enforce\","
#define AUDITED "netpold_verdicts_total{mode=\"audit\","

static const struct {
	const char *name, *line;
	bool told;
} rows[] = {
	{ "a rule's verdicts are told from the start",
	  ENFORCED "direction=\"egress\",protocol=\"sctp\",verdict=\"allow\","
		   "reason=\"rule\"} 0\n",
	  true },
	{ "so are denials",
	  ENFORCED "direction=\"ingress\",protocol=\"tcp\",verdict=\"deny\","
		   "reason=\"no-rule-matches\"} 0\n",
	  true },
	{ "those of other protocols are not",
	  ENFORCED "direction=\"ingress\",protocol=\"other\",verdict=\"deny\"",
	  false },
	{ "what was counted is told",
	  ENFORCED "direction=\"ingress\",protocol=\"udp\",verdict=\"deny\","
		   "reason=\"no-rule-matches\"} 7\n",
	  true },
	{ "so is another reason, once there is one",
	  ENFORCED "direction=\"egress\",protocol=\"icmp\",verdict=\"allow\","
		   "reason=\"not-isolated\"} 3\n",
	  true },
	{ "and not before", "reason=\"self\"", false },
	{ "what another node judges is for it to tell", "reason=\"not-local\"",
	  false },
	{ "who is no pod has no verdict", "reason=\"not-a-pod\"", false },
	{ "what nobody obeys is told apart",
	  AUDITED "direction=\"egress\",protocol=\"tcp\",verdict=\"deny\","
		  "reason=\"no-rule-matches\"} 2\n",
	  true },
	{ "what asks no policy has no direction",
	  ENFORCED "direction=\"none\",protocol=\"icmp\",verdict=\"allow\","
		   "reason=\"discovery\"} 5\n",
	  true },
	{ "to who is staged, what cannot be read passes",
	  ENFORCED "direction=\"none\",protocol=\"other\",verdict=\"allow\","
		   "reason=\"unparsable\"} 8\n",
	  true },
	{ "and would be denied",
	  AUDITED "direction=\"none\",protocol=\"other\",verdict=\"deny\","
		  "reason=\"unparsable\"} 6\n",
	  true },
};

static void each_verdict_is_told_by_its_reason(void **state)
{
	static struct verdict_sums sums;
	struct metrics *metrics = metrics_new();
	char *text;
	size_t len;

	(void)state;
	sums.sides[VERDICT_MODE_ENFORCE][COUNTED_UDP][DIRECTION_INGRESS]
		  [REASON_NO_RULE_MATCHES] = 7;
	sums.sides[VERDICT_MODE_ENFORCE][COUNTED_ICMP][DIRECTION_EGRESS]
		  [REASON_NOT_ISOLATED] = 3;
	sums.sides[VERDICT_MODE_ENFORCE][COUNTED_TCP][DIRECTION_EGRESS]
		  [REASON_NOT_LOCAL] = 4;
	sums.sides[VERDICT_MODE_ENFORCE][COUNTED_TCP][DIRECTION_INGRESS]
		  [REASON_NOT_A_POD] = 4;
	sums.sides[VERDICT_MODE_AUDIT][COUNTED_TCP][DIRECTION_EGRESS]
		  [REASON_NO_RULE_MATCHES] = 2;
	sums.noted[VERDICT_MODE_ENFORCE][NOTE_DISCOVERY][VERDICT_ALLOW] = 5;
	sums.noted[VERDICT_MODE_AUDIT][NOTE_UNPARSABLE][VERDICT_DENY] = 6;
	sums.noted[VERDICT_MODE_ENFORCE][NOTE_UNPARSABLE][VERDICT_ALLOW] = 8;
	assert_int_equal(0, verdict_metrics_register(&sums, false, metrics));
	text = exposition_format(metrics, &len);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((strstr(text, rows[i].line) != NULL) != rows[i].told)
			fail_msg("%s: got\n%s", rows[i].name, text);
	}
	free(text);
	metrics_free(metrics);
}

#define FIRST                                                                  \
	"direction=\"ingress\",protocol=\"tcp\",verdict=\"deny\","             \
	"reason=\"no-rule-matches\"} 0\n"

static const struct {
	const char *name, *line;
	bool audits, told;
} firsts[] = {
	{ "what would be is told from the start, since policies may be staged",
	  AUDITED FIRST, false, true },
	{ "so it is in an audit", AUDITED FIRST, true, true },
	{ "where nothing is enforced", ENFORCED, true, false },
};

static void the_first_verdict_of_each_kind_raises_a_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		static const struct verdict_sums sums;
		struct metrics *metrics = metrics_new();
		char *text;
		size_t len;

		assert_int_equal(0, verdict_metrics_register(
					    &sums, firsts[i].audits, metrics));
		text = exposition_format(metrics, &len);
		if ((strstr(text, firsts[i].line) != NULL) != firsts[i].told)
			fail_msg("%s: got\n%s", firsts[i].name, text);
		free(text);
		metrics_free(metrics);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verdict_is_told_by_its_reason),
		cmocka_unit_test(the_first_verdict_of_each_kind_raises_a_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
