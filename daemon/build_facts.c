/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build_facts.h"

#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <microhttpd.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "version.h"

/* As the Makefile hands it over, without quotes, like the version. */
#define COMMIT_TEXT VERSION_TEXT_OF(NETPOLD_COMMIT)

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* "libpcap version 1.10.3 (with TPACKET_V3)": the third word. */
static int pcap_version_length(const char **text)
{
	static const char before[] = "libpcap version ";

	*text = pcap_lib_version();
	if (strncmp(*text, before, strlen(before)) == 0)
		*text += strlen(before);
	return (int)strcspn(*text, " ");
}

static void print_libraries(FILE *out, const curl_version_info_data *curl)
{
	const char *pcap;
	int pcap_len = pcap_version_length(&pcap);

	fprintf(out,
		"libraries  curl %s, gnutls %s, jansson %s, libmicrohttpd %s, "
		"libpcap %.*s, libyaml %s\n",
		curl->version, gnutls_check_version(NULL),
		jansson_version_str(), MHD_get_version(), pcap_len, pcap,
		yaml_get_version_string());
}

static void print_features(FILE *out, const curl_version_info_data *curl)
{
	const struct {
		const char *name;
		bool has;
	} features[] = {
		{ "HTTP/2 to the API server",
		  curl->features & CURL_VERSION_HTTP2 },
		{ "TLS for metrics",
		  MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES },
#ifdef NETPOLD_FAULTS
		{ "faults for tests", true },
#endif
	};
	const char *between = "features   ";

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (!features[i].has)
			continue;
		fprintf(out, "%s%s", between, features[i].name);
		between = ", ";
	}
	fprintf(out, "\n");
}

int build_facts_print(FILE *out)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

	fprintf(out, "netpold " VERSION_TEXT "\n"
		     "commit     " COMMIT_TEXT "\n"
		     "compiler   " COMPILER "\n");
	print_libraries(out, curl);
	print_features(out, curl);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
