/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One message into many Maildirs at once: each gets it whole or not at all, whatever happens to the
 * others; the same bytes are one file, and only those.
 */
#include <sys/resource.h>

#include "../../src/mailbox/maildir.h"
#include "mailbox_tool.h"

#define MANY (2 * MAILBOX_AT_ONCE + 7)

static struct mailbox mailboxes[MANY];
static char paths[MANY][PATH_MAX], addresses[MANY][48];
static const char *names[MANY];
static struct mailbox_item items[MANY];

/* n deliveries to Maildir 0 and so on; every `apart`th with a recipient of its own. */
static void
prepare(size_t n, size_t apart)
{
	for (size_t i = 0; i < n; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%zu", dir, i);
		snprintf(addresses[i], sizeof(addresses[i]), "u%zu@one.example", i);
		names[i] = i % apart == 0 ? addresses[i] : recipients[0];
		mailboxes[i] = (struct mailbox){ .format = MAILBOX_MAILDIR, .path = paths[i] };
		items[i] = (struct mailbox_item){ .mailbox = &mailboxes[i], .delivery = delivery };
		items[i].delivery.envelope.recipients = &names[i];
	}
}

static const char *
file_of(size_t i)
{
	static char name[NAME_MAX + 32];

	snprintf(name, sizeof(name), "%zu/new/%.200s", i, items[i].receipt.name);
	return name;
}

static void
ck_there(size_t i)
{
	char want[256];

	ck_assert_msg(items[i].failed == 0, "%zu: %s", i, items[i].err.text);
	snprintf(want, sizeof(want), "Return-Path: <ann@two.example>\nDelivered-To: %s\n" TEXT,
	    names[i]);
	ck_content(file_of(i), want);
	ck_assert_uint_eq(items[i].receipt.bytes, strlen(want));
	snprintf(want, sizeof(want), ",S=%llu", (unsigned long long)items[i].receipt.bytes);
	ck_assert_ptr_nonnull(strstr(items[i].receipt.name, want));
}

static int
files(const char *where)
{
	char command[2 * PATH_MAX], line[32] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "find '%s' -path '%s/*/%s/*' | wc -l", dir, dir, where);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), pipe));
	pclose(pipe);
	return atoi(line);
}

static struct stat
stat_of(size_t i)
{
	struct stat st;

	ck_assert_int_eq(lstat(in_dir(file_of(i)), &st), 0);
	return st;
}

START_TEST(each_gets_its_own)
{
	static const size_t sizes[] = { 1, 2, MAILBOX_AT_ONCE, MAILBOX_AT_ONCE + 1, MANY };
	size_t n = sizes[_i];

	prepare(n, 1);
	mailbox_deliver_all(items, n);
	for (size_t i = 0; i < n; i++) {
		ck_there(i);
		ck_assert_uint_eq(stat_of(i).st_nlink, 1);
	}
	ck_assert_int_eq(files("new"), (int)n);
	ck_assert_int_eq(files("tmp"), 0);
}
END_TEST

START_TEST(the_same_bytes_are_one_file)
{
	struct stat first;

	prepare(20, 5);
	mailbox_deliver_all(items, 20);
	for (size_t i = 0; i < 20; i++)
		ck_there(i);
	first = stat_of(1);
	ck_assert_uint_eq(first.st_nlink, 16);
	for (size_t i = 0; i < 20; i++) {
		ck_assert((stat_of(i).st_ino == first.st_ino) == (i % 5 != 0));
		ck_assert(i % 5 != 0 || stat_of(i).st_nlink == 1);
	}
	ck_assert_int_eq(files("tmp"), 0);
}
END_TEST

