/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mbox after kill -9: what the dead deliverer began is cut off where nothing else can be meant, and
 * nothing is ever cut where something else may.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "../../src/mailbox/mbox_recover.h"
#include "lock.h"
#include "mailbox_tool.h"

#define MESSAGE FROM OURS TEXT "\n"
#define OLD     "From x Thu Jan  1 00:00:00 1970\n\nold\n\n"

static struct buf old; /* mail that was there before */

static int
deliver(void)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };

	strlcpy(path, in_dir("box"), sizeof(path));
	err = (struct err){ 0 };
	return mailbox_deliver(&mailbox, &delivery, &receipt, &err);
}

#define ck_delivered() ck_assert_msg(deliver() == 0, "%s", err.text)

static void __attribute__((format(printf, 1, 2))) ck_box(const char *format, ...)
{
	struct buf got = BUF_INIT;
	va_list ap;
	char *want;

	va_start(ap, format);
	ck_assert_int_ne(vasprintf(&want, format, ap), -1);
	va_end(ap);
	get("box", &got);
	ck_assert_uint_ge(got.len, old.len);
	if (old.len > 0)
		ck_assert_int_eq(memcmp(got.data, old.data, old.len), 0);
	ck_assert_str_eq(buf_cstr(&got) + old.len, want);
	ck_assert(!exists("box.lock"));
	free(want);
	buf_free(&got);
}

/* Longer than a dotlock, so that a limit on file sizes meets the mailbox only. */
static void
put_old(void)
{
	buf_clear(&old);
	while (old.len < 2000)
		buf_adds(&old, OLD);
	put_bytes("box", old.data, old.len);
}

/* A delivery that is killed once the mailbox has `size` bytes: SIGXFSZ does what kill -9 would. */
static size_t kill_at;

static void
deliver_and_die(void)
{
	struct rlimit core = { 0, 0 }, limit;

	must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = kill_at;
	must(setrlimit(RLIMIT_CORE, &core) == 0);
	signal(SIGXFSZ, SIG_DFL);
	must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	deliver();
	_exit(3);
}

static void
kill_delivery_at(size_t bytes)
{
	struct stat st;
	int status;

	kill_at = old.len + bytes;
	status = apart(deliver_and_die);
	ck_assert_msg(WIFSIGNALED(status), "ended with %x instead of a signal", (unsigned)status);
	ck_assert_int_eq(stat(in_dir("box"), &st), 0);
	ck_assert_int_eq(st.st_size, (off_t)kill_at);
	ck_assert(exists("box.lock"));
}

/* The file that keeps what was cut; checks that it holds `bytes` bytes of the message. */
static void
ck_saved(size_t bytes)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct buf got = BUF_INIT;
	int found = 0;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL) {
		struct stat st;

		if (strncmp(entry->d_name, ".box.torn.", 10) != 0)
			continue;
		found++;
		get(entry->d_name, &got);
		ck_assert_uint_eq(got.len, bytes);
		ck_assert_int_eq(memcmp(got.data, MESSAGE, bytes), 0);
		ck_assert_int_eq(stat(in_dir(entry->d_name), &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0600);
		ck_assert_ptr_nonnull(strstr(receipt.note, entry->d_name));
		ck_assert_int_eq(unlink(in_dir(entry->d_name)), 0);
	}
	closedir(d);
	ck_assert_int_eq(found, bytes > 0);
	buf_free(&got);
}

START_TEST(killed_at_every_byte)
{
	for (size_t i = 1; i < strlen(MESSAGE); i++) {
		put_old();
		kill_delivery_at(i);
		ck_delivered();
		ck_box("%s", MESSAGE);
		ck_assert_ptr_nonnull(strstr(receipt.note, "removed the dotlock of dead process"));
		ck_saved(i);
	}
}
END_TEST

START_TEST(killed_before_the_first_byte)
{
	put_old();
	kill_delivery_at(0);
	ck_delivered();
	ck_box("%s", MESSAGE);
	ck_saved(0);
}
END_TEST

