/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcurl says which sockets it waits for, and until when. They are put into
 * one epoll descriptor, which can be polled itself: whoever polls it sees one
 * descriptor, however many connections there are.
 *
 * A list of pods can be hundreds of megabytes. libcurl reads a few of them
 * before it returns (HTTP_BUFFER_SIZE), one call after the other; and what it
 * has left in buffers of its own it asks to be called for at once, by its
 * timer. So there is always something to be seen at the descriptor when
 * http_work() comes back before all is done.
 */
#include "kube/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <curl/curl.h>

#include "clock.h"
#include "kube/http_parts.h"
#include "kube/token.h"
#include "netpold/cleanup.h"
#include "plain_text.h"

/* When http_work() comes back with more to do, once a call has been served. */
#define ENOUGH_BYTES (1 << 20)
#define ENOUGH_ROUNDS 32
#define MAX_EVENTS 16

/* Kept between two calls. By itself libcurl keeps four for each call that is
   under way, and closes one while others of five resources come to an end. */
#define MAX_CONNECTIONS 16L

/* ---- what libcurl waits for ---------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx,
		     void *ours)
{
	const struct http *http = ctx;
	struct epoll_event event = {
		.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
			  (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
		.data.fd = fd,
	};

	(void)easy;
	(void)ours;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	const struct http *http = ctx;
	struct itimerspec when = { 0 }; /* never */

	(void)multi;
	if (timeout_ms >= 0) {
		when.it_value.tv_sec = timeout_ms / 1000;
		when.it_value.tv_nsec = timeout_ms % 1000 * 1000000;
		if (timeout_ms == 0)
			when.it_value.tv_nsec = 1;
	}
	return timerfd_settime(http->timer_fd, 0, &when, NULL);
}

/* ---- working ------------------------------------------------------------- */

static void act(struct http *http, const struct epoll_event *event)
{
	int fd = event->data.fd, n_running, action = 0;
	uint64_t n_expired;

	if (fd == http->timer_fd) {
		if (read(fd, &n_expired, sizeof(n_expired)) < 0)
			return; /* it has been set anew */
		fd = CURL_SOCKET_TIMEOUT;
	} else {
		if (event->events & EPOLLIN)
			action |= CURL_CSELECT_IN;
		if (event->events & EPOLLOUT)
			action |= CURL_CSELECT_OUT;
		if (event->events & (EPOLLERR | EPOLLHUP))
			action |= CURL_CSELECT_ERR;
	}
	http->is_inside = true;
	curl_multi_socket_action(http->multi, fd, action, &n_running);
	http->is_inside = false;
}

/* What could not be done while libcurl was at work. */
static void settle(struct http *http)
{
	struct http_call *call = http->calls;

	while (call) {
		struct http_call *next = call->next;

		if (call->is_cancelled) {
			http_call_free(call);
		} else if (!call->is_added && !http_call_add(call)) {
			http_call_finish(call, CURLE_OUT_OF_MEMORY);
			next = http->calls; /* any of them may be gone */
		}
		call = next;
	}
}

static void tell_ends(struct http *http)
{
	const CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(http->multi, &n_left))) {
		struct http_call *call;
		CURLcode code = message->data.result;

		if (message->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
				      &call) == CURLE_OK)
			http_call_finish(call, code);
	}
}

size_t http_work(struct http *http)
{
	struct epoll_event events[MAX_EVENTS];
	int n = 1;

	http->n_received = 0;
	for (int round = 0;
	     n > 0 && round < ENOUGH_ROUNDS && http->n_received < ENOUGH_BYTES;
	     round++) {
		n = epoll_wait(http->epoll_fd, events, MAX_EVENTS, 0);
		for (int i = 0; i < n && http->n_received < ENOUGH_BYTES; i++)
			act(http, &events[i]);
		settle(http);
		tell_ends(http);
	}
	return http->n_received;
}

int http_fd(const struct http *http)
{
	return http->epoll_fd;
}

bool http_renew_token(struct http *http)
{
	return token_renew(http->token, clock_us());
}

unsigned int http_token_edition(const struct http *http)
{
	return token_edition(http->token);
}

/* ---- opening ------------------------------------------------------------- */

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory for the API client");
}

/* What is missing now is not going to be there later. */
static int check_file(const char *path, const char *data, const char *noun,
		      struct err *err)
{
	int fd;

	if (!path || data)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, "%s: cannot read the %s: %s", path,
			       noun, strerror(errno));
	close(fd);
	return 0;
}

