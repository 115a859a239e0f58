/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/web_secrets.h"

#include <stddef.h>

#include "clock.h"
#include "observe/web_options.h"
#include "observe/web_tls.h"
#include "observe/web_token.h"

int web_secrets_open(const struct web_options *options,
		     struct web_secrets *secrets, struct err *err)
{
	int r = 0;

	*secrets = (struct web_secrets){ .tls = NULL };
	if (web_options_has(options->tls_cert))
		r = web_tls_open(options->tls_cert, options->tls_key,
				 clock_us(), &secrets->tls, err);
	if (r < 0)
		return err_prefix(err, "--metrics-tls-cert: ");
	if (web_options_has(options->token_file))
		r = web_token_open(options->token_file, clock_us(),
				   &secrets->token, err);
	return r < 0 ? err_prefix(err, "--metrics-token-file: ") : 0;
}

void web_secrets_close(struct web_secrets *secrets)
{
	web_tls_close(secrets->tls);
	web_token_close(secrets->token);
	*secrets = (struct web_secrets){ .tls = NULL };
}