/* An older message lacked its newlines; they were added before the kill, and stay. */
START_TEST(killed_behind_a_completed_tail)
{
	for (size_t i = 0; i < 60; i++) {
		put_old();
		old.len -= 2;
		put_bytes("box", old.data, old.len);
		kill_delivery_at(i);
		ck_delivered();
		ck_box("\n\n%s", MESSAGE);
		ck_saved(i > 2 ? i - 2 : 0);
	}
}
END_TEST

static int
die_when_asked(void *arg, struct err *e)
{
	(void)arg, (void)e;
	_exit(9);
}

static void
deliver_and_die_flushed(void)
{
	broker.still_wanted = die_when_asked;
	deliver();
	_exit(3);
}

/* The message was complete, only nobody was told. A second copy is right, a cut would not be:
 * somebody may have read it. */
START_TEST(killed_behind_the_last_byte)
{
	int status;

	put_old();
	status = apart(deliver_and_die_flushed);
	ck_assert_int_eq(WEXITSTATUS(status), 9);
	ck_assert(exists("box.lock"));
	ck_delivered();
	ck_box("%s%s", MESSAGE, MESSAGE);
	ck_saved(0);
}
END_TEST

/* What a killed deliverer leaves: its dotlock, from a process that has ended. */
static struct mbox_record left[2];
static size_t nleft;

static void
lay_dotlock(void)
{
	struct buf text = BUF_INIT;
	struct stat st;

	must(stat(in_dir("box"), &st) == 0);
	must(lock_dot_identity(&text, &err) == 0);
	for (size_t i = 0; i < nleft; i++) {
		left[i].dev = st.st_dev;
		left[i].ino = st.st_ino;
		must(mbox_record_add(&text, &left[i]) == 0);
	}
	put_bytes("box.lock", text.data, text.len);
	buf_free(&text);
}

START_TEST(into_an_empty_mailbox)
{
	put_bytes("box", MESSAGE, 70);
	left[0] = (struct mbox_record){ .length = 0, .bytes = strlen(MESSAGE) };
	memcpy(left[0].from, FROM, strlen(FROM) - 1);
	nleft = 1;
	ck_assert_int_eq(apart(lay_dotlock), 0);
	ck_delivered();
	ck_box("%s", MESSAGE);
	ck_saved(70);
}
END_TEST

/* Killed again before it had cut: the second one's dotlock passes on what it took over, behind its
 * own record, which does not fit. */
START_TEST(killed_twice)
{
	put_old();
	kill_delivery_at(80);
	left[0] = (struct mbox_record){ .length = (off_t)old.len, .bytes = 5000 };
	strcpy(left[0].from, "From second@two.example Thu Jan  1 00:00:00 1970");
	left[1] = (struct mbox_record){ .length = (off_t)old.len, .bytes = strlen(MESSAGE) };
	memcpy(left[1].from, FROM, strlen(FROM) - 1);
	nleft = 2;
	ck_assert_int_eq(apart(lay_dotlock), 0);
	ck_delivered();
	ck_box("%s", MESSAGE);
	ck_saved(80);
}
END_TEST

/* The second one had cut, and had written its own message whole, before it was killed too. Same
 * sender, same second: the record that it passed on fits the From_ line, but it is settled. */
START_TEST(killed_twice_and_whole)
{
	struct buf box = BUF_INIT;

	put_old();
	buf_add(&box, old.data, old.len);
	buf_adds(&box, MESSAGE);
	put_bytes("box", box.data, box.len);
	buf_free(&box);
	for (size_t i = 0; i < 2; i++) {
		left[i] = (struct mbox_record){ .length = (off_t)old.len,
			.bytes = i == 0 ? strlen(MESSAGE) : 5000 };
		memcpy(left[i].from, FROM, strlen(FROM) - 1);
	}
	nleft = 2;
	ck_assert_int_eq(apart(lay_dotlock), 0);
	ck_delivered();
	ck_box("%s%s", MESSAGE, MESSAGE);
	ck_saved(0);
}
END_TEST

