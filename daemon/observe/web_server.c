/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmicrohttpd could have a thread of its own, too. It then drops who is
 * silent, but not who sends a byte now and then: sixteen such clients would
 * keep all others out. So the thread is ours, and looks at the clock.
 *
 * Two netpolds overlap at a hand-over, and the port is the old one's until it
 * leaves. The new one tries again and again rather than to share the port by
 * SO_REUSEPORT: shared, each request would be answered by either of them, as
 * chance will have it.
 */
#include "observe/web_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "confine.h"
#include "fault.h"
#include "log.h"
#include "observe/web_address.h"
#include "observe/web_tls.h"

/* How often to try to listen where another netpold still does, and how long
   that is nothing to talk about. */
#define RETRY_MS 200
#define QUIET_MS 15000

struct place {
	int fd; /* -1: free, or shut down already */
	int64_t deadline_us;
	bool used;
};

struct web_server {
	/* set before the thread starts */
	struct web_address address;
	struct web_server_options options;
	int stop_fd; /* readable: the thread is to end */
	pthread_t thread;
	/* owned by the thread, once there is one */
	struct MHD_Daemon *http; /* NULL: not listening yet */
	struct place places[WEB_SERVER_CONNECTIONS];
	int64_t waiting_since_us; /* to listen; 0: not, or warned of */
};

/* ---- one request -------------------------------------------------------- */

static enum MHD_Result send_page(struct MHD_Connection *connection,
				 struct web_page *page, const char *allow)
{
	struct MHD_Response *response;
	enum MHD_Result r;

	if (!page->body)
		return MHD_NO; /* hang up */
	response = MHD_create_response_from_buffer(page->len, page->body,
						   MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(page->body);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", page->content_type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "Connection", "close");
	if (page->authenticate)
		MHD_add_response_header(response, "WWW-Authenticate",
					page->authenticate);
	if (page->policy) {
		MHD_add_response_header(response, "Content-Security-Policy",
					page->policy);
		MHD_add_response_header(response, "X-Content-Type-Options",
					"nosniff");
		MHD_add_response_header(response, "Referrer-Policy",
					"no-referrer");
	}
	if (allow)
		MHD_add_response_header(response, "Allow", allow);
	r = MHD_queue_response(connection, page->status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result refuse_method(struct MHD_Connection *connection)
{
	struct web_page page = {
		.status = MHD_HTTP_METHOD_NOT_ALLOWED,
		.content_type = "text/plain; charset=utf-8",
		.body = strdup("expected GET or HEAD\n"),
	};

	page.len = page.body ? strlen(page.body) : 0;
	return send_page(connection, &page, "GET, HEAD");
}

/* Answered at the first call, before any body is read; the library leaves the
   body out where it is not asked for (HEAD). */
static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_len, void **request)
{
	const struct web_server *server = ctx;
	const struct web_request asked = {
		.path = url,
		.authorization = MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, "Authorization"),
		.host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						    "Host"),
	};
	struct web_page page = { 0 };

	(void)version;
	(void)upload;
	(void)upload_len;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse_method(connection);
	server->options.get(server->options.ctx, &asked, &page);
	return send_page(connection, &page, NULL);
}

/* ---- connections -------------------------------------------------------- */

static struct place *free_place(struct web_server *server)
{
	for (size_t i = 0; i < WEB_SERVER_CONNECTIONS; i++) {
		if (!server->places[i].used)
			return &server->places[i];
	}
	return NULL;
}

static int descriptor_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Called before the library closes the descriptor, so that it cannot be
   another's meanwhile. */
static void note_connection(void *ctx, struct MHD_Connection *connection,
			    void **socket_ctx,
			    enum MHD_ConnectionNotificationCode what)
{
	struct web_server *server = ctx;
	struct place *place = *socket_ctx;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		place = free_place(server);
		*socket_ctx = place;
		if (place)
			*place = (struct place){
				.used = true,
				.fd = descriptor_of(connection),
				.deadline_us =
					clock_us() +
					server->options.patience_ms * 1000,
			};
	} else if (place) {
		*place = (struct place){ .fd = -1 };
	}
}

/* Who is late is shut down; the library finds the end, and closes. */
static void shut_late(struct web_server *server)
{
	int64_t now_us = clock_us();

	for (size_t i = 0; i < WEB_SERVER_CONNECTIONS; i++) {
		struct place *place = &server->places[i];

		if (!place->used || place->fd < 0 ||
		    now_us < place->deadline_us)
			continue;
		shutdown(place->fd, SHUT_RDWR);
		place->fd = -1;
	}
}

/* ---- TLS ---------------------------------------------------------------- */

/* The library has no context to give to who is asked for a certificate. It asks
   in the thread that serves, so that the thread knows whose it is. */
static _Thread_local struct web_tls *shown;

static int show_certificate(gnutls_session_t session,
			    const gnutls_datum_t *authorities,
			    int n_authorities,
			    const gnutls_pk_algorithm_t *algorithms,
			    int n_algorithms, gnutls_pcert_st **chain,
			    unsigned int *n_chain, gnutls_privkey_t *key)
{
	struct web_tls_pair *pair = web_tls_get(shown, clock_us());

	(void)session;
	(void)authorities;
	(void)n_authorities;
	(void)algorithms;
	(void)n_algorithms;
	*chain = pair->chain;
	*n_chain = pair->n_chain;
	*key = pair->key;
	return 0;
}

