/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Workers that stay: for whom they are used again, what ends them, and that nothing of a message is
 * left for the next one. Who delivered stands in a Maildir file's name. Needs root, for as anybody
 * else there are no other processes; skipped without.
 */
#include "../../src/virtmda/crew.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/virtmda/member.h"
#include "../../src/virtmda/moment.h"
#include "../../src/virtmda/parcel.h"
#include "../../src/virtmda/process.h"
#include "../../src/virtmda/worker.h"
#include "leftover.h"
#include "suite.h"

#define JOE  4242
#define MANY 70 /* identities: more than there are places for */
#define TEXT "Subject: x\n\nhello\n"

static char all_of_it[64]; /* made and removed by main: a test that fails cleans up nothing */
static char top[80];
static struct settings settings;
static struct intake intake;
static struct crew *crew;
static struct err err;

static void
make_home(const char *name, uid_t uid, gid_t gid)
{
	static const char *const parts[] = { "", "/Maildir", "/Maildir/tmp", "/Maildir/new",
		"/Maildir/cur" };
	char path[128];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s%s", top, name, parts[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
		ck_assert_int_eq(chown(path, uid, gid), 0);
	}
}

static void
setup(void)
{
	const char *const overrides[] = { "log=stderr" };

	snprintf(top, sizeof(top), "%s/XXXXXX", all_of_it);
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0755), 0);
	ck_assert_msg(settings_load(&settings, NULL, overrides, 1, &err) == 0, "%s", err.text);
	intake = (struct intake){ .fd = memfd_create("message", MFD_CLOEXEC), .spooled = true };
	ck_assert_int_eq(write(intake.fd, TEXT, strlen(TEXT)), (ssize_t)strlen(TEXT));
	make_home("joe", JOE, JOE);
	ck_assert_int_eq(crew_new(&crew, &err), 0);
	process_forget_starter();
}

/* Whatever happened, nobody is left. */
static void
teardown(void)
{
	crew_free(crew);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	intake_close(&intake);
	settings_free(&settings);
}

/* ---- deliveries --------------------------------------------------------------------------------
 */

struct person {
	struct account account;
	struct copy copy;
	const char *recipient;
	char home[128], path[160];
};

static void
person(struct person *p, const char *name, uid_t uid, gid_t gid)
{
	snprintf(p->home, sizeof(p->home), "%s/%s", top, name);
	snprintf(p->path, sizeof(p->path), "%s/Maildir", p->home);
	p->account =
	    (struct account){ .name = (char *)"joe", .uid = uid, .gid = gid, .home = p->home };
	p->recipient = "joe@d.example";
	p->copy = (struct copy){ .account = &p->account,
		.mailbox = { .format = MAILBOX_MAILDIR, .path = p->path },
		.recipients = &p->recipient,
		.nrecipients = 1 };
}

static void
run_until(struct copy **copies, size_t n, long long until)
{
	const struct job job = { .settings = &settings,
		.sender = "amy@two.example",
		.until = until,
		.intake = &intake,
		.copies = copies,
		.ncopies = n };

	crew_run(crew, &job);
}

static void
run(struct copy **copies, size_t n)
{
	run_until(copies, n, MOMENT_NEVER);
}

/* Whose pid it is that stands in the name of the file. */
static pid_t
deliverer(const struct copy *copy)
{
	const char *p;

	ck_assert_msg(copy->report.outcome.class == OUTCOME_DELIVERED, "%s %s",
	    copy->report.outcome.status, copy->report.outcome.text);
	p = strchr(copy->report.receipt.name, 'P');
	ck_assert_ptr_nonnull(p);
	return (pid_t)strtol(p + 1, NULL, 10);
}

static pid_t
deliver_to(const char *name, uid_t uid, gid_t gid)
{
	struct person p;
	struct copy *copies[] = { &p.copy };

	person(&p, name, uid, gid);
	run(copies, 1);
	return deliverer(&p.copy);
}

static pid_t
deliver(void)
{
	return deliver_to("joe", JOE, JOE);
}

