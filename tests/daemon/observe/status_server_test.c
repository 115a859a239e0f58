/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/client.h"
#include "observe/status_server.h"

/* Until something that has to happen counts as not happening. */
#define GIVE_UP_MS 10000

/* Of the server under test, where it is not to matter, and where it is. */
#define PATIENT_MS 60000
#define IMPATIENT_MS 150

#define LONG_ANSWER (1 << 20) /* more than a socket takes at once */

static char folder[64], path[80];
static struct status_server *server;

/* ---- the clock ----------------------------------------------------------- */

/* It goes by itself, or stands still but for what is let pass: then nobody is
   late because the machine is slow. */
static _Atomic int64_t set_us;	/* 0: it goes by itself */
static _Atomic int64_t step_us; /* what each look at it takes */

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int64_t us = atomic_load(&set_us);

	if (clock != CLOCK_MONOTONIC || !us)
		return __real_clock_gettime(clock, out);
	atomic_fetch_add(&set_us, atomic_load(&step_us));
	out->tv_sec = us / 1000000;
	out->tv_nsec = us % 1000000 * 1000;
	return 0;
}

static void stand_still(void)
{
	atomic_store(&set_us, INT64_C(1000000000));
}

static void pass(int64_t ms)
{
	atomic_fetch_add(&set_us, ms * 1000);
}

/* ---- a server ------------------------------------------------------------ */

/* {"get": "short"}, {"get": "long"} */
static json_t *answer_get(void *ctx, const json_t *request, struct err *err)
{
	const char *what = json_string_value(json_object_get(request, "get"));
	json_t *answer;
	char *text;

	(void)ctx;
	(void)err;
	if (!what || strcmp(what, "long") != 0)
		return json_pack("{sb}", "short", 1);
	text = malloc(LONG_ANSWER);
	memset(text, 'x', LONG_ANSWER);
	answer = json_pack("{so}", "long", json_stringn(text, LONG_ANSWER));
	free(text);
	return answer;
}

/* {"take": "me"}, {"take": "nobody"} */
static json_t *answer_take(void *ctx, const json_t *request, struct err *err)
{
	const char *whom = json_string_value(json_object_get(request, "take"));

	(void)ctx;
	if (whom && strcmp(whom, "me") == 0)
		return json_pack("{ss}", "take", "with pleasure");
	err_set(err, -EINVAL, "nobody is taken");
	return NULL;
}

/* {"late": 100}: 100 ms late, or as soon as there is news. */
static atomic_bool news;
static atomic_int n_looks;
static atomic_bool is_held; /* who looks, until somebody waits for his end */

int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);

int __wrap_pthread_join(pthread_t thread, void **result)
{
	atomic_store(&is_held, false);
	return __real_pthread_join(thread, result);
}

static json_t *answer_late(void *ctx, const json_t *request, struct err *err)
{
	(void)ctx;
	(void)request;
	(void)err;
	atomic_fetch_add(&n_looks, 1);
	while (atomic_load(&is_held))
		poll(NULL, 0, 1);
	return json_pack("{sb}", "news", atomic_load(&news));
}

static int keep_late(const json_t *request, const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "news")))
		return 0;
	return (int)json_integer_value(json_object_get(request, "late"));
}

static const struct request_handler handlers[] = {
	{ .verb = "get", .answer = answer_get },
	{ .verb = "take", .answer = answer_take },
	{ .verb = "late", .answer = answer_late, .keep_ms = keep_late },
};

static int taken[2]; /* a pipe */

static void take(void *ctx, int fd)
{
	assert_ptr_equal(taken, ctx);
	assert_int_equal(sizeof(fd), write(taken[1], &fd, sizeof(fd)));
}

static struct status_server *start_with(int64_t patience_ms,
					const int *inherited)
{
	const struct status_server_options options = {
		.path = path,
		.patience_ms = patience_ms,
		.requests = { .handlers = handlers,
			      .n_handlers = 3,
			      .ctx = taken,
			      .passed_on = "take" },
		.take = take,
		.inherited = inherited,
	};
	struct status_server *started = NULL;
	struct err err;

	if (status_server_start(&options, &started, &err) < 0)
		fail_msg("%s", err.message);
	return started;
}

static void start(int64_t patience_ms)
{
	server = start_with(patience_ms, NULL);
}