/* Nor may one learn from its copy who else got it: another sender or message is another file. */
START_TEST(other_bytes_are_not)
{
	prepare(3, 99);
	names[0] = recipients[0];
	items[1].delivery.envelope.sender = "bob@two.example";
	items[2].delivery.message = message_of(TEXT "more\n", strlen(TEXT "more\n"));
	mailbox_deliver_all(items, 3);
	ck_there(0);
	ck_assert_uint_eq(stat_of(0).st_nlink, 1);
	ck_content(
	    file_of(1), "Return-Path: <bob@two.example>\nDelivered-To: joe@one.example\n" TEXT);
	ck_content(file_of(2), OURS TEXT "more\n");
	message_free((struct message *)(uintptr_t)items[2].delivery.message);
}
END_TEST

/* What is in the way of one is in nobody else's, even where it would have been the others' file. */
START_TEST(trouble_stays_where_it_is)
{
	prepare(9, 99);
	names[0] = recipients[0];
	put("0", "not a directory");
	ck_assert_int_eq(mkdir(in_dir("3"), 0700), 0);
	put("3/new", "");
	ck_assert_int_eq(symlink("/nowhere", in_dir("5")), 0);
	items[7].delivery.quota.bytes = 10;
	mailbox_deliver_all(items, 9);
	for (size_t i = 0; i < 9; i++) {
		if (i == 0 || i == 3 || i == 5 || i == 7) {
			ck_assert_int_eq(items[i].failed, -1);
			ck_assert_str_ne(items[i].err.text, "");
			ck_assert_str_eq(items[i].receipt.name, "");
		} else {
			ck_there(i);
		}
	}
	ck_assert(items[7].receipt.over_quota);
	ck_assert_int_eq(files("tmp"), 0);
	ck_assert_uint_eq(stat_of(1).st_nlink, 5);
}
END_TEST

/* A link cannot leave its file system: a file is written there. */
START_TEST(across_file_systems)
{
	char other[] = "/dev/shm/check_maildir_many.XXXXXX", command[128];
	struct stat here, there;

	if (mkdtemp(other) == NULL || stat(other, &there) == -1 || stat(dir, &here) == -1 ||
	    here.st_dev == there.st_dev) {
		printf("across_file_systems: skipped: /dev/shm is no other file system\n");
		return;
	}
	prepare(4, 99);
	names[0] = recipients[0];
	snprintf(paths[2], sizeof(paths[2]), "%s/2", other);
	mailbox_deliver_all(items, 4);
	ck_assert_int_eq(items[2].failed, 0);
	snprintf(
	    command, sizeof(command), "test $(ls %s/2/new | wc -l) = 1 && rm -r %s", other, other);
	ck_assert_int_eq(system(command), 0);
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			ck_there(i);
	ck_assert_uint_eq(stat_of(0).st_nlink, 3);
}
END_TEST

static int
not_wanted_any_more(void *arg, struct err *e)
{
	size_t *left = arg;

	if (*left > 0) {
		(*left)--;
		return 0;
	}
	return err_set(e, ECONNRESET, "sendmail is gone");
}

/* Told to stop in the middle: what has been shown is durable, of the rest there is nothing. */
START_TEST(stopped_in_the_middle)
{
	for (size_t apart = 1; apart <= 99; apart += 98) {
		size_t left = 4, delivered = 0;
		char command[PATH_MAX + 32];

		broker.still_wanted = not_wanted_any_more;
		broker.arg = &left;
		prepare(10, apart);
		mailbox_deliver_all(items, 10);
		for (size_t i = 0; i < 10; i++) {
			if (items[i].failed == 0)
				ck_there(i);
			else
				ck_assert_int_eq(items[i].err.num, ECONNRESET);
			delivered += items[i].failed == 0;
		}
		ck_assert_uint_eq(delivered, 4);
		ck_assert_int_eq(files("new"), 4);
		ck_assert_int_eq(files("tmp"), 0);
		snprintf(command, sizeof(command), "rm -rf '%s'/*", dir);
		ck_assert_int_eq(system(command), 0);
	}
}
END_TEST