/* A mail directory where the account may not write: root makes the file, the account fills it. */
static int
root_saves(void *arg, struct err *e)
{
	int fd;

	(void)arg, (void)e;
	must(seteuid(0) == 0);
	fd = open(in_dir("saved by root"), O_RDWR | O_CREAT | O_EXCL, 0600);
	must(fd != -1 && fchown(fd, NOBODY, NOBODY) == 0);
	must(seteuid(NOBODY) == 0);
	return fd;
}

static int
root_locks(void *arg, const void *content, size_t len, struct err *e)
{
	int at, fd;

	(void)arg;
	must(seteuid(0) == 0);
	at = open(dir, O_RDONLY | O_DIRECTORY);
	fd = lock_dot_create(at, "box.lock", content, len, e);
	must(seteuid(NOBODY) == 0);
	close(at);
	if (fd != -1)
		close(fd);
	return fd == -1 ? -1 : 0;
}

static int
root_drops(void *arg, struct err *e)
{
	(void)arg, (void)e;
	must(seteuid(0) == 0);
	must(unlink(in_dir("box.lock")) == 0);
	must(seteuid(NOBODY) == 0);
	return 0;
}

static int
root_unlocks(void *arg, dev_t dev, ino_t ino, struct err *e)
{
	int at, failed;

	(void)arg;
	must(seteuid(0) == 0);
	at = open(dir, O_RDONLY | O_DIRECTORY);
	failed = lock_dot_remove(at, "box.lock", dev, ino, e);
	must(seteuid(NOBODY) == 0);
	close(at);
	return failed;
}

static void
recover_through_broker(void)
{
	must(chmod(dir, 0755) == 0);
	must(setgroups(0, NULL) == 0 && setegid(NOBODY) == 0 && seteuid(NOBODY) == 0);
	delivery.uid = NOBODY;
	broker = (struct mailbox_broker){ .create_dotlock = root_locks,
		.drop_dotlock = root_drops,
		.remove_dotlock = root_unlocks };
	/* Nobody to save the bytes: they stay, and a note says why. */
	must(deliver() == 0);
	must(strstr(receipt.note, "torn message at offset") != NULL);
	must(strstr(receipt.note, "kept: ") != NULL);
	must(root_drops(NULL, &err) == 0);
	must(seteuid(0) == 0);
}

static void
recover_through_full_broker(void)
{
	must(chmod(dir, 0755) == 0);
	must(setgroups(0, NULL) == 0 && setegid(NOBODY) == 0 && seteuid(NOBODY) == 0);
	delivery.uid = NOBODY;
	broker = (struct mailbox_broker){ .create_dotlock = root_locks,
		.drop_dotlock = root_drops,
		.remove_dotlock = root_unlocks,
		.create_saved = root_saves };
	must(deliver() == 0);
	must(strstr(receipt.note, "saved by root") != NULL);
	must(root_drops(NULL, &err) == 0);
	must(seteuid(0) == 0);
}

START_TEST(saved_by_root_where_need_be)
{
	struct buf got = BUF_INIT;

	if (!is_root())
		return;
	for (int full = 0; full < 2; full++) {
		put_old();
		kill_delivery_at(80);
		ck_assert_int_eq(chown(in_dir("box"), NOBODY, NOBODY), 0);
		ck_assert_int_eq(
		    apart(full ? recover_through_full_broker : recover_through_broker), 0);
		if (full) {
			ck_box("%s", MESSAGE);
			get("saved by root", &got);
			ck_assert_uint_eq(got.len, 80);
			ck_assert_int_eq(memcmp(got.data, MESSAGE, 80), 0);
		} else {
			ck_box("%.80s\n\n%s", MESSAGE, MESSAGE);
		}
		ck_assert_int_eq(unlink(in_dir("box")), 0);
		delivery.uid = geteuid();
	}
	buf_free(&got);
}
END_TEST