static int enter(void **state)
{
	(void)state;
	atomic_store(&set_us, 0);
	atomic_store(&step_us, 0);
	strcpy(folder, "/tmp/netpold-server-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	strcpy(path, folder);
	strcat(path, "/status.sock");
	return 0;
}

static int leave(void **state)
{
	(void)state;
	status_server_stop(server);
	server = NULL;
	return rmdir(folder); /* the socket is gone, then */
}

static int let_in(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(
		0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(strlen(text),
			 send(fd, text, strlen(text), MSG_NOSIGNAL));
}

/* Returns how many bytes came; 0 at the end of the stream. */
static ssize_t hear(int fd, char *text, size_t size)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	assert_int_equal(1, poll(&poll_fd, 1, GIVE_UP_MS));
	n = recv(fd, text, size - 1, 0);
	if (n < 0 && errno == ECONNRESET)
		n = 0;
	assert_true(n >= 0);
	text[n] = '\0';
	return n;
}

/* One line, however many come together. */
static void expect_answer(int fd, const char *words)
{
	char text[256] = "";
	size_t len = 0;

	while (!strchr(text, '\n')) {
		assert_true(len + 1 < sizeof(text));
		assert_int_equal(1, hear(fd, text + len++, 2));
	}
	if (!strstr(text, words))
		fail_msg("expected … %s …, got %s", words, text);
}

static void expect_dropped(int fd)
{
	char text[65536];

	while (hear(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

#define SHORT "{\"get\":\"short\"}\n"

static void expect_it_lives(void)
{
	int fd = let_in();

	say(fd, SHORT);
	expect_answer(fd, "{\"version\":1,\"short\":true}\n");
	close(fd);
}

static void requests_are_answered_in_turn(void **state)
{
	int fd;

	(void)state;
	start(PATIENT_MS);
	fd = let_in();
	say(fd, SHORT);
	expect_answer(fd, "\"short\":true");
	say(fd, SHORT "{\"put\":1}\n");
	expect_answer(fd, "\"short\":true");
	expect_answer(fd, "\"error\":");
	close(fd);
}

static void garbage_is_answered_and_survived(void **state)
{
	static const char *const garbage[] = {
		"\n",	      "garbage\n",	"{\n",
		"\xff\xff\n", "{\"get\":{}}\n", "\"\\ud800\"\n",
	};
	int fd;

	(void)state;
	start(PATIENT_MS);
	fd = let_in();
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		say(fd, garbage[i]);
		expect_answer(fd, i == 4 ? "\"short\"" : "\"error\":");
	}
	close(fd);
	expect_it_lives();
}

static void who_is_gone_at_once_is_survived(void **state)
{
	(void)state;
	start(PATIENT_MS);
	for (int i = 0; i < 200; i++) {
		int fd = let_in();

		if (i % 4 > 0)
			say(fd, "{\"get\":");
		if (i % 4 > 1)
			say(fd, "\"long\"}\n" SHORT);
		close(fd);
	}
	expect_it_lives();
}

static void a_line_that_is_too_long_ends_the_conversation(void **state)
{
	static char line[2 * CLIENT_LINE_MAX];
	int fd;

	(void)state;
	start(PATIENT_MS);
	fd = let_in();
	memset(line, '[', sizeof(line));
	send(fd, line, sizeof(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	expect_answer(fd, "too long");
	expect_dropped(fd);
	expect_it_lives();
}

static void more_than_get_in_are_answered_all_the_same(void **state)
{
	int fds[STATUS_SERVER_CLIENTS + 4];
	int n = sizeof(fds) / sizeof(fds[0]);

	(void)state;
	start(PATIENT_MS);
	for (int i = 0; i < n; i++)
		fds[i] = let_in();
	for (int i = n - 1; i >= 0; i--)
		say(fds[i], SHORT);
	for (int i = 0; i < n; i++) {
		expect_answer(fds[i], "\"short\":true");
		close(fds[i]);
	}
}

static void the_silent_are_dropped(void **state)
{
	(void)state;
	start(IMPATIENT_MS);
	expect_dropped(let_in());
}

/* When others are answered, the server has done all that was due before. */
static void who_has_talked_is_dropped_when_he_is_silent(void **state)
{
	int silent, talked;

	(void)state;
	stand_still();
	start(IMPATIENT_MS);
	silent = let_in();
	talked = let_in();
	say(talked, SHORT);
	expect_answer(talked, "\"short\":true");
	expect_it_lives();
	pass(IMPATIENT_MS);
	expect_dropped(silent);
	expect_dropped(talked);
	expect_it_lives();
}

/* A byte now and then wins no time. */
static void the_slow_are_dropped(void **state)
{
	int fd;

	(void)state;
	stand_still();
	start(IMPATIENT_MS);
	fd = let_in();
	for (int i = 0; i < 3; i++) {
		send(fd, " ", 1, MSG_NOSIGNAL);
		expect_it_lives(); /* and the byte is read */
		pass(IMPATIENT_MS / 2);
	}
	expect_dropped(fd);
	expect_it_lives();
}

static void who_takes_no_answer_holds_up_nobody(void **state)
{
	int deaf;

	(void)state;
	stand_still();
	start(IMPATIENT_MS);
	deaf = let_in();
	say(deaf, "{\"get\":\"long\"}\n");
	for (int i = 0; i < 10; i++)
		expect_it_lives();
	pass(2 * IMPATIENT_MS);
	expect_it_lives();
	/* Dropped by now, with most of the answer untold. */
	expect_dropped(deaf);
}

static void a_long_answer_comes_whole(void **state)
{
	char *text = malloc(65536);
	size_t len = 0;
	int fd;

	(void)state;
	start(PATIENT_MS);
	fd = let_in();
	say(fd, "{\"get\":\"long\"}\n");
	do
		len += (size_t)hear(fd, text, 65536);
	while (!strchr(text, '\n'));
	assert_int_equal(
		LONG_ANSWER + strlen("{\"version\":1,\"long\":\"\"}\n"), len);
	close(fd);
	free(text);
}

static void it_stops_with_clients_in(void **state)
{
	int fd;

	(void)state;
	start(PATIENT_MS);
	fd = let_in();
	say(fd, "{\"get\":\"long\"}\n{\"get\"");
	status_server_stop(server);
	server = NULL;
	expect_dropped(fd);
}

static void a_conversation_is_passed_on(void **state)
{
	int fd, there;

	(void)state;
	assert_int_equal(0, pipe(taken));
	stand_still();
	start(IMPATIENT_MS);
	fd = let_in();
	say(fd, "{\"take\":\"nobody\"}\n");
	expect_answer(fd, "nobody is taken");
	say(fd, SHORT);
	expect_answer(fd, "\"short\":true");
	say(fd, "{\"take\":\"me\"}\n");
	expect_answer(fd, "with pleasure");
	assert_int_equal(sizeof(there), read(taken[0], &there, sizeof(there)));
	/* Nobody but who has it answers, or drops it. */
	pass(2 * IMPATIENT_MS);
	expect_it_lives();
	say(fd, SHORT);
	expect_answer(there, "\"short\"");
	say(there, "yes\n");
	expect_answer(fd, "yes");
	close(there);
	expect_dropped(fd);
	expect_it_lives();
	close(taken[0]);
	close(taken[1]);
}

/* One server follows another at one socket: whoever has asked gets his answer
   from this one or that. */
static void another_goes_on_with_the_socket(void **state)
{
	(void)state;
	start(PATIENT_MS);
	for (int i = 0; i < 50; i++) {
		int early = let_in(), late, listening;

		say(early, SHORT);
		listening = dup(status_server_fd(server));
		status_server_leave(server);
		late = let_in();
		say(late, SHORT);
		server = start_with(PATIENT_MS, &listening);
		expect_answer(early, "\"short\":true");
		expect_answer(late, "\"short\":true");
		close(early);
		close(late);
	}
}

/* ---- answers that are kept back ------------------------------------------ */

static void tell_news(void)
{
	atomic_store(&news, true);
	status_server_stir(server);
}

/* Until the server has looked for an answer @n times, since the last call. */
static void wait_for_looks(int n)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; atomic_load(&n_looks) < n; i++) {
		assert_true(i < GIVE_UP_MS);
		nanosleep(&moment, NULL);
	}
	atomic_store(&n_looks, 0);
}

static bool is_silent(int fd)
{
	struct pollfd answer = { .fd = fd, .events = POLLIN };

	return poll(&answer, 1, 0) == 0;
}

static void begin_late(int64_t patience_ms)
{
	atomic_store(&news, false);
	atomic_store(&n_looks, 0);
	start(patience_ms);
}

/* It looks twice at first: news may have come while it looked. */
static void an_answer_is_kept_back_until_there_is_news(void **state)
{
	int fd;

	(void)state;
	stand_still();
	begin_late(IMPATIENT_MS);
	fd = let_in();
	say(fd, "{\"late\": 60000}\n");
	wait_for_looks(2);
	assert_true(is_silent(fd));
	pass(2 * IMPATIENT_MS); /* which is no matter of patience */
	status_server_stir(server);
	wait_for_looks(1);
	assert_true(is_silent(fd));
	tell_news();
	expect_answer(fd, "\"news\":true");
	say(fd, "{\"get\": \"short\"}\n");
	expect_answer(fd, "\"short\":true");
	close(fd);
}

static void an_answer_is_not_kept_back_for_longer_than_said(void **state)
{
	int fd;

	(void)state;
	begin_late(PATIENT_MS);
	fd = let_in();
	say(fd, "{\"late\": 30}\n{\"get\": \"short\"}\n");
	expect_answer(fd, "\"news\":false");
	expect_answer(fd, "\"short\":true");
	close(fd);
}

/* Places of those who have hung up are free again. */
static void no_more_than_half_of_the_places_wait_for_news(void **state)
{
	int fds[STATUS_SERVER_KEPT], late;

	(void)state;
	begin_late(PATIENT_MS);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < STATUS_SERVER_KEPT; i++) {
			fds[i] = let_in();
			say(fds[i], "{\"late\": 60000}\n");
			wait_for_looks(2);
		}
		late = let_in();
		say(late, "{\"late\": 60000}\n");
		expect_answer(late, "\"news\":false");
		say(late, "{\"get\": \"short\"}\n");
		expect_answer(late, "\"short\":true");
		close(late);
		for (size_t i = 0; i < STATUS_SERVER_KEPT && round == 0; i++)
			close(fds[i]);
		atomic_store(&n_looks, 0);
	}
	tell_news();
	for (size_t i = 0; i < STATUS_SERVER_KEPT; i++) {
		expect_answer(fds[i], "\"news\":true");
		close(fds[i]);
	}
}

static void who_leaves_keeps_no_answer_back(void **state)
{
	int fd;

	(void)state;
	begin_late(PATIENT_MS);
	fd = let_in();
	say(fd, "{\"late\": 60000}\n");
	wait_for_looks(2);
	status_server_leave(server);
	server = NULL;
	expect_answer(fd, "\"news\":false");
	close(fd);
	assert_int_equal(0, unlink(path));
}

/* That it is to leave, and that somebody has come, is seen at once; then it
   stands still for longer than it takes to leave. */
static void who_has_asked_before_a_stall_is_answered_by_who_leaves(void **state)
{
	int early, late;

	(void)state;
	stand_still();
	begin_late(PATIENT_MS);
	atomic_store(&is_held, true);
	early = let_in();
	say(early, "{\"late\": 0}\n");
	wait_for_looks(1);
	late = let_in();
	say(late, SHORT);
	atomic_store(&step_us, 1000000);
	status_server_leave(server);
	server = NULL;
	expect_answer(early, "\"news\":false");
	expect_answer(late, "\"short\":true");
	close(early);
	close(late);
	assert_int_equal(0, unlink(path));
}

static int64_t cpu_time_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nor does it try without end, at the cost of a CPU. */
static void it_survives_a_lack_of_descriptors(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct rlimit limit, none;
	int64_t before_ms, took_ms;
	int fd, next;

	(void)state;
	start(PATIENT_MS);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	next = dup(fd);
	close(next);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &none);
	before_ms = cpu_time_ms();
	assert_int_equal(
		0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
	say(fd, SHORT);
	usleep(300000);
	took_ms = cpu_time_ms() - before_ms;
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_in_range(took_ms, 0, 30);
	expect_answer(fd, "\"short\":true");
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered_in_turn),
		TEST(garbage_is_answered_and_survived),
		TEST(who_is_gone_at_once_is_survived),
		TEST(a_line_that_is_too_long_ends_the_conversation),
		TEST(more_than_get_in_are_answered_all_the_same),
		TEST(the_silent_are_dropped),
		TEST(who_has_talked_is_dropped_when_he_is_silent),
		TEST(the_slow_are_dropped),
		TEST(who_takes_no_answer_holds_up_nobody),
		TEST(a_long_answer_comes_whole),
		TEST(it_stops_with_clients_in),
		TEST(a_conversation_is_passed_on),
		TEST(another_goes_on_with_the_socket),
		TEST(an_answer_is_kept_back_until_there_is_news),
		TEST(an_answer_is_not_kept_back_for_longer_than_said),
		TEST(no_more_than_half_of_the_places_wait_for_news),
		TEST(who_leaves_keeps_no_answer_back),
		TEST(who_has_asked_before_a_stall_is_answered_by_who_leaves),
		TEST(it_survives_a_lack_of_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
