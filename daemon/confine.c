/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "netpold/cleanup.h"

#include "confine_calls.h"
#include "fault.h"
#include "log.h"

#ifdef __SANITIZE_ADDRESS__
#define HAS_SANITIZER true
#elif defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER true
#else
#define HAS_SANITIZER false
#endif

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* linux/prctl.h since 5.17: malloc(3) */
#endif

#define REFUSE SCMP_ACT_ERRNO(EPERM)
#define DISOWN SCMP_ACT_ERRNO(ENOSYS)

/* Set before threads start. */
static bool is_on;

/* ---- rules of a filter --------------------------------------------------- */

/* A filter as it is written; the first failure is kept. */
struct filter {
	scmp_filter_ctx ctx;
	int code;
};

static void keep_failure(struct filter *f, int code)
{
	if (f->code == 0 && code < 0)
		f->code = code;
}

static void rule(struct filter *f, uint32_t action, const char *name)
{
	int call = seccomp_syscall_resolve_name(name);

	/* Not on this architecture, or younger than libseccomp. */
	if (call != __NR_SCMP_ERROR)
		keep_failure(f, seccomp_rule_add(f->ctx, action, call, 0));
}

/* Where one argument is, under a mask, what it should be. */
static void rule_if(struct filter *f, uint32_t action, const char *name,
		    unsigned int argument, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp condition = { .arg = argument,
						.op = SCMP_CMP_MASKED_EQ,
						.datum_a = mask,
						.datum_b = value };
	int call = seccomp_syscall_resolve_name(name);

	if (call != __NR_SCMP_ERROR)
		keep_failure(f, seccomp_rule_add_array(f->ctx, action, call, 1,
						       &condition));
}

static void put_refused(struct filter *f)
{
	static const char *const starts[] = { "execve", "execveat", "fork",
					      "vfork" };
	const char *name;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		rule(f, REFUSE, starts[i]);
	for (size_t i = 0; (name = confine_attack_at(i)); i++)
		rule(f, REFUSE, name);
}

static void put_calls(struct filter *f, enum confine_role role)
{
	const struct confine_call *call;

	for (size_t i = 0; (call = confine_call_at(i)); i++)
		rule(f, call->role <= role ? SCMP_ACT_ALLOW : REFUSE,
		     call->name);
}

/* Code comes from files, when a library is loaded: the resolver of the C
   library does so late (nsswitch.conf(5)). Nothing is written and run. */
static void put_memory(struct filter *f, enum confine_role role)
{
	const uint64_t code = PROT_EXEC;
	const uint64_t refused =
		role == CONFINE_PROCESS ? code | PROT_WRITE : code;

	rule_if(f, SCMP_ACT_ALLOW, "mprotect", 2, code, 0);
	rule_if(f, REFUSE, "mprotect", 2, code, code);
	rule_if(f, SCMP_ACT_ALLOW, "mmap", 2, code, 0);
	if (role == CONFINE_PROCESS)
		rule_if(f, SCMP_ACT_ALLOW, "mmap", 2, code | PROT_WRITE, code);
	rule_if(f, REFUSE, "mmap", 2, refused, refused);
}

/* @argument  which is the flags */
static void put_open(struct filter *f, enum confine_role role, const char *name,
		     unsigned int argument)
{
	const uint64_t writes =
		O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);

	if (role == CONFINE_PROCESS)
		rule(f, SCMP_ACT_ALLOW, name);
	if (role == CONFINE_WORKER)
		rule(f, REFUSE, name);
	if (role != CONFINE_READER)
		return;
	rule_if(f, SCMP_ACT_ALLOW, name, argument, writes, O_RDONLY);
	rule_if(f, REFUSE, name, argument, O_ACCMODE, O_WRONLY);
	rule_if(f, REFUSE, name, argument, O_ACCMODE, O_RDWR);
}

static void put_sockets(struct filter *f, enum confine_role role)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6,
					AF_NETLINK };

	if (role == CONFINE_WORKER)
		rule(f, REFUSE, "socket");
	for (size_t i = 0; role != CONFINE_WORKER && i < 4; i++)
		rule_if(f, SCMP_ACT_ALLOW, "socket", 0, UINT32_MAX,
			(uint64_t)families[i]);
}

/* Threads, but not processes; names for them; and signals to ourselves, which
   abort(3) sends. */
