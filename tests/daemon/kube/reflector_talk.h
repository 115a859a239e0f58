/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_KUBE_REFLECTOR_TALK_H
#define NETPOLD_TESTS_KUBE_REFLECTOR_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "kube/http.h"
#include "kube/reflector.h"

/**
 * A reflector, with the test as the server, the store and the clock. What the
 * store is told is written down: "begin +web end" is a list, "+web" an event
 * that put it, "-web" one that deleted it. expect_told() reads it.
 */

#define S INT64_C(1000000)

struct http_call {
	struct http_get get;
	char path[1024];
	bool is_open;
};

extern int64_t now_us;
extern struct http_call call;
extern int n_calls;
extern bool token_has_changed;
extern unsigned int token_edition;
extern int n_renewals;
extern int end_result;
extern struct reflector_server server;
extern struct reflector *reflector;

/** A reflector has begun to ask, of an empty store. */
void start_as(enum kube_resource which, bool is_asked_once);
void start_with(enum kube_resource which);
void start(void);
int stop(void **state);
/** The request that is open says @present, and not @absent (NULL: anything). */
void expect(const char *present, const char *absent);
void expect_told(const char *expected);
/** Retry-After of -1: none. */
void end_call(int status, int error, int retry_after_s, const char *body);
void say(const char *bytes);
void answer(const char *type);
void finish(void);
void refuse(int status);
/** The next request comes after so long, and up to twice as long. */
void expect_wait(int64_t least_us);
void expect_at_once(void);
void sync_by_stream(void);
void sync_by_list(void);

#define NAMESPACE(name, version)                                               \
	"{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",\"metadata\":{"         \
	"\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version)                                             \
	"{\"type\":\"" type "\",\"object\":" NAMESPACE(name, version) "}\n"
#define MARK(version)                                                          \
	"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Namespace\","           \
	"\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version   \
	"\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define BOOKMARK(version)                                                      \
	"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Namespace\","           \
	"\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version   \
	"\"}}}\n"
#define ERROR(code, reason)                                                    \
	"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","                 \
	"\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"m\","      \
	"\"reason\":\"" reason "\",\"code\":" code "}}\n"
#define LIST(version, token, items)                                            \
	"{\"kind\":\"NamespaceList\",\"apiVersion\":\"v1\",\"metadata\":{"     \
	"\"resourceVersion\":\"" version "\",\"continue\":\"" token            \
	"\"},\"items\":[" items "]}"

#define JSON "application/json"

#endif