static int
entries(const char *where)
{
	char path[128];
	const struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", top, where);
	dir = opendir(path);
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static bool
is_alive(pid_t pid)
{
	return kill(pid, 0) == 0;
}

static void
doze(void)
{
	nanosleep(&(const struct timespec){ .tv_nsec = 2000000 }, NULL);
}

static char
state_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (file == NULL)
		return 'X';
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(file);
	return state;
}

static void
wait_for_state(pid_t pid, char state)
{
	for (int i = 0; i < 2000 && state_of(pid) != state; i++)
		doze();
	ck_assert_int_eq(state_of(pid), state);
}

/* ---- who is used again --------------------------------------------------------------------------
 */

START_TEST(one_identity_has_one_worker)
{
	pid_t first = deliver();

	ck_assert(crew_is_waiting(crew));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(deliver(), first);
	ck_assert_int_eq(entries("joe/Maildir/new"), 6);
}
END_TEST

START_TEST(another_account_of_that_identity_too)
{
	pid_t first = deliver();

	make_home("ann", JOE, JOE);
	ck_assert_int_eq(deliver_to("ann", JOE, JOE), first);
	ck_assert_int_eq(entries("ann/Maildir/new"), 1);
}
END_TEST

START_TEST(never_for_another_uid_or_gid)
{
	pid_t pids[] = { deliver(), 0, 0 };

	make_home("ann", JOE + 1, JOE);
	make_home("bob", JOE, JOE + 1);
	pids[1] = deliver_to("ann", JOE + 1, JOE);
	pids[2] = deliver_to("bob", JOE, JOE + 1);
	ck_assert(pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2]);
	/* Each has its own again. */
	ck_assert_int_eq(deliver(), pids[0]);
	ck_assert_int_eq(deliver_to("ann", JOE + 1, JOE), pids[1]);
	ck_assert_int_eq(deliver_to("bob", JOE, JOE + 1), pids[2]);
}
END_TEST

/* The account was given another uid meanwhile; the Maildir is still the old one's. */
START_TEST(an_account_that_changed_has_another)
{
	pid_t first = deliver();
	struct person p;
	struct copy *copies[] = { &p.copy };

	person(&p, "joe", JOE + 1, JOE);
	run(copies, 1);
	ck_assert_int_eq(p.copy.report.outcome.class, OUTCOME_DEFERRED);
	ck_assert_int_eq(entries("joe/Maildir/new"), 1);
	ck_assert_int_eq(deliver(), first);
}
END_TEST

START_TEST(they_are_not_many)
{
	pid_t pids[MANY];
	int alive = 0;

	for (int i = 0; i < MANY; i++) {
		char name[16];

		snprintf(name, sizeof(name), "u%d", i);
		make_home(name, (uid_t)(5000 + i), JOE);
		pids[i] = deliver_to(name, (uid_t)(5000 + i), JOE);
	}
	for (int i = 0; i < MANY; i++)
		alive += is_alive(pids[i]);
	ck_assert_int_eq(alive, 64);
	/* Who waited longest had to go. */
	ck_assert(!is_alive(pids[0]));
	ck_assert_int_eq(deliver_to("u69", 5069, JOE), pids[69]);
	ck_assert_int_eq(deliver_to("u6", 5006, JOE), pids[6]);
	ck_assert_int_ne(deliver_to("u5", 5005, JOE), pids[5]);
}
END_TEST

START_TEST(those_who_rest_are_gone)
{
	pid_t first = deliver();

	crew_rest(crew);
	ck_assert(!is_alive(first));
	ck_assert(!crew_is_waiting(crew));
	ck_assert_int_ne(deliver(), first);
}
END_TEST

START_TEST(without_a_crew_nobody_stays)
{
	struct crew *kept = crew;

	crew = NULL;
	ck_assert(!is_alive(deliver()));
	crew = kept;
}
END_TEST

/* ---- what ends them -----------------------------------------------------------------------------
 */

static const int ends[] = { SIGKILL, SIGTERM, SIGSTOP };

/* While it had nothing to do, so nothing is lost, nothing twice, and nobody waits. */
START_TEST(one_that_was_ended_costs_nothing)
{
	pid_t first = deliver();

	ck_assert_int_eq(kill(first, ends[_i]), 0);
	wait_for_state(first, ends[_i] == SIGSTOP ? 'T' : 'Z');
	ck_assert_int_ne(deliver(), first);
	ck_assert(!is_alive(first));
	ck_assert_int_eq(entries("joe/Maildir/new"), 2);
}
END_TEST

