/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/web_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "netpold/cleanup.h"

#include "log.h"
#include "whole_file.h"

/* By which a file that has changed is known. */
struct edition {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct web_tls {
	char *cert_path, *key_path;
	struct edition cert, key; /* of what was read, or tried to be */
	struct web_tls_pair *pair;
	struct web_tls_pair *last; /* may be in use yet; NULL: none */
	int64_t looked_us, replaced_us;
	bool is_failing; /* and that was logged */
};

/* ---- files -------------------------------------------------------------- */

static void close_file(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Of nothing where there is no such file. */
static struct edition edition_of(const char *path)
{
	struct edition edition = { .size = -1 };
	struct stat stat_;

	if (stat(path, &stat_) == 0)
		edition = (struct edition){ stat_.st_dev, stat_.st_ino,
					    stat_.st_size, stat_.st_mtim };
	return edition;
}

static bool is_same(const struct edition *a, const struct edition *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

struct pem {
	char text[WEB_TLS_FILE_MAX + 1];
	unsigned int len;
};

static void free_pem(struct pem **pem)
{
	if (*pem)
		explicit_bzero(*pem, sizeof(**pem));
	free(*pem);
}

static int read_pem(const char *path, struct pem *out, struct err *err)
{
	CLEANUP(close_file) int fd = -1;
	struct stat stat_;
	ssize_t n;

	/* Not to wait for the writer of a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &stat_) < 0)
		return err_set(err, -errno, "%s: cannot read it: %s", path,
			       strerror(errno));
	if (!S_ISREG(stat_.st_mode))
		return err_set(err, -EBADMSG,
			       "%s: expected a file, found something else",
			       path);
	n = whole_file_read(fd, out->text, WEB_TLS_FILE_MAX);
	if (n < 0)
		return err_set(err, (int)n, "%s: cannot read it: %s", path,
			       strerror((int)-n));
	if (n > WEB_TLS_FILE_MAX)
		return err_set(err, -EFBIG,
			       "%s: expected at most %d bytes, found more",
			       path, WEB_TLS_FILE_MAX);
	out->len = (unsigned int)n;
	return 0;
}

/* ---- a pair ------------------------------------------------------------- */

static void free_pair(struct web_tls_pair *pair)
{
	if (!pair)
		return;
	for (unsigned int i = 0; i < pair->n_chain; i++)
		gnutls_pcert_deinit(&pair->chain[i]);
	if (pair->key)
		gnutls_privkey_deinit(pair->key);
	free(pair);
}

static void free_pairp(struct web_tls_pair **pair)
{
	free_pair(*pair);
}

static gnutls_datum_t datum_of(struct pem *pem)
{
	return (gnutls_datum_t){ .data = (unsigned char *)pem->text,
				 .size = pem->len };
}

static int read_chain(struct web_tls_pair *pair, const char *path,
		      struct pem *pem, struct err *err)
{
	gnutls_datum_t text = datum_of(pem);
	unsigned int n = WEB_TLS_CHAIN_MAX;
	int r = gnutls_pcert_list_import_x509_raw(pair->chain, &n, &text,
						  GNUTLS_X509_FMT_PEM, 0);

	if (r < 0)
		return err_set(err, -EBADMSG,
			       "%s: expected certificates, PEM, the server's "
			       "first, at most %d: %s",
			       path, WEB_TLS_CHAIN_MAX, gnutls_strerror(r));
	pair->n_chain = n;
	return 0;
}

static int read_key(struct web_tls_pair *pair, const char *path,
		    struct pem *pem, struct err *err)
{
	gnutls_datum_t text = datum_of(pem);
	int r = gnutls_privkey_init(&pair->key);

	if (r == 0)
		r = gnutls_privkey_import_x509_raw(
			pair->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0)
		return err_set(err, -EBADMSG,
			       "%s: expected a private key, PEM, without a "
			       "password: %s",
			       path, gnutls_strerror(r));
	return 0;
}

#define KEY_ID_LEN 64

/* Whether the key is that of the first certificate. */
static bool belongs_together(const struct web_tls_pair *pair)
{
	unsigned char wanted[KEY_ID_LEN], found[KEY_ID_LEN];
	size_t wanted_len = KEY_ID_LEN, found_len = KEY_ID_LEN;
	gnutls_pubkey_t public = NULL;
	bool same = false;

	if (gnutls_pubkey_init(&public) < 0)
		return false;
	if (gnutls_pubkey_import_privkey(public, pair->key, 0, 0) == 0 &&
	    gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, found,
				     &found_len) == 0 &&
	    gnutls_pubkey_get_key_id(pair->chain[0].pubkey,
				     GNUTLS_KEYID_USE_SHA256, wanted,
				     &wanted_len) == 0)
		same = found_len == wanted_len &&
		       memcmp(found, wanted, wanted_len) == 0;
	gnutls_pubkey_deinit(public);
	return same;
}

static int read_pair(const struct web_tls *tls, struct web_tls_pair **out,
		     struct err *err)
{
	CLEANUP(free_pairp) struct web_tls_pair *pair = NULL;
	CLEANUP(free_pem) struct pem *pem = NULL;
	int r;

	pair = calloc(1, sizeof(*pair));
	pem = calloc(1, sizeof(*pem));
	if (!pair || !pem)
		return err_set(err, -ENOMEM, "no memory for TLS");
	r = read_pem(tls->cert_path, pem, err);
	if (r == 0)
		r = read_chain(pair, tls->cert_path, pem, err);
	if (r == 0)
		r = read_pem(tls->key_path, pem, err);
	if (r == 0)
		r = read_key(pair, tls->key_path, pem, err);
	if (r < 0)
		return r;
	if (!belongs_together(pair))
		return err_set(err, -EBADMSG,
			       "%s: is not the key of the first certificate of "
			       "%s",
			       tls->key_path, tls->cert_path);
	*out = pair;
	pair = NULL;
	return 0;
}

/* ---- for callers -------------------------------------------------------- */

void web_tls_close(struct web_tls *tls)
{
	if (!tls)
		return;
	free_pair(tls->pair);
	free_pair(tls->last);
	free(tls->cert_path);
	free(tls->key_path);
	free(tls);
}

static void close_tls(struct web_tls **tls)
{
	web_tls_close(*tls);
}

int web_tls_open(const char *cert_path, const char *key_path, int64_t now_us,
		 struct web_tls **out, struct err *err)
{
	CLEANUP(close_tls) struct web_tls *tls = calloc(1, sizeof(*tls));
	int r;

	if (!tls)
		return err_set(err, -ENOMEM, "no memory for TLS");
	tls->cert_path = strdup(cert_path);
	tls->key_path = strdup(key_path);
	if (!tls->cert_path || !tls->key_path)
		return err_set(err, -ENOMEM, "no memory for TLS");
	tls->cert = edition_of(cert_path);
	tls->key = edition_of(key_path);
	r = read_pair(tls, &tls->pair, err);
	if (r < 0)
		return r;
	tls->looked_us = now_us;
	tls->replaced_us = now_us - WEB_TLS_KEEP_US;
	*out = tls;
	tls = NULL;
	return 0;
}

static void replace(struct web_tls *tls, struct web_tls_pair *pair,
		    int64_t now_us)
{
	free_pair(tls->last);
	tls->last = tls->pair;
	tls->pair = pair;
	tls->replaced_us = now_us;
	tls->is_failing = false;
	log_info("the certificate %s is another one, and is shown from now on",
		 tls->cert_path);
}

/* Who writes the two of them one after the other is tried again. */
static void look_again(struct web_tls *tls, int64_t now_us)
{
	struct edition cert = edition_of(tls->cert_path);
	struct edition key = edition_of(tls->key_path);
	struct web_tls_pair *pair = NULL;
	struct err err;

	if (is_same(&cert, &tls->cert) && is_same(&key, &tls->key))
		return;
	if (read_pair(tls, &pair, &err) == 0) {
		tls->cert = cert;
		tls->key = key;
		replace(tls, pair, now_us);
		return;
	}
	if (!tls->is_failing)
		log_warning("%s: the certificate that was read before stays; "
			    "trying again",
			    err.message);
	tls->is_failing = true;
}

struct web_tls_pair *web_tls_get(struct web_tls *tls, int64_t now_us)
{
	if (now_us - tls->looked_us >= WEB_TLS_LOOK_US &&
	    now_us - tls->replaced_us >= WEB_TLS_KEEP_US) {
		tls->looked_us = now_us;
		look_again(tls, now_us);
	}
	return tls->pair;
}