static int check_files(const struct kube_access *access, struct err *err)
{
	int r = check_file(access->ca_file, access->ca_data,
			   "certificate authority", err);

	if (r == 0)
		r = check_file(access->cert_file, access->cert_data,
			       "client certificate", err);
	if (r == 0)
		r = check_file(access->key_file, access->key_data, "client key",
			       err);
	return r;
}

static bool print(char **out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool print(char **out, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(out, fmt, args);
	va_end(args);
	if (len < 0)
		*out = NULL;
	return len >= 0;
}

static void free_text(char **text)
{
	free(*text);
}

/*
 * TLS goes by the host of the URL. Where the server's certificate has another
 * name (API-65), the URL has that name, libcurl is told where to connect to
 * instead, and the server is told what it would have been told.
 */
static int rename_server(struct http *http, struct err *err)
{
	const char *name = http->access->tls_server_name;
	bool is_ipv6 = name && strchr(name, ':');
	struct server_url *real = &http->server;
	CLEANUP(free_text) char *text = NULL;
	struct server_url url;
	char found[PLAIN_TEXT_LEN];
	int r;

	if (!name || strcmp(real->scheme, "https") != 0)
		return 0;
	if (!print(&text, "https://%s%s%s:%s%s", is_ipv6 ? "[" : "", name,
		   is_ipv6 ? "]" : "", real->port, real->prefix) ||
	    !print(&http->connect_to, "::%s:%s", real->host, real->port) ||
	    !print(&http->host_header, "%s", http->place))
		return no_memory(err);
	r = server_url_parse(text, &url);
	if (r == -ENOMEM)
		return no_memory(err);
	if (r < 0)
		return err_set(err, r,
			       "%s: tls-server-name: expected a name, found "
			       "'%s'",
			       http->access->origin, plain_text(name, found));
	server_url_release(real);
	*real = url;
	return 0;
}

static int name_server(struct http *http, struct err *err)
{
	const char *server = http->access->server;
	char found[PLAIN_TEXT_LEN];
	int r = server_url_parse(server, &http->server);

	if (r == -ENOMEM)
		return no_memory(err);
	if (r < 0)
		return err_set(err, r, "%s: expected %s, found '%s'",
			       http->access->origin, SERVER_URL_EXPECTED,
			       server_url_show(server, found));
	if (!print(&http->place, "%s:%s", http->server.host, http->server.port))
		return no_memory(err);
	return rename_server(http, err);
}

static int open_descriptors(struct http *http, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN };

	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	http->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	event.data.fd = http->timer_fd;
	if (http->epoll_fd < 0 || http->timer_fd < 0 ||
	    epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->timer_fd, &event) <
		    0)
		return err_set(err, -errno, "cannot wait for answers: %s",
			       strerror(errno));
	return 0;
}

static int open_multi(struct http *http, struct err *err)
{
	CURLM *multi = curl_multi_init();

	http->multi = multi;
	if (!multi ||
	    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) ||
	    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) ||
	    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) ||
	    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) ||
	    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, MAX_CONNECTIONS) ||
	    curl_multi_setopt(multi, CURLMOPT_PIPELINING,
			      (long)CURLPIPE_NOTHING))
		return no_memory(err);
	return 0;
}

static void close_http(struct http **http)
{
	http_close(*http);
}

int http_open(const struct kube_access *access, struct http **out,
	      struct err *err)
{
	CLEANUP(close_http) struct http *http = calloc(1, sizeof(*http));
	int r;

	if (!http)
		return no_memory(err);
	http->epoll_fd = http->timer_fd = -1;
	http->access = access;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(http);
		http = NULL;
		return err_set(err, -EIO, "cannot start libcurl");
	}
	r = name_server(http, err);
	if (r == 0)
		r = check_files(access, err);
	if (r == 0)
		r = token_open(access->token_file, access->token, clock_us(),
			       &http->token, err);
	if (r == 0)
		r = open_descriptors(http, err);
	if (r == 0)
		r = open_multi(http, err);
	if (r < 0)
		return r;

	*out = http;
	http = NULL;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void http_close(struct http *http)
{
	if (!http)
		return;
	while (http->calls)
		http_call_free(http->calls);
	curl_multi_cleanup(http->multi);
	close_fd(http->timer_fd);
	close_fd(http->epoll_fd);
	token_close(http->token);
	server_url_release(&http->server);
	free(http->place);
	free(http->connect_to);
	free(http->host_header);
	free(http);
	curl_global_cleanup();
}