static int
socket_of(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0);

	close(pidfd);
	return fd;
}

/* Lets it stand where nobody can see that it stands; kills it when its job has come. */
static _Noreturn void
kill_with_job(pid_t pid, int ready)
{
	int waiting = 0;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1 || waitpid(pid, NULL, __WALL) != pid ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	for (int i = 0; i < 2000 && waiting == 0; i++) {
		int fd = socket_of(pid);

		if (fd == -1 || ioctl(fd, FIONREAD, &waiting) == -1)
			_exit(2);
		close(fd); /* or it would not end with the worker */
		doze();
	}
	_exit(waiting > 0 && kill(pid, SIGKILL) == 0 ? 0 : 3);
}

START_TEST(one_that_was_killed_with_its_job_unread_costs_nothing)
{
	pid_t first = deliver(), killer;
	int status, pipes[2];
	char byte;

	ck_assert_int_eq(pipe(pipes), 0);
	killer = fork();
	if (killer == 0)
		kill_with_job(first, pipes[1]);
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	ck_assert_int_ne(deliver(), first);
	ck_assert_int_eq(waitpid(killer, &status, 0), killer);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(entries("joe/Maildir/new"), 2);
}
END_TEST

/* Only looked at, one that has ended keeps its number, and nobody else can be killed for it. */
START_TEST(one_that_ended_is_buried_only_when_it_is_dismissed)
{
	struct member member = { .pid = fork() };
	int sockets[2];

	if (member.pid == 0)
		_exit(0);
	ck_assert_int_eq(parcel_pair(sockets, &err), 0);
	member.socket = sockets[0];
	wait_for_state(member.pid, 'Z');
	ck_assert(!member_is_sound(&member));
	ck_assert(is_alive(member.pid));
	member_dismiss(&member);
	close(sockets[1]);
}
END_TEST

START_TEST(one_that_is_stopped_before_its_end_is_ended)
{
	struct member member = { .pid = fork(), .is_new = true };
	int sockets[2];

	if (member.pid == 0)
		raise(SIGSTOP);
	ck_assert_int_eq(parcel_pair(sockets, &err), 0);
	member.socket = sockets[0];
	ck_assert_int_eq(member_see_off(&member, &err), 0);
	ck_assert_int_eq(member.pid, 0);
	close(sockets[1]);
}
END_TEST

/* Until it is killed, in a process of its own. */
static pid_t
hold(pid_t pid)
{
	int pipes[2];
	char byte;
	pid_t holder;

	ck_assert_int_eq(pipe(pipes), 0);
	holder = fork();
	if (holder == 0) {
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == -1 ||
		    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1 ||
		    waitpid(pid, NULL, __WALL) != pid || write(pipes[1], "x", 1) != 1)
			_exit(1);
		_exit(waitpid(pid, NULL, __WALL) == pid ? 0 : 2);
	}
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	return holder;
}

/* An account can hold up its own mail, not that of others in the same message. */
START_TEST(nobody_waits_for_one_for_ever)
{
	pid_t first = deliver(), holder = hold(first);
	struct person held, free;
	struct copy *copies[] = { &held.copy, &free.copy };
	int status;

	make_home("ann", JOE + 1, JOE + 1);
	person(&held, "joe", JOE, JOE);
	person(&free, "ann", JOE + 1, JOE + 1);
	run_until(copies, 2, moment_now() + 100);
	ck_assert_int_eq(held.copy.report.outcome.class, OUTCOME_DEFERRED);
	ck_assert_str_eq(held.copy.report.outcome.status, "4.3.0");
	ck_assert_int_ne(deliverer(&free.copy), first);
	ck_assert_int_eq(waitpid(holder, &status, 0), holder);
	ck_assert_int_eq(status, 0);
	for (int i = 0; i < 2000 && is_alive(first); i++, leftover_bury())
		doze();
	ck_assert_int_ne(deliver(), first);
	ck_assert_int_eq(entries("joe/Maildir/new"), 2);
}
END_TEST

