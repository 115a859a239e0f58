/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_json.h"

#include "time_text.h"

void suggest_json_put_text(struct json_text *json, const char *key,
			   const char *text)
{
	json_text_key(json, key);
	json_text_string(json, text);
}

void suggest_json_put_number(struct json_text *json, const char *key,
			     uint64_t number)
{
	json_text_key(json, key);
	json_text_number(json, number);
}

void suggest_json_put_time(struct json_text *json, const char *key,
			   int64_t time_us)
{
	char text[TIME_TEXT_LEN];

	if (time_us > 0 && time_text_format(time_us, text))
		suggest_json_put_text(json, key, text);
}