/* The library takes it for a variable. */
static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* ---- listening ---------------------------------------------------------- */

static int open_http(struct web_server *server, struct err *err)
{
	/* Without TLS, the end of the list. */
	const struct MHD_OptionItem tls[] = {
		{ server->options.tls ? MHD_OPTION_HTTPS_CERT_CALLBACK
				      : MHD_OPTION_END,
		  0, (void *)show_certificate },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities },
		{ MHD_OPTION_END, 0, NULL },
	};
	int fd = web_address_listen(&server->address, err);

	if (fd < 0)
		return fd;
	server->http = MHD_start_daemon(
		MHD_USE_EPOLL | (server->options.tls ? MHD_USE_TLS : 0), 0,
		NULL, NULL, answer, server, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)WEB_SERVER_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned int)WEB_SERVER_CONNECTIONS_PER_ADDRESS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)WEB_SERVER_REQUEST_MAX, MHD_OPTION_NOTIFY_CONNECTION,
		note_connection, server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (server->http)
		return 0;
	close(fd);
	return err_set(err, -ENOMEM, "cannot answer at '%s'",
		       server->address.text);
}

static void tell_where(const struct web_server *server)
{
	log_info("%s told at %s%s", server->options.what, server->address.text,
		 server->options.tls ? ", by TLS" : "");
}

static void try_to_listen(struct web_server *server)
{
	struct err err;

	if (open_http(server, &err) == 0) {
		tell_where(server);
		return;
	}
	if (!server->waiting_since_us ||
	    clock_us() - server->waiting_since_us < QUIET_MS * 1000)
		return;
	log_warning("%s: nobody can ask there yet; trying on", err.message);
	server->waiting_since_us = 0;
}

/* ---- the thread --------------------------------------------------------- */

static bool has_connections(const struct web_server *server)
{
	for (size_t i = 0; i < WEB_SERVER_CONNECTIONS; i++) {
		if (server->places[i].used)
			return true;
	}
	return false;
}

/* Until when there is nothing to do that no descriptor tells of; -1: ever. */
static int timeout_ms(const struct web_server *server)
{
	MHD_UNSIGNED_LONG_LONG wanted_ms;
	int ms = has_connections(server) ? RETRY_MS : -1;

	if (!server->http)
		return RETRY_MS;
	if (MHD_get_timeout(server->http, &wanted_ms) == MHD_YES &&
	    wanted_ms < RETRY_MS)
		return (int)wanted_ms;
	return ms;
}

static int http_fd(const struct web_server *server)
{
	const union MHD_DaemonInfo *info =
		server->http ? MHD_get_daemon_info(server->http,
						   MHD_DAEMON_INFO_EPOLL_FD)
			     : NULL;

	return info ? info->epoll_fd : -1;
}

static void *serve(void *ctx)
{
	struct web_server *server = ctx;

	confine_thread(CONFINE_READER);
	fault_breach(server->options.thread ? server->options.thread : "web");
	shown = server->options.tls;
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = server->stop_fd, .events = POLLIN },
			{ .fd = http_fd(server), .events = POLLIN },
		};

		if (poll(fds, 2, timeout_ms(server)) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		if (!server->http) {
			try_to_listen(server);
			continue;
		}
		shut_late(server);
		MHD_run(server->http);
	}
}

/* ---- start and stop ----------------------------------------------------- */

static void release(struct web_server **server)
{
	struct web_server *s = *server;

	if (!s)
		return;
	if (s->http)
		MHD_stop_daemon(s->http); /* closes what it listens at */
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	free(s);
}

/* Who is patient finds out in the thread. */
static int begin_to_listen(struct web_server *server, struct err *err)
{
	int r = open_http(server, err);

	if (r == -EADDRINUSE && server->options.is_patient) {
		server->waiting_since_us = clock_us();
		return 0;
	}
	if (r == 0)
		tell_where(server);
	return r;
}

int web_server_start(const struct web_server_options *options,
		     struct web_server **out, struct err *err)
{
	CLEANUP(release) struct web_server *server = NULL;
	int r;

	server = calloc(1, sizeof(*server));
	if (!server)
		return err_set(err, -ENOMEM, "no memory for a web server");
	server->address = *options->address;
	server->options = *options;
	server->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (server->stop_fd < 0)
		return err_set(err, -errno, "cannot start a web server: %s",
			       strerror(errno));
	r = begin_to_listen(server, err);
	if (r < 0)
		return r;
	r = pthread_create(&server->thread, NULL, serve, server);
	if (r)
		return err_set(err, -r, "cannot start a web server: %s",
			       strerror(r));
	pthread_setname_np(server->thread,
			   options->thread ? options->thread : "web");
	*out = server;
	server = NULL;
	return 0;
}

void web_server_stop(struct web_server *server)
{
	uint64_t one = 1;

	if (!server)
		return;
	if (write(server->stop_fd, &one, sizeof(one)) < 0)
		return; /* cannot happen: the counter is at zero */
	pthread_join(server->thread, NULL);
	release(&server);
}