START_TEST(one_that_speaks_unasked_is_ended)
{
	pid_t first = deliver();
	int fd = socket_of(first);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(send(fd, "hello", 5, 0), 5);
	close(fd);
	ck_assert_int_ne(deliver(), first);
	ck_assert(!is_alive(first));
}
END_TEST

START_TEST(a_failure_ends_it)
{
	pid_t first = deliver();
	struct person p;
	struct copy *copies[] = { &p.copy };

	person(&p, "nobody", JOE, JOE);
	run(copies, 1);
	ck_assert_int_eq(p.copy.report.outcome.class, OUTCOME_DEFERRED);
	ck_assert(!is_alive(first));
	ck_assert_int_ne(deliver(), first);
}
END_TEST

/* A dotlock that stayed is stale only when its owner has ended: so does who had to say anything. */
START_TEST(a_note_ends_it)
{
	static const char unfinished[] = "From amy Thu Jan  1 00:00:00 1970\n\nhello";
	struct person p;
	struct copy *copies[] = { &p.copy };
	pid_t first = deliver();
	char box[128];
	int fd;

	snprintf(box, sizeof(box), "%s/joe/mbox", top);
	fd = open(box, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, unfinished, strlen(unfinished)), (ssize_t)strlen(unfinished));
	ck_assert_int_eq(fchown(fd, JOE, JOE), 0);
	close(fd);
	person(&p, "joe", JOE, JOE);
	p.copy.mailbox = (struct mailbox){ .format = MAILBOX_MBOX, .path = box };
	run(copies, 1);
	ck_assert_int_eq(p.copy.report.outcome.class, OUTCOME_DELIVERED);
	ck_assert_str_ne(p.copy.report.receipt.note, "");
	ck_assert(!is_alive(first));
}
END_TEST

/* Somebody of that uid let it have no file. */
START_TEST(limits_set_from_outside_end_it)
{
	const struct rlimit none = { 3, 3 };
	pid_t first = deliver(), somebody;
	struct person p;
	struct copy *copies[] = { &p.copy };
	int status;

	somebody = fork();
	if (somebody == 0)
		_exit(setgid(JOE) == -1 || setuid(JOE) == -1 ||
		      prlimit(first, RLIMIT_NOFILE, &none, NULL) == -1);
	ck_assert_int_eq(waitpid(somebody, &status, 0), somebody);
	ck_assert_int_eq(status, 0);
	person(&p, "joe", JOE, JOE);
	run(copies, 1);
	ck_assert_int_eq(p.copy.report.outcome.class, OUTCOME_DEFERRED);
	ck_assert_int_ne(deliver(), first);
	ck_assert_int_eq(entries("joe/Maildir/new"), 2);
}
END_TEST

START_TEST(a_job_too_long_to_be_sent_has_a_new_one)
{
	static char address[250];
	const char *recipients[400];
	pid_t first = deliver(), second;
	struct person p;
	struct copy *copies[] = { &p.copy };

	memset(address, 'x', sizeof(address) - 1);
	for (size_t i = 0; i < 400; i++)
		recipients[i] = address;
	person(&p, "joe", JOE, JOE);
	p.copy.recipients = recipients;
	p.copy.nrecipients = 400;
	run(copies, 1);
	second = deliverer(&p.copy);
	ck_assert_int_ne(second, first);
	ck_assert(!is_alive(first));
	ck_assert_int_eq(deliver(), second);
}
END_TEST

START_TEST(they_end_with_their_parent)
{
	int pipes[2];
	pid_t parent, worker = 0;

	ck_assert_int_eq(pipe(pipes), 0);
	parent = fork();
	if (parent == 0) {
		worker = deliver();
		if (write(pipes[1], &worker, sizeof(worker)) != sizeof(worker))
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(pipes[0], &worker, sizeof(worker)), sizeof(worker));
	ck_assert(is_alive(worker));
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
	for (int i = 0; i < 2000 && state_of(worker) != 'X' && state_of(worker) != 'Z'; i++)
		doze();
	ck_assert(state_of(worker) == 'X' || state_of(worker) == 'Z');
}
END_TEST

/* ---- nothing is left for the next one
 * ------------------------------------------------------------
 */

