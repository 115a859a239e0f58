/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks may be written in ways that servers of today accept with a warning
 * and servers of tomorrow refuse (AV-57). What is accepted is matched by its
 * meaning; the warning is worth reading all the same, because 10.0.0.5/8 is
 * seldom what was meant.
 */
#include "validate.h"

#include "netpold/addr.h"
#include "syntax.h"

/* ---- odd forms ---------------------------------------------------------- */

/* One message, though several forms may apply: the server's order. */
static bool refuse_odd_form(const struct subject *subject,
			    unsigned int oddities)
{
	if (oddities & CIDR_LEADING_ZEROS)
		syntax_invalid(subject, "must not have leading 0s in IP or "
					"prefix length");
	else if (oddities & CIDR_IPV4_MAPPED)
		syntax_invalid(subject,
			       "must not have an IPv4-mapped IPv6 address");
	else if (oddities & CIDR_HOST_BITS)
		syntax_invalid(subject, "must not have bits set beyond the "
					"prefix length");
	else
		return false;
	return true;
}

static void send_warning(const struct subject *subject)
{
	report_send_warning(subject->report, FINDING_ODD_CIDR, subject->line,
			    subject->path);
}

/* "Is it the block or the one address that is meant?" The length of a single
   address is that of the family it was written in. */
static void warn_ambiguous(const struct subject *subject,
			   const struct cidr *cidr,
			   const struct cidr_form *form)
{
	struct text *message = report_begin(subject->report);
	bool is_v6 = form->mapped || form->written.family == IP_V6;
	char block[CIDR_TEXT_LEN], addr[IP_ADDR_TEXT_LEN];

	text_put(message, "CIDR value ");
	text_put_quoted(message, subject->value, subject->len);
	text_put(message,
		 " is ambiguous in this context (should be \"%s\" or "
		 "\"%s/%d\"?)",
		 cidr_format(cidr, block), ip_addr_format(&form->written, addr),
		 is_v6 ? 128 : 32);
	send_warning(subject);
}

static void warn_non_standard(const struct subject *subject,
			      const struct cidr *cidr)
{
	struct text *message = report_begin(subject->report);
	char block[CIDR_TEXT_LEN];

	text_put(message, "non-standard CIDR value ");
	text_put_quoted(message, subject->value, subject->len);
	text_put(message,
		 " will be considered invalid in a future Kubernetes "
		 "release: use \"%s\"",
		 cidr_format(cidr, block));
	send_warning(subject);
}

static void warn_not_canonical(const struct subject *subject,
			       const struct cidr *cidr)
{
	struct text *message = report_begin(subject->report);
	char block[CIDR_TEXT_LEN];

	text_put(message, "IPv6 CIDR value ");
	text_put_quoted(message, subject->value, subject->len);
	text_put(message, " should be in RFC 5952 canonical format (\"%s\")",
		 cidr_format(cidr, block));
	send_warning(subject);
}

static void warn_odd_form(const struct subject *subject,
			  const struct cidr *cidr, const struct cidr_form *form)
{
	unsigned int odd = form->oddities;

	if (odd & CIDR_HOST_BITS)
		warn_ambiguous(subject, cidr, form);
	if (odd & (CIDR_LEADING_ZEROS | CIDR_IPV4_MAPPED))
		warn_non_standard(subject, cidr);
	else if (odd == CIDR_NOT_CANONICAL)
		warn_not_canonical(subject, cidr);
}

/* ---- blocks ------------------------------------------------------------- */

/* False when the text is no block, or an odd one that is refused. */
static bool check_cidr(const struct validation *v, const struct tree *value,
		       const struct path *path, struct cidr *cidr,
		       struct cidr_form *form)
{
	struct subject subject = subject_of(v->report, value, path);

	if (cidr_parse(subject.value, subject.len, cidr, form) < 0) {
		syntax_invalid(&subject,
			       "must be a valid CIDR value, (e.g. 10.9.8.0/24 "
			       "or 2001:db8::/64)");
		return false;
	}
	if (!v->strict || !refuse_odd_form(&subject, form->oddities))
		warn_odd_form(&subject, cidr, form);
	return true;
}

/*
 * AV-58, as the server does it: the network address of `except` lies in
 * `cidr`, and the number behind the slash is the larger one. Mapped addresses
 * count as IPv4 for the former but not for the latter.
 */
static bool is_strict_subset(const struct cidr *inner,
			     const struct cidr_form *inner_form,
			     const struct cidr *outer,
			     const struct cidr_form *outer_form)
{
	return cidr_contains(outer, &inner->addr) &&
	       outer_form->raw_prefix_len < inner_form->raw_prefix_len;
}

void validate_ip_block(const struct validation *v, const struct tree *block,
		       const struct path *path)
{
	const struct tree *value = tree_get_set(block, "cidr");
	struct path at_cidr = path_field(path, "cidr");
	struct path at_except = path_field(path, "except");
	struct cidr_form form;
	struct cidr cidr;
	size_t i = 0;

	if (!value || value->len == 0) {
		report_error(v->report, value ? value->line : block->line,
			     &at_cidr, "Required value");
		return;
	}
	if (!check_cidr(v, value, &at_cidr, &cidr, &form))
		return;
	for (const struct tree *e = tree_first(tree_get(block, "except")); e;
	     e = e->next) {
		struct path at = path_item(&at_except, i++);
		struct subject subject = subject_of(v->report, e, &at);
		struct cidr_form inner_form;
		struct cidr inner;

		if (check_cidr(v, e, &at, &inner, &inner_form) &&
		    !is_strict_subset(&inner, &inner_form, &cidr, &form))
			syntax_invalid(&subject,
				       "must be a strict subset of `cidr`");
	}
}
