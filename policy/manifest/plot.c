/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plot.h"

#include <errno.h>

int plot_charge(struct plot *plot, size_t n_nodes, size_t text_len,
		struct err *err)
{
	plot->n_nodes += n_nodes;
	plot->text_len += text_len;
	if (plot->n_nodes > TREE_MAX_NODES)
		return err_set(err, -EBADMSG,
			       "the object holds more than %d values, those "
			       "repeated by aliases included",
			       TREE_MAX_NODES);
	if (plot->text_len > TREE_MAX_TEXT)
		return err_set(err, -EBADMSG,
			       "the text of the object is longer than %d MiB, "
			       "that repeated by aliases included",
			       TREE_MAX_TEXT >> 20);
	return 0;
}

int plot_node(struct plot *plot, unsigned int line, struct tree **out,
	      struct err *err)
{
	int r = plot_charge(plot, 1, 0, err);

	if (r < 0)
		return r;
	*out = arena_alloc(plot->arena, sizeof(**out));
	if (!*out)
		return plot_no_memory(err);
	(*out)->line = line;
	return 0;
}

int plot_text(struct plot *plot, const char *text, size_t len, const char **out,
	      struct err *err)
{
	int r = plot_charge(plot, 0, len, err);

	if (r < 0)
		return r;
	*out = arena_strndup(plot->arena, text, len);
	return *out ? 0 : plot_no_memory(err);
}

int plot_no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "not enough memory to read an object");
}

int plot_too_deep(struct err *err)
{
	return err_set(err, -EBADMSG,
		       "values are nested more than %d levels deep",
		       TREE_MAX_DEPTH);
}
