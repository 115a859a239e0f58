/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates are made here; that a client takes them is seen in
   tests/e2e/metrics_tls_test.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "observe/web_tls.h"

#define S INT64_C(1000000)

static char folder[64], cert_file[96], key_file[96];

/* ---- files --------------------------------------------------------------- */

/* In one step, as who renews them does it. */
static void put(const char *file, const void *data, size_t len)
{
	char beside[128];
	FILE *out;

	snprintf(beside, sizeof(beside), "%s.new", file);
	out = fopen(beside, "we");
	assert_non_null(out);
	assert_int_equal(len, fwrite(data, 1, len, out));
	assert_int_equal(0, fclose(out));
	assert_int_equal(0, rename(beside, file));
}

static void put_text(const char *file, const char *text)
{
	put(file, text, strlen(text));
}

static gnutls_x509_privkey_t make_key(void)
{
	gnutls_x509_privkey_t key;

	assert_int_equal(0, gnutls_x509_privkey_init(&key));
	assert_int_equal(
		0,
		gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	return key;
}

static void put_key(gnutls_x509_privkey_t key)
{
	gnutls_datum_t pem;

	assert_int_equal(
		0, gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
	put(key_file, pem.data, pem.size);
	gnutls_free(pem.data);
}

/* @serial by which it is known, one byte */
static void put_cert(gnutls_x509_privkey_t key, unsigned char serial)
{
	gnutls_x509_crt_t cert;
	gnutls_datum_t pem;

	assert_int_equal(0, gnutls_x509_crt_init(&cert));
	assert_int_equal(0, gnutls_x509_crt_set_version(cert, 3));
	assert_int_equal(0, gnutls_x509_crt_set_serial(cert, &serial, 1));
	assert_int_equal(0, gnutls_x509_crt_set_activation_time(cert, 1));
	assert_int_equal(
		0, gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 999));
	assert_int_equal(0, gnutls_x509_crt_set_key(cert, key));
	assert_int_equal(0, gnutls_x509_crt_sign2(cert, cert, key,
						  GNUTLS_DIG_SHA256, 0));
	assert_int_equal(
		0, gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem));
	put(cert_file, pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(cert);
}

static void put_pair(unsigned char serial)
{
	gnutls_x509_privkey_t key = make_key();

	put_key(key);
	put_cert(key, serial);
	gnutls_x509_privkey_deinit(key);
}

static int serial_of(const struct web_tls_pair *pair)
{
	unsigned char serial[8];
	size_t len = sizeof(serial);
	gnutls_x509_crt_t cert;

	assert_int_equal(1, pair->n_chain);
	assert_int_equal(0, gnutls_x509_crt_init(&cert));
	assert_int_equal(0, gnutls_x509_crt_import(cert, &pair->chain[0].cert,
						   GNUTLS_X509_FMT_DER));
	assert_int_equal(0, gnutls_x509_crt_get_serial(cert, serial, &len));
	gnutls_x509_crt_deinit(cert);
	return serial[0];
}

static int enter(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/netpold-tls-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(cert_file, sizeof(cert_file), "%s/tls.crt", folder);
	snprintf(key_file, sizeof(key_file), "%s/tls.key", folder);
	put_pair(1);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	remove(cert_file);
	remove(key_file);
	return rmdir(folder); /* nothing else is left in it */
}

static struct web_tls *open_tls(void)
{
	struct web_tls *tls = NULL;
	struct err err;

	if (web_tls_open(cert_file, key_file, 0, &tls, &err) < 0)
		fail_msg("%s", err.message);
	return tls;
}

/* ---- what is shown ------------------------------------------------------- */

static void a_new_pair_is_shown_when_it_is_looked_for(void **state)
{
	struct web_tls *tls = open_tls();

	(void)state;
	put_pair(2);
	assert_int_equal(1, serial_of(web_tls_get(tls, 1 * S - 1)));
	assert_int_equal(2, serial_of(web_tls_get(tls, 1 * S)));
	web_tls_close(tls);
}

/* So that who began with the one before has it to the end. */
static void a_pair_is_kept_for_a_while(void **state)
{
	struct web_tls *tls = open_tls();
	struct web_tls_pair *first = web_tls_get(tls, 0);

	(void)state;
	put_pair(2);
	assert_int_equal(2, serial_of(web_tls_get(tls, 1 * S)));
	put_pair(3);
	assert_int_equal(2, serial_of(web_tls_get(tls, 11 * S - 1)));
	assert_int_equal(1, serial_of(first));
	assert_int_equal(3, serial_of(web_tls_get(tls, 11 * S)));
	web_tls_close(tls);
}

static void half_of_a_new_pair_is_waited_out(void **state)
{
	gnutls_x509_privkey_t key = make_key();
	struct web_tls *tls = open_tls();

	(void)state;
	put_cert(key, 2);
	assert_int_equal(1, serial_of(web_tls_get(tls, 1 * S)));
	put_key(key);
	assert_int_equal(2, serial_of(web_tls_get(tls, 2 * S)));
	gnutls_x509_privkey_deinit(key);
	web_tls_close(tls);
}

static void what_is_none_does_not_replace_it(void **state)
{
	struct web_tls *tls = open_tls();

	(void)state;
	put_text(cert_file, "nothing\n");
	assert_int_equal(1, serial_of(web_tls_get(tls, 1 * S)));
	remove(cert_file);
	assert_int_equal(1, serial_of(web_tls_get(tls, 2 * S)));
	put_pair(2);
	assert_int_equal(2, serial_of(web_tls_get(tls, 3 * S)));
	web_tls_close(tls);
}

/* ---- what is refused ----------------------------------------------------- */

static void expect_refused(const char *name, int code, const char *words)
{
	struct web_tls *tls = NULL;
	struct err err;
	int r = web_tls_open(cert_file, key_file, 0, &tls, &err);

	if (r != code || !strstr(err.message, words) || tls)
		fail_msg("%s: %d: %s", name, r, r < 0 ? err.message : "");
}

static void what_is_no_pair_is_refused(void **state)
{
	gnutls_x509_privkey_t key = make_key();
	char *large = calloc(1, WEB_TLS_FILE_MAX + 2);

	(void)state;
	put_cert(key, 2);
	gnutls_x509_privkey_deinit(key);
	expect_refused("another one's key", -EBADMSG,
		       "is not the key of the first certificate of");
	put_pair(1);
	put_text(key_file, "nothing");
	expect_refused("no key", -EBADMSG, "expected a private key, PEM");
	put_pair(1);
	put_text(cert_file, "");
	expect_refused("no certificate", -EBADMSG,
		       "expected certificates, PEM");
	put_pair(1);
	memset(large, '#', WEB_TLS_FILE_MAX + 1);
	put_text(cert_file, large);
	free(large);
	expect_refused("a large file", -EFBIG, "expected at most 65536 bytes");
	remove(cert_file);
	expect_refused("no file", -ENOENT, cert_file);
	assert_int_equal(0, symlink("/dev/zero", cert_file));
	expect_refused("a device", -EBADMSG, "expected a file");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_pair_is_shown_when_it_is_looked_for),
		TEST(a_pair_is_kept_for_a_while),
		TEST(half_of_a_new_pair_is_waited_out),
		TEST(what_is_none_does_not_replace_it),
		TEST(what_is_no_pair_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