static void put_threads(struct filter *f, enum confine_role role)
{
	static const int orders[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_VMA,
				      PR_SET_SECCOMP };
	const uint64_t self = (uint64_t)getpid();

	rule_if(f, SCMP_ACT_ALLOW, "tgkill", 0, UINT32_MAX, self);
	if (role == CONFINE_PROCESS) {
		rule_if(f, SCMP_ACT_ALLOW, "clone", 0, CLONE_THREAD,
			CLONE_THREAD);
		rule_if(f, REFUSE, "clone", 0, CLONE_THREAD, 0);
		for (size_t i = 0; i < 4; i++)
			rule_if(f, SCMP_ACT_ALLOW, "prctl", 0, UINT32_MAX,
				(uint64_t)orders[i]);
	} else {
		rule(f, REFUSE, "clone");
		rule(f, REFUSE, "prctl");
	}
	/* It cannot be looked into, and everybody has clone() in its place: see
	   load_quietly(). */
	rule(f, SCMP_ACT_ALLOW, "clone3");
#ifdef NETPOLD_FAULTS
	rule_if(f, SCMP_ACT_ALLOW, "kill", 0, UINT32_MAX, self);
#endif
}

/* Whoever hangs can be ended, and only that process (repair.c). */
static void put_end(struct filter *f, pid_t helper)
{
	const struct scmp_arg_cmp conditions[] = {
		SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint64_t)helper),
		SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, SIGKILL),
	};

	keep_failure(f, seccomp_rule_add_array(f->ctx, SCMP_ACT_ALLOW,
					       SCMP_SYS(kill), 2, conditions));
}

/* ---- loading one --------------------------------------------------------- */

static void filter_release(struct filter *f)
{
	if (f->ctx)
		seccomp_release(f->ctx);
}

/* @otherwise  what becomes of calls without a rule */
static int filter_init(struct filter *f, uint32_t otherwise)
{
	f->ctx = seccomp_init(otherwise);
	if (!f->ctx)
		return -ENOMEM;
	/* privilege_limit() has. */
	keep_failure(f, seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_NNP, 0));
	/* Calls of the other word size are nobody's. */
	keep_failure(f,
		     seccomp_attr_set(f->ctx, SCMP_FLTATR_ACT_BADARCH, DISOWN));
	return f->code;
}

/* Kernels before 4.14 cannot log. */
static int filter_load(struct filter *f, bool is_logged)
{
	int r;

	if (is_logged)
		seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_LOG, 1);
	if (f->code < 0)
		return f->code;
	r = seccomp_load(f->ctx);
	return r == -ECANCELED ? -errno : r; /* the kernel's word */
}

/* @helper  whom it may end; 0: nobody */
static int confine(enum confine_role role, pid_t helper)
{
	CLEANUP(filter_release) struct filter f = { 0 };
	int r = filter_init(&f, DISOWN);

	if (r < 0)
		return r;
	/* Workers ask for little, and that stands first. */
	if (role != CONFINE_WORKER)
		seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	put_calls(&f, role);
	put_refused(&f);
	put_memory(&f, role);
	put_open(&f, role, "open", 1);
	put_open(&f, role, "openat", 2);
	put_sockets(&f, role);
	put_threads(&f, role);
	if (helper)
		put_end(&f, helper);
	return filter_load(&f, true);
}

/* Each new thread asks for this in vain: the log is not for that. */
static int load_quietly(void)
{
	CLEANUP(filter_release) struct filter f = { 0 };
	int r = filter_init(&f, SCMP_ACT_ALLOW);

	if (r < 0)
		return r;
	rule(&f, DISOWN, "clone3");
	return filter_load(&f, false);
}

/* ---- who is confined ----------------------------------------------------- */

/* What has filters finds no filter at NULL (seccomp(2)). */
static bool kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 &&
	       errno == EFAULT;
}

int confine_init(bool on, struct err *err)
{
	is_on = on && !HAS_SANITIZER && fault_stands("confine");
	if (is_on && !kernel_has_filters())
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has no filters for system calls "
			       "(CONFIG_SECCOMP_FILTER): use one that has, or "
			       "run with --seccomp=off, and nothing but "
			       "capabilities limits what netpold may do");
	return 0;
}

static int refuse(int code, struct err *err)
{
	return err_set(err, code,
		       "cannot limit system calls: %s; --seccomp=off does "
		       "without",
		       strerror(-code));
}

int confine_process(pid_t helper, struct err *err)
{
	int r;

	if (!is_on)
		return 0;
	r = load_quietly();
	if (r == 0)
		r = confine(CONFINE_PROCESS, helper);
	return r < 0 ? refuse(r, err) : 0;
}

int confine_helper(struct err *err)
{
	CLEANUP(filter_release) struct filter f = { 0 };
	const char *name;
	int r;

	if (!is_on)
		return 0;
	r = filter_init(&f, SCMP_ACT_ALLOW);
	for (size_t i = 0; r == 0 && (name = confine_attack_at(i)); i++)
		rule(&f, REFUSE, name);
	if (r == 0)
		r = filter_load(&f, true);
	return r < 0 ? refuse(r, err) : 0;
}

void confine_thread(enum confine_role role)
{
	int r;

	if (!is_on)
		return;
	r = confine(role, 0);
	if (r < 0)
		log_error("cannot limit the system calls of a thread further: "
			  "%s; it may do what netpold may as a whole",
			  strerror(-r));
}