START_TEST(what_waits_holds_only_its_socket)
{
	pid_t first = deliver();
	char path[64], cwd[128], own[128];
	const struct dirent *entry;
	int n = 0;
	DIR *dir;

	ck_assert_int_eq(deliver(), first);
	wait_for_state(first, 'S');
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)first);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.' && atoi(entry->d_name) > STDERR_FILENO;
	closedir(dir);
	ck_assert_int_eq(n, 1);
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)first);
	n = (int)readlink(path, cwd, sizeof(cwd));
	ck_assert_int_eq(readlink("/proc/self/cwd", own, sizeof(own)), n);
	ck_assert_int_eq(memcmp(cwd, own, (size_t)n), 0);
}
END_TEST

START_TEST(it_has_no_rights_left)
{
	pid_t first = deliver();
	char path[64], line[256];
	int found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)first);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		found += strcmp(line, "Uid:\t4242\t4242\t4242\t4242\n") == 0 ||
		         strcmp(line, "Gid:\t4242\t4242\t4242\t4242\n") == 0 ||
		         strcmp(line, "Groups:\t4242 \n") == 0 ||
		         strcmp(line, "CapPrm:\t0000000000000000\n") == 0 ||
		         strcmp(line, "CapEff:\t0000000000000000\n") == 0;
	fclose(file);
	ck_assert_int_eq(found, 5);
}
END_TEST

static void
in_top(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "cd %s && %s", top, command);
	ck_assert_int_eq(system(line), 0);
}

START_TEST(a_home_that_was_replaced_is_the_new_one)
{
	pid_t first = deliver();

	in_top("mv joe old");
	make_home("joe", JOE, JOE);
	ck_assert_int_eq(deliver(), first);
	ck_assert_int_eq(entries("joe/Maildir/new"), 1);
	ck_assert_int_eq(entries("old/Maildir/new"), 1);
	/* And where one of its own is not its own any more, it is looked at again. */
	in_top("chown 0 joe/Maildir/new");
	{
		struct person p;
		struct copy *copies[] = { &p.copy };

		person(&p, "joe", JOE, JOE);
		run(copies, 1);
		ck_assert_int_eq(p.copy.report.outcome.class, OUTCOME_DEFERRED);
	}
	ck_assert_int_eq(entries("joe/Maildir/new"), 1);
}
END_TEST

START_TEST(a_forward_that_appeared_is_found)
{
	struct person p;
	struct copy *copies[] = { &p.copy };

	deliver();
	in_top("touch joe/.forward");
	person(&p, "joe", JOE, JOE);
	run(copies, 1);
	ck_assert_uint_eq(p.copy.report.finding, REPORT_FORWARD);
	ck_assert_int_eq(entries("joe/Maildir/new"), 1);
}
END_TEST

START_TEST(a_quota_that_was_set_is_kept)
{
	struct person p;
	struct copy *copies[] = { &p.copy };

	deliver();
	person(&p, "joe", JOE, JOE);
	p.account.quota_rule = (char *)"*:messages=1";
	run(copies, 1);
	ck_assert_int_eq(p.copy.report.outcome.class, OUTCOME_DEFERRED);
	ck_assert_str_eq(p.copy.report.outcome.status, "4.2.2");
	ck_assert_int_eq(entries("joe/Maildir/new"), 1);
}
END_TEST

/* Mailboxes of the other format, by the same worker: the lock is gone again. */
START_TEST(an_mbox_is_let_go_of)
{
	struct person p;
	struct copy *copies[] = { &p.copy };
	char box[128], line[160];
	pid_t first = deliver();
	int fd;

	snprintf(box, sizeof(box), "%s/joe/mbox", top);
	person(&p, "joe", JOE, JOE);
	p.copy.mailbox = (struct mailbox){ .format = MAILBOX_MBOX, .path = box };
	run(copies, 1);
	ck_assert_int_eq(p.copy.report.outcome.class, OUTCOME_DELIVERED);
	fd = open(box, O_RDWR);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(
	    fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET }), 0);
	close(fd);
	snprintf(line, sizeof(line), "%s.lock", box);
	ck_assert_int_eq(access(line, F_OK), -1);
	ck_assert_int_eq(deliver(), first);
}
END_TEST

