/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever is in a configuration file, settings come out that are within their
 * limits, or a message that names the file.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command/config.h"
#include "command/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_settings(const struct settings *settings)
{
	const struct controller_options *controller = &settings->controller;
	const struct enforcement_options *e = &controller->enforcement;

	if (e->n_workers > 256 || e->poll_us > 1000 || e->mark_mask == 0 ||
	    e->flavour > IPTABLES_LEGACY || settings->config)
		abort();
	if (controller->node_name && !*controller->node_name)
		abort();
	for (size_t i = 0; i < settings->manifests.n; i++) {
		if (!*settings->manifests.items[i])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings;
	struct err err = { 0 };

	if (settings_init(&settings, &err) < 0)
		abort();
	if (config_parse("fuzz", (const char *)data, size, &settings, &err) ==
	    0)
		check_settings(&settings);
	else if (strncmp(err.message, "fuzz:", 5) != 0 ||
		 strchr(err.message, '\n'))
		abort();
	settings_release(&settings);
	return 0;
}