/* The same, done for real: a large torn message, and no room to save it. */
START_TEST(killed_while_saving)
{
	struct buf large = BUF_INIT;

	buf_adds(&large, "Subject: large\n\n");
	while (large.len < 8000)
		buf_adds(&large, "a line of a message that will be torn\n");
	put_old();
	use_message(buf_cstr(&large));
	kill_delivery_at(5000);

	delivery.envelope.sender = "second@two.example";
	kill_at = 1500; /* more than a dotlock has, less than is to be saved */
	ck_assert(WIFSIGNALED(apart(deliver_and_die)));
	ck_assert(exists("box.lock"));

	delivery.envelope.sender = "ann@two.example";
	use_message(TEXT);
	ck_delivered();
	ck_box("%s", MESSAGE);
	ck_assert_ptr_nonnull(strstr(receipt.note, "cut 5000 bytes"));
	buf_free(&large);
}
END_TEST

/* Asked while both locks are held. */
static int
look_at_dotlock(void *arg, struct err *e)
{
	(void)arg, (void)e;
	if (rename(in_dir("box.lock"), in_dir("seen")) == -1)
		_exit(8);
	_exit(9);
}

static void
deliver_and_show_dotlock(void)
{
	broker.still_wanted = look_at_dotlock;
	deliver();
}

START_TEST(the_dotlock_says_all_there_is_to_know)
{
	struct buf text = BUF_INIT;
	struct mbox_record records[MBOX_RECORDS_MAX];
	const char *p;

	put_old();
	ck_assert_int_eq(WEXITSTATUS(apart(deliver_and_show_dotlock)), 9);
	get("seen", &text);
	p = strstr(buf_cstr(&text), "\nmbox ");
	ck_assert_ptr_nonnull(p);
	ck_assert_int_gt(atoi((char *)text.data), 1);
	memmove(text.data, p + 1, strlen(p));
	text.len = strlen((char *)text.data);
	ck_assert_uint_eq(mbox_record_parse(&text, records), 1);
	ck_assert_int_eq(records[0].length, (off_t)old.len);
	ck_assert_uint_eq(records[0].bytes, strlen(MESSAGE));
	ck_assert_str_eq(records[0].from, "From ann@two.example Thu Jan  1 00:00:00 1970");
	buf_free(&text);
}
END_TEST

/* ---- where something else may be meant ----------------------------------------------- */

#define OTHER "From other@x Thu Jan  1 00:00:00 1970\n\nother mail\n\n"

