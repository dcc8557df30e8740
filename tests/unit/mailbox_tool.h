/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of deliveries share: a directory of their own, files to lay and to look at,
 * messages, and a process with an ordinary user's rights.
 */
#ifndef MAILBOX_TOOL_H
#define MAILBOX_TOOL_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/mailbox/deliver.h"
#include "buf.h"
#include "io.h"
#include "mailbox.h"
#include "suite.h"

#define NOBODY 65534

#define FROM "From ann@two.example Thu Jan  1 00:00:00 1970\n"
#define OURS "Return-Path: <ann@two.example>\nDelivered-To: joe@one.example\n"
#define TEXT "Subject: x\n\nbody\n"

static char base[] = "/tmp/check_mailbox.XXXXXX"; /* all of them; goes when the suite ends */
static char dir[64];                              /* this test's */
static struct err err;
static struct mailbox_receipt receipt __attribute__((unused));
static const char *const recipients[] = { "joe@one.example" };
static struct mailbox_broker broker;
static struct mailbox_delivery delivery;

/* As ck_assert, for what helping processes do too: two that report to Check at once confuse it. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition,         \
			    strerror(errno));                                                      \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static inline const char *
in_dir(const char *name)
{
	static char path[4][PATH_MAX];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static inline void
put_bytes(const char *name, const void *data, size_t len)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd != -1);
	must(io_write_all(fd, data, len) == 0);
	close(fd);
}

static inline void
put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static inline void
get(const char *name, struct buf *out)
{
	int fd = open(in_dir(name), O_RDONLY);

	buf_clear(out);
	ck_assert_msg(fd != -1, "open %s: %s", name, strerror(errno));
	ck_assert_int_eq(io_read_all(fd, 1 << 30, out), 0);
	close(fd);
}

static inline void
ck_content(const char *name, const char *want)
{
	struct buf got = BUF_INIT;

	get(name, &got);
	ck_assert_str_eq(buf_cstr(&got), want);
	buf_free(&got);
}

static inline bool
exists(const char *name)
{
	struct stat st;

	return lstat(in_dir(name), &st) == 0;
}

static inline int
entries(const char *name)
{
	char command[PATH_MAX + 64], line[32] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "ls -A '%s' | wc -l", in_dir(name));
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), pipe));
	pclose(pipe);
	return atoi(line);
}

static inline struct message *
message_of(const void *data, size_t len)
{
	struct message *message;
	int fd = memfd_create("message", MFD_CLOEXEC);

	must(io_write_all(fd, data, len) == 0);
	must(lseek(fd, 0, SEEK_SET) == 0);
	must(message_read(&message, fd, "/tmp", &err) == 0);
	close(fd);
	return message;
}

/* One delivery, by the way of many. */
static inline int
mailbox_deliver(const struct mailbox *mailbox, const struct mailbox_delivery *one,
    struct mailbox_receipt *got, struct err *why)
{
	struct mailbox_item item = { .mailbox = mailbox, .delivery = *one };

	mailbox_deliver_all(&item, 1);
	*got = item.receipt;
	if (item.failed == -1)
		*why = item.err;
	return item.failed;
}

static inline void
use_message(const char *text)
{
	message_free((struct message *)(uintptr_t)delivery.message);
	delivery.message = message_of(text, strlen(text));
}

static inline void
setup(void)
{
	snprintf(dir, sizeof(dir), "%s/XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	broker = (struct mailbox_broker){ 0 };
	delivery = (struct mailbox_delivery){
		.envelope = { .sender = "ann@two.example",
		    .recipients = recipients,
		    .nrecipients = 1 },
		.uid = geteuid(),
		.broker = &broker,
	};
	use_message(TEXT);
}

static inline void
teardown(void)
{
	char command[PATH_MAX + NAME_MAX + 1];

	message_free((struct message *)(uintptr_t)delivery.message);
	delivery.message = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static inline bool
is_root(void)
{
	return geteuid() == 0;
}

static inline void
become_nobody(void)
{
	if (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 || setuid(NOBODY) == -1)
		_exit(99);
}

/* Run `body` in a process of its own (failed assertions end it); its exit status. */
static inline int
apart(void (*body)(void))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* From now on, in this process, a system call fails whenever its argument number `arg` (0 first) is
 * `value` (both low halves), as a broken disk would make it. */
static inline void
break_call(unsigned call, unsigned arg, unsigned value, unsigned num)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    (unsigned)offsetof(struct seccomp_data, args) + 8 * arg),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | num),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1)
		_exit(77);
}

/* The descriptor that the next open(2) gets, and so those of the ones behind it. */
static inline unsigned
next_fd(void)
{
	int fd = open("/", O_RDONLY);

	must(fd != -1);
	close(fd);
	return (unsigned)fd;
}

/* Ran apart, or skipped because the kernel does not let us break calls. */
#define ck_broken(body)                                                                            \
	do {                                                                                       \
		int status_ = apart(body);                                                         \
		ck_assert_msg(                                                                     \
		    status_ == 0 || WEXITSTATUS(status_) == 77, "status %x", (unsigned)status_);   \
	} while (0)

static inline int
run_suite(const char *name, TCase *tcase)
{
	Suite *suite = suite_create(name);
	char command[64];
	int failed;

	must(mkdtemp(base) != NULL && chmod(base, 0755) == 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	if (!is_root())
		printf("%s: skipped as an ordinary user: other owners, full disks, name spaces, "
		       "the broker\n",
		    name);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	failed = suite_run(suite);
	must(system(command) == 0);
	return failed;
}

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

#endif