static void
deliver_within_a_limit(void)
{
	const struct rlimit limit = { 60, 60 };

	must(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &limit) == 0);
	prepare(10, 3);
	mailbox_deliver_all(items, 10);
	for (size_t i = 0; i < 10; i++)
		must(items[i].failed == -1 && items[i].err.num == EFBIG);
}

START_TEST(a_size_limit_leaves_nothing)
{
	ck_assert_int_eq(apart(deliver_within_a_limit), 0);
	ck_assert_int_eq(files("new"), 0);
	ck_assert_int_eq(files("tmp"), 0);
}
END_TEST

/* The number that the n-th descriptor opened from now on will have, from 0. */
static unsigned
future_fd(size_t n)
{
	int fds[64];

	for (size_t i = 0; i <= n; i++)
		must((fds[i] = open("/", O_RDONLY)) != -1);
	for (size_t i = 0; i <= n; i++)
		close(fds[i]);
	return (unsigned)fds[n];
}

/* Six Maildirs with root, tmp and new each, then six files: the flush of the n-th fails. */
static void
one_fsync_fails(size_t n)
{
	int failed = 0;

	prepare(6, 1);
	mailbox_deliver_all(items, 6);
	must(system("rm -f \"$D\"/*/new/*") == 0);
	break_call(SYS_fsync, 0, future_fd(n), EIO);
	prepare(6, 1);
	mailbox_deliver_all(items, 6);
	for (size_t i = 0; i < 6; i++)
		failed += items[i].failed == -1 && items[i].err.num == EIO;
	must(failed == 1);
}

static void
fsync_of_a_file_fails(void)
{
	one_fsync_fails(6 * 3 + 2);
}

static void
fsync_of_new_fails(void)
{
	one_fsync_fails(2);
}

static void
links_fail(void)
{
	break_call(SYS_linkat, 4, 0, EPERM);
	prepare(6, 99);
	names[0] = recipients[0];
	mailbox_deliver_all(items, 6);
	for (size_t i = 0; i < 6; i++)
		must(items[i].failed == 0);
}

static void
fsync_fails_for_all(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	prepare(6, 3);
	mailbox_deliver_all(items, 6);
	must(system("rm -f \"$D\"/*/new/*") == 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1)
		_exit(77);
	prepare(6, 3);
	mailbox_deliver_all(items, 6);
	for (size_t i = 0; i < 6; i++)
		must(items[i].failed == -1 && items[i].err.num == EIO);
}

START_TEST(a_broken_disk)
{
	setenv("D", dir, 1);
	ck_broken(fsync_of_a_file_fails);
	ck_assert_int_eq(files("tmp"), 0);
	ck_assert_int_eq(files("new"), 5);
	ck_broken(fsync_of_new_fails);
	ck_assert_int_eq(files("tmp"), 0);
	ck_assert_int_eq(files("new"), 5);
}
END_TEST

START_TEST(a_disk_broken_for_all)
{
	setenv("D", dir, 1);
	ck_broken(fsync_fails_for_all);
	ck_assert_int_eq(files("tmp"), 0);
	ck_assert_int_eq(files("new"), 0);
}
END_TEST

START_TEST(no_links_here)
{
	ck_broken(links_fail);
	ck_assert_int_eq(files("new"), 6);
	ck_assert_int_eq(files("tmp"), 0);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("many");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_gets_its_own, 0, 5);
	tcase_add_test(tcase, the_same_bytes_are_one_file);
	tcase_add_test(tcase, other_bytes_are_not);
	tcase_add_test(tcase, trouble_stays_where_it_is);
	tcase_add_test(tcase, across_file_systems);
	tcase_add_test(tcase, stopped_in_the_middle);
	tcase_add_test(tcase, a_size_limit_leaves_nothing);
	tcase_add_test(tcase, a_broken_disk);
	tcase_add_test(tcase, a_disk_broken_for_all);
	tcase_add_test(tcase, no_links_here);
	return run_suite("maildir many", tcase);
}