static void
append(const char *text)
{
	int fd = open(in_dir("box"), O_WRONLY | O_APPEND);

	must(fd != -1);
	must(io_write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

/* Somebody took no notice of the lock, or broke it, and appended: at the start of a line, or glued
 * to the torn one. */
START_TEST(what_others_appended_is_never_cut)
{
	static const size_t cuts[] = { 1, 20, 46, 47, 80, 120 };
	char begun[256] = "";

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		for (int glued = 0; glued < 2; glued++) {
			put_old();
			use_message("Subject: x\n\nbody that is long enough for another message "
			            "to fit behind its torn beginning, or so it seems\n");
			kill_delivery_at(cuts[i]);
			append(glued ? OTHER : "\n\n" OTHER);
			use_message(TEXT);
			ck_delivered();
			memcpy(begun, MESSAGE, cuts[i]);
			begun[cuts[i]] = '\0';
			ck_box("%s%s" OTHER "%s", begun, glued ? "" : "\n\n", MESSAGE);
			ck_saved(0);
		}
	}
}
END_TEST

START_TEST(the_torn_line_is_ended)
{
	put_old();
	kill_delivery_at(80);
	/* Rewritten by a reader: not our From_ line any more. */
	{
		int fd = open(in_dir("box"), O_WRONLY);

		ck_assert_int_eq(pwrite(fd, "X", 1, (off_t)old.len), 1);
		close(fd);
	}
	ck_delivered();
	ck_box("X%.79s\n\n%s", &MESSAGE[1], MESSAGE);
	ck_saved(0);
	ck_assert_ptr_nonnull(strstr(receipt.note, "empty line"));
}
END_TEST

START_TEST(a_replaced_mailbox_is_not_cut)
{
	struct buf box = BUF_INIT;

	put_old();
	kill_delivery_at(80);
	get("box", &box);
	put_bytes("box.new", box.data, box.len);
	ck_assert_int_eq(rename(in_dir("box.new"), in_dir("box")), 0);
	ck_delivered();
	ck_box("%.80s\n\n%s", MESSAGE, MESSAGE);
	ck_saved(0);
	buf_free(&box);
}
END_TEST

START_TEST(an_expunged_mailbox_is_not_cut)
{
	put_old();
	kill_delivery_at(80);
	put_bytes("box", old.data, old.len - strlen(OLD));
	old.len -= strlen(OLD);
	ck_delivered();
	ck_box("%s", MESSAGE);
	ck_saved(0);
}
END_TEST

/* A lock file that somebody else could have laid says nothing about our mailbox. */
START_TEST(planted_lock_files_are_not_believed)
{
	struct timeval ages[2] = { { 0, 0 }, { 0, 0 } };

	if (!is_root())
		return;
	for (int planted = 0; planted < 2; planted++) {
		put_old();
		kill_delivery_at(80);
		if (planted == 0)
			ck_assert_int_eq(chown(in_dir("box.lock"), NOBODY, NOBODY), 0);
		else
			ck_assert_int_eq(link(in_dir("box.lock"), in_dir("other")), 0);
		ck_assert_int_eq(utimes(in_dir("box.lock"), ages), 0);
		ck_assert_int_eq(deliver(), -1);
		ck_assert_int_eq(err.num, EAGAIN);
		ck_assert(exists("box.lock"));
		ck_assert_int_eq(unlink(in_dir("box.lock")), 0);
		ck_delivered();
		ck_box("%.80s\n\n%s", MESSAGE, MESSAGE);
		ck_saved(0);
	}
}
END_TEST

/* ---- the record ------------------------------------------------------------------------- */

static const struct {
	const char *text;
	size_t n;
} records[] = {
	{ "mbox 1 2 3 4\nFrom x\n", 1 },
	{ "mbox 1 2 3 4\nFrom x\nmbox 5 6 7 8\nFrom y\n", 2 },
	{ "mbox 1 2 3 4\nFrom x\nmbox 5 6 7 8\nFrom y\nmbox 9 9 9 9\nFrom z\n", 2 },
	{ "", 0 },
	{ "mbox 1 2 3 4\n", 0 },
	{ "mbox 1 2 3 4\nFrom x", 0 },
	{ "mbox 1 2 3 4\nfrom x\n", 0 },
	{ "mbox 1 2 3\nFrom x\n", 0 },
	{ "mbox 1 2 3 4 5\nFrom x\n", 0 },
	{ "mbox 1 2 -3 4\nFrom x\n", 0 },
	{ "mbox  1 2 3 4\nFrom x\n", 0 },
	{ "mbox 1 2 9223372036854775807 1\nFrom x\n", 0 },
	{ "mbox 1 2 18446744073709551616 1\nFrom x\n", 0 },
	{ "maildir 1 2 3 4\nFrom x\n", 0 },
};

START_TEST(records_are_read_strictly)
{
	struct mbox_record out[MBOX_RECORDS_MAX];
	struct buf text = BUF_INIT;

	buf_adds(&text, records[_i].text);
	ck_assert_uint_eq(mbox_record_parse(&text, out), records[_i].n);
	buf_free(&text);
}
END_TEST

START_TEST(records_come_back)
{
	struct mbox_record in[2] = { { .dev = 1, .ino = 2, .length = 3, .bytes = 4 },
		{ .dev = (dev_t)-1, .ino = (ino_t)-1, .length = INT64_MAX - 5, .bytes = 5 } };
	struct mbox_record out[2];
	struct buf text = BUF_INIT;

	strcpy(in[0].from, "From x");
	memset(in[1].from, 'x', MBOX_FROM_KEPT);
	memcpy(in[1].from, "From ", 5);
	mbox_record_add(&text, &in[0]);
	mbox_record_add(&text, &in[1]);
	ck_assert_uint_eq(mbox_record_parse(&text, out), 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(out[i].dev, in[i].dev);
		ck_assert_uint_eq(out[i].ino, in[i].ino);
		ck_assert_int_eq(out[i].length, in[i].length);
		ck_assert_uint_eq(out[i].bytes, in[i].bytes);
		ck_assert_str_eq(out[i].from, in[i].from);
	}
	buf_free(&text);
}
END_TEST

/* Over every edge of the reading steps. */
START_TEST(a_foreign_from_line_is_found_wherever_it_is)
{
	static const char *const foreign[] = { "\nFrom y\n",
		" glued From y@z Mon Feb 29 12:00:00 2016\n" };
	static const char quoted[] = "From x\n>From q\n>>From q@z Mon Feb 29 12:00:00 2016\n";
	size_t size = 200000;
	char *text = malloc(size);
	struct mbox_record record = { .length = 10, .bytes = size };
	struct stat st;
	int fd;

	strcpy(record.from, "From x");
	put("box", "");
	fd = open(in_dir("box"), O_RDWR);
	for (size_t at = 130; at + 60 < size; at += at > 65450 && at < 65600 ? 7 : 2333) {
		if (at > 64000 && at < 65450)
			at = 65451;
		for (int i = 0; i < 2; i++) {
			memset(text, 'a', size);
			for (size_t k = 70; k < size; k += 71)
				text[k] = '\n';
			memcpy(text + 10, quoted, sizeof(quoted) - 1);
			ck_assert_int_eq(pwrite(fd, text, size, 0), (ssize_t)size);
			ck_assert_int_eq(fstat(fd, &st), 0);
			record.dev = st.st_dev;
			record.ino = st.st_ino;
			ck_assert_int_eq(mbox_record_torn(&record, fd, &st, &err), 1);
			memcpy(text + at + 10, foreign[i], strlen(foreign[i]));
			ck_assert_int_eq(pwrite(fd, text, size, 0), (ssize_t)size);
			ck_assert_int_eq(mbox_record_torn(&record, fd, &st, &err), 0);
		}
	}
	close(fd);
	free(text);
}
END_TEST

static void
finish(void)
{
	buf_free(&old);
	teardown();
}

int
main(void)
{
	TCase *tcase = tcase_create("mbox_recover");

	tcase_add_checked_fixture(tcase, setup, finish);
	tcase_add_test(tcase, killed_at_every_byte);
	tcase_add_test(tcase, killed_before_the_first_byte);
	tcase_add_test(tcase, killed_behind_a_completed_tail);
	tcase_add_test(tcase, killed_behind_the_last_byte);
	tcase_add_test(tcase, into_an_empty_mailbox);
	tcase_add_test(tcase, the_dotlock_says_all_there_is_to_know);
	tcase_add_test(tcase, what_others_appended_is_never_cut);
	tcase_add_test(tcase, the_torn_line_is_ended);
	tcase_add_test(tcase, a_replaced_mailbox_is_not_cut);
	tcase_add_test(tcase, an_expunged_mailbox_is_not_cut);
	tcase_add_test(tcase, planted_lock_files_are_not_believed);
	tcase_add_test(tcase, killed_twice);
	tcase_add_test(tcase, killed_twice_and_whole);
	tcase_add_test(tcase, killed_while_saving);
	tcase_add_test(tcase, saved_by_root_where_need_be);
	tcase_add_loop_test(tcase, records_are_read_strictly, 0, COUNT(records));
	tcase_add_test(tcase, records_come_back);
	tcase_add_test(tcase, a_foreign_from_line_is_found_wherever_it_is);
	return run_suite("mbox_recover", tcase);
}