/* ---- told as soon as it is known
 * -----------------------------------------------------------------
 */

/* The worker is held up by reports that nobody takes, and killed: behind the group that it reports
 * no other was begun, and of that group nobody is missing who has a report. */
START_TEST(each_group_is_told_of_at_once)
{
	enum { COPIES = MAILBOX_AT_ONCE + 6 };
	static struct person people[COPIES];
	struct copy *copies[COPIES];
	const struct job job = { .settings = &settings,
		.sender = "",
		.intake = &intake,
		.copies = copies,
		.ncopies = COPIES };
	int sockets[2], small = 4608, visible = 0;
	pid_t pid;

	for (int i = 0; i < COPIES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "u%d", i);
		make_home(name, JOE, JOE);
		person(&people[i], name, JOE, JOE);
		copies[i] = &people[i].copy;
	}
	ck_assert_int_eq(parcel_pair(sockets, &err), 0);
	ck_assert_int_eq(setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	pid = fork();
	if (pid == 0)
		worker_process(&job, sockets[0], false);
	close(sockets[0]);
	for (int i = 0; i < 2000 && entries("u63/Maildir/new") != 1; i++)
		doze();
	wait_for_state(pid, 'S');
	for (int i = 0; i < COPIES; i++) {
		char where[40];

		snprintf(where, sizeof(where), "u%d/Maildir/new", i);
		visible += entries(where);
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(sockets[1]);
	ck_assert_int_eq(visible, MAILBOX_AT_ONCE);
}
END_TEST

static TCase *
tests_of_crew(void)
{
	TCase *tests = tcase_create("crew");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60); /* one waits for MOMENT_GRACE */
	tcase_add_test(tests, one_identity_has_one_worker);
	tcase_add_test(tests, another_account_of_that_identity_too);
	tcase_add_test(tests, never_for_another_uid_or_gid);
	tcase_add_test(tests, an_account_that_changed_has_another);
	tcase_add_test(tests, they_are_not_many);
	tcase_add_test(tests, those_who_rest_are_gone);
	tcase_add_test(tests, without_a_crew_nobody_stays);
	tcase_add_loop_test(tests, one_that_was_ended_costs_nothing, 0, 3);
	tcase_add_test(tests, one_that_was_killed_with_its_job_unread_costs_nothing);
	tcase_add_test(tests, one_that_ended_is_buried_only_when_it_is_dismissed);
	tcase_add_test(tests, one_that_is_stopped_before_its_end_is_ended);
	tcase_add_test(tests, nobody_waits_for_one_for_ever);
	tcase_add_test(tests, one_that_speaks_unasked_is_ended);
	tcase_add_test(tests, a_failure_ends_it);
	tcase_add_test(tests, a_note_ends_it);
	tcase_add_test(tests, limits_set_from_outside_end_it);
	tcase_add_test(tests, a_job_too_long_to_be_sent_has_a_new_one);
	tcase_add_test(tests, they_end_with_their_parent);
	tcase_add_test(tests, what_waits_holds_only_its_socket);
	tcase_add_test(tests, it_has_no_rights_left);
	tcase_add_test(tests, a_home_that_was_replaced_is_the_new_one);
	tcase_add_test(tests, a_forward_that_appeared_is_found);
	tcase_add_test(tests, a_quota_that_was_set_is_kept);
	tcase_add_test(tests, an_mbox_is_let_go_of);
	tcase_add_test(tests, each_group_is_told_of_at_once);
	return tests;
}

int
main(void)
{
	Suite *suite = suite_create("virtmda crew");
	char **const environment = environ;
	char command[96];
	int failed;

	if (geteuid() != 0) {
		puts("# skipped: there are no other processes but root's");
		return 0;
	}
	if (process_init(&err) == -1)
		return 1;
	environ = environment; /* how to report is said there */
	strcpy(all_of_it, "/tmp/check_crew.XXXXXX");
	if (mkdtemp(all_of_it) == NULL)
		return 1;
	chmod(all_of_it, 0755);
	suite_add_tcase(suite, tests_of_crew());
	failed = suite_run(suite);
	snprintf(command, sizeof(command), "rm -rf %s", all_of_it);
	return system(command) == 0 && failed == 0 ? 0 : 1;
}
