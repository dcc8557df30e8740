/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quota: maildirsize read with suspicion and kept for others, nobody turned away without a count,
 * one warning a day, in both formats; an mbox by its size.
 */
#include <signal.h>
#include <time.h>

#include "../../src/mailbox/maildir.h"
#include "../../src/mailbox/maildirsize.h"
#include "lock.h"
#include "mailbox_tool.h"

#define SIZE (sizeof(OURS TEXT) - 1) /* of one message in a Maildir */

/* ---- the text of maildirsize ----------------------------------------------------------- */

static const struct {
	const char *text;
	uint64_t limit_bytes, limit_messages, bytes, messages;
	size_t lines; /* 0: not to be believed */
} texts[] = {
	{ "1000S,10C\n100 1\n", 1000, 10, 100, 1, 1 },
	{ "10C,1000S\n100 1\n", 1000, 10, 100, 1, 1 },
	{ "1000S\n100 1\n200 2\n-50 -1\n", 1000, 0, 250, 2, 3 },
	{ "0S\n0 0\n", 0, 0, 0, 0, 1 },
	{ "10C\n         100            1\n", 0, 10, 100, 1, 1 }, /* Courier */
	{ "1S\n5 1 \n", 1, 0, 5, 1, 1 },

	{ "", 0, 0, 0, 0, 0 },
	{ "\n", 0, 0, 0, 0, 0 },
	{ "1000S", 0, 0, 0, 0, 0 },
	{ "1000S\n", 0, 0, 0, 0, 0 },
	{ "1000S\n100 1", 0, 0, 0, 0, 0 },
	{ "1000S\n100 1\n5", 0, 0, 0, 0, 0 },
	{ "1000S\n100 1\n\n", 0, 0, 0, 0, 0 },
	{ "1000\n100 1\n", 0, 0, 0, 0, 0 },
	{ "1000X\n100 1\n", 0, 0, 0, 0, 0 },
	{ "1000S,\n100 1\n", 0, 0, 0, 0, 0 },
	{ "1000S 10C\n100 1\n", 0, 0, 0, 0, 0 },
	{ "-1S\n100 1\n", 0, 0, 0, 0, 0 },
	{ "1000S\n100\n", 0, 0, 0, 0, 0 },
	{ "1000S\n100 1 1\n", 0, 0, 0, 0, 0 },
	{ "1000S\n100 x\n", 0, 0, 0, 0, 0 },
	{ "1000S\n+100 1\n", 0, 0, 0, 0, 0 },
	{ "1000S\n100 1\n-200 -1\n", 0, 0, 0, 0, 0 },
	{ "1000S\n100 1\n0 -2\n", 0, 0, 0, 0, 0 },
	{ "1000S\n9223372036854775808 1\n", 0, 0, 0, 0, 0 },
	{ "1000S\n9223372036854775807 1\n1 1\n", 0, 0, 0, 0, 0 },
	{ "99999999999999999999S\n1 1\n", 0, 0, 0, 0, 0 },
};

START_TEST(parsed_or_not_believed)
{
	struct maildirsize out;
	int believed = maildirsize_parse(texts[_i].text, strlen(texts[_i].text), &out);

	ck_assert_int_eq(believed, texts[_i].lines > 0);
	if (!believed)
		return;
	ck_assert_uint_eq(out.limits.bytes, texts[_i].limit_bytes);
	ck_assert_uint_eq(out.limits.messages, texts[_i].limit_messages);
	ck_assert_uint_eq(out.used.bytes, texts[_i].bytes);
	ck_assert_uint_eq(out.used.messages, texts[_i].messages);
	ck_assert_uint_eq(out.lines, texts[_i].lines);
}
END_TEST

START_TEST(nul_and_length)
{
	static const char nul[] = "1000S\n100 1\n\0";
	char large[MAILDIRSIZE_MAX + 8] = "1000S\n";
	struct maildirsize out;

	ck_assert_int_eq(maildirsize_parse(nul, sizeof(nul), &out), 0);
	for (size_t at = 6; at + 4 <= sizeof(large); at += 4)
		memcpy(large + at, "1 1\n", 4);
	ck_assert_int_eq(maildirsize_parse(large, MAILDIRSIZE_MAX - 2, &out), 1);
	ck_assert_int_eq(maildirsize_parse(large, MAILDIRSIZE_MAX + 2, &out), 0);
}
END_TEST

static const struct {
	struct quota limits;
	const char *text;
} written[] = {
	{ { 1000, 0 }, "1000S\n7 3\n" },
	{ { 0, 10 }, "10C\n7 3\n" },
	{ { 1000, 10 }, "1000S,10C\n7 3\n" },
	{ { 0, 0 }, "0S\n7 3\n" },
};

START_TEST(text_of_a_count)
{
	struct buf text = BUF_INIT;

	ck_assert_int_eq(maildirsize_text(&text, &written[_i].limits, &(struct quota){ 7, 3 }), 0);
	ck_assert_str_eq(buf_cstr(&text), written[_i].text);
	buf_free(&text);
}
END_TEST

/* ---- deliveries ------------------------------------------------------------------------ */

static char path[PATH_MAX];
static char *folder;

static int
deliver(void)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path, .folder = folder };

	strlcpy(path, in_dir("Maildir"), sizeof(path));
	err = (struct err){ 0 };
	return mailbox_deliver(&mailbox, &delivery, &receipt, &err);
}

static int
room(uint64_t bytes, bool look_only)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };

	strlcpy(path, in_dir("Maildir"), sizeof(path));
	err = (struct err){ 0 };
	return mailbox_has_room(&mailbox, &delivery, bytes, look_only, &err);
}

#define ck_delivered() ck_assert_msg(deliver() == 0, "%s", err.text)

static void
ck_over(const char *why)
{
	ck_assert_int_eq(deliver(), -1);
	ck_assert(receipt.over_quota);
	ck_assert_int_eq(err.num, EDQUOT);
	ck_assert_str_eq(err.text, why);
	ck_assert_int_eq(entries("Maildir/tmp"), 0);
}

static void
put_maildir(void)
{
	static const char *const directories[] = { "Maildir", "Maildir/cur", "Maildir/new",
		"Maildir/tmp", "Maildir/.Trash", "Maildir/.Trash/cur", "Maildir/.Trash/new",
		"Maildir/.Trash/tmp" };

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		ck_assert_int_eq(mkdir(in_dir(directories[i]), 0700), 0);
}

static void
put_sized(const char *where, size_t size)
{
	char *data = calloc(1, size);

	put_bytes(where, data, size);
	free(data);
}

static void
age(const char *name, time_t by)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - by }, { .tv_sec = time(NULL) - by } };

	ck_assert_int_eq(utimensat(AT_FDCWD, in_dir(name), times, AT_SYMLINK_NOFOLLOW), 0);
}

static const char *
figures(const char *limits, size_t bytes, size_t messages)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s\n%zu %zu\n", limits, bytes, messages);
	return text;
}

START_TEST(counted_once_then_added)
{
	char want[256];

	put_maildir();
	put_sized("Maildir/cur/1.a.host,S=100:2,S", 5); /* the name is believed */
	put_sized("Maildir/cur/2.b.host:2,ST", 30);     /* marked, and without a size */
	put_sized("Maildir/new/3.c.host,S=x", 7);       /* no size */
	put_sized("Maildir/new/3.d.host,S=18446744073709551615", 9);
	put_sized("Maildir/.Trash/cur/4.d.host,S=1000:2,", 1); /* Trash counts, as Dovecot has it */
	put_sized("Maildir/tmp/5.e.host,S=9999", 1);           /* not delivered */
	put_sized("Maildir/cur/.hidden", 9999);
	delivery.quota = (struct quota){ 100000, 100 };
	ck_delivered();
	snprintf(want, sizeof(want), "100000S,100C\n1146 5\n%zu 1\n", SIZE);
	ck_content("Maildir/maildirsize", want);
	put("Maildir/new/6.unseen,S=5000", "");
	ck_delivered();
	snprintf(want, sizeof(want), "100000S,100C\n1146 5\n%zu 1\n%zu 1\n", SIZE, SIZE);
	ck_content("Maildir/maildirsize", want); /* not counted again */
	ck_assert(!receipt.over_quota);
}
END_TEST

START_TEST(over_by_bytes)
{
	char limit[32];

	delivery.quota.bytes = 2 * SIZE;
	ck_delivered();
	ck_delivered();
	ck_over("the mailbox is full");
	ck_assert_int_eq(entries("Maildir/new"), 2);
	snprintf(limit, sizeof(limit), "%zuS", 2 * SIZE);
	ck_content("Maildir/maildirsize", figures(limit, 2 * SIZE, 2));
}
END_TEST

START_TEST(over_by_messages)
{
	delivery.quota.messages = 2;
	ck_delivered();
	ck_delivered();
	ck_over("the mailbox is full");
	delivery.quota.messages = 3;
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 3);
}
END_TEST

START_TEST(larger_than_the_quota)
{
	delivery.quota.bytes = SIZE - 1;
	ck_over("the message is too large for the mailbox");
}
END_TEST

/* What the file says is not what the mailbox holds: nobody is turned away for that. */
static const struct {
	const char *text;
	time_t age;
} drifted[] = {
	{ "1000S\n990 1\n1 1\n", 0 },     /* two lines */
	{ "1000S\n990 1\n", 16 * 60 },    /* old */
	{ "1000S\n990 1\n", -24 * 3600 }, /* from tomorrow */
	{ "500S\n0 0\n", 0 },             /* other limits */
	{ "1000S,5C\n990 1\n", 0 },       /* one more */
	{ "1000S\n-1 0\n", 0 },
	{ "garbage", 0 },
	{ "", 0 },
};

START_TEST(never_full_without_a_count)
{
	char want[64];

	put_maildir();
	put("Maildir/maildirsize", drifted[_i].text);
	age("Maildir/maildirsize", drifted[_i].age);
	delivery.quota.bytes = 1000;
	ck_delivered();
	snprintf(want, sizeof(want), "1000S\n0 0\n%zu 1\n", SIZE);
	ck_content("Maildir/maildirsize", want);
}
END_TEST

START_TEST(fresh_count_is_believed)
{
	put_maildir();
	put("Maildir/maildirsize", "1000S\n990 1\n");
	delivery.quota.bytes = 1000;
	ck_over("the mailbox is full");
}
END_TEST

START_TEST(grown_too_long)
{
	struct buf text = BUF_INIT;
	char want[64];

	put_maildir();
	buf_adds(&text, "100000S\n1 1\n");
	while (text.len < MAILDIRSIZE_MAX)
		buf_adds(&text, "0 0\n");
	put_bytes("Maildir/maildirsize", text.data, text.len);
	/* Without a quota nobody counts, and nothing is added any more. */
	ck_delivered();
	ck_content("Maildir/maildirsize", (const char *)text.data);
	delivery.quota.bytes = 100000;
	ck_delivered();
	snprintf(want, sizeof(want), "100000S\n%zu 1\n%zu 1\n", SIZE, SIZE);
	ck_content("Maildir/maildirsize", want);
	buf_free(&text);
}
END_TEST

/* Dovecot's or Courier's file is kept in step where there is no quota of ours. */
START_TEST(kept_for_others)
{
	char want[64];

	ck_delivered();
	ck_assert(!exists("Maildir/maildirsize"));
	put("Maildir/maildirsize", "1S\n5 1\n");
	ck_delivered();
	snprintf(want, sizeof(want), "1S\n5 1\n%zu 1\n", SIZE);
	ck_content("Maildir/maildirsize", want);
}
END_TEST

START_TEST(folders_share_it)
{
	static char lists[] = ".lists";
	char want[64];

	delivery.quota.bytes = 1000;
	delivery.create_folder = true;
	ck_delivered();
	folder = lists;
	ck_delivered();
	folder = NULL;
	ck_assert(!exists("Maildir/.lists/maildirsize"));
	snprintf(want, sizeof(want), "1000S\n0 0\n%zu 1\n%zu 1\n", SIZE, SIZE);
	ck_content("Maildir/maildirsize", want);
	ck_assert_int_eq(unlink(in_dir("Maildir/maildirsize")), 0);
	ck_assert_int_eq(room(1, false), 1);
	ck_content("Maildir/maildirsize", figures("1000S", 2 * SIZE, 2));
}
END_TEST

START_TEST(traps)
{
	char want[64];

	delivery.quota.bytes = 100000;
	put_maildir();
	put("elsewhere", "100000S\n1 1\n");
	ck_assert_int_eq(symlink(in_dir("elsewhere"), in_dir("Maildir/maildirsize")), 0);
	ck_delivered();
	ck_content("elsewhere", "100000S\n1 1\n");
	snprintf(want, sizeof(want), "100000S\n0 0\n%zu 1\n", SIZE);
	ck_content("Maildir/maildirsize", want); /* replaced, not followed */

	ck_assert_int_eq(unlink(in_dir("Maildir/maildirsize")), 0);
	ck_assert_int_eq(link(in_dir("elsewhere"), in_dir("Maildir/maildirsize")), 0);
	ck_delivered();
	ck_content("elsewhere", "100000S\n1 1\n");

	ck_assert_int_eq(unlink(in_dir("Maildir/maildirsize")), 0);
	ck_assert_int_eq(mkfifo(in_dir("Maildir/maildirsize"), 0600), 0);
	ck_delivered(); /* and does not wait for a reader */

	ck_assert_int_eq(unlink(in_dir("Maildir/maildirsize")), 0);
	ck_assert_int_eq(mkdir(in_dir("Maildir/maildirsize"), 0700), 0);
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/tmp"), 0);
	ck_assert_int_eq(rmdir(in_dir("Maildir/maildirsize")), 0);
	put("Maildir/maildirsize", "100000S\n99999 1\n");
	if (is_root()) { /* another's figures */
		ck_assert_int_eq(chown(in_dir("Maildir/maildirsize"), NOBODY, NOBODY), 0);
		ck_delivered();
	}
	ck_assert_int_eq(mkdir(in_dir("Maildir/.odd"), 0700), 0);
	put("Maildir/.odd/cur", "");
	ck_assert_int_eq(symlink("/", in_dir("Maildir/.root")), 0);
	ck_assert_int_eq(unlink(in_dir("Maildir/maildirsize")), 0);
	ck_assert_int_eq(symlink(in_dir("Maildir/cur"), in_dir("Maildir/.Trash/x")), 0);
	ck_delivered();
}
END_TEST

/* A size in a name counts only as Maildir++ writes it there; else the file's own does. */
START_TEST(sizes_in_names)
{
	char want[64];

	delivery.quota.bytes = 100000;
	put_maildir();
	put("Maildir/cur/1.a.host,S=1000", "12345");
	put("Maildir/cur/2.a.host,S=1000:2,S", "12345");
	put("Maildir/cur/3.a.host,S=1000,W=1001:2,", "12345");
	put("Maildir/cur/4.a.host,S=10x", "12345");
	put("Maildir/cur/5.a.host,S=", "12345");
	put("Maildir/cur/6.a.host,S=-10:2,", "12345");
	put("Maildir/cur/7.a.host,S=99999999999999999999999:2,", "12345");
	ck_delivered();
	snprintf(want, sizeof(want), "100000S\n3020 7\n%zu 1\n", SIZE);
	ck_content("Maildir/maildirsize", want);
}
END_TEST

/* Whoever delivers or expunges while another counts adds to the old file, so the count is not kept.
 * Here somebody changes new/ all the time; he may not get to it within one count. */
START_TEST(changed_while_counted)
{
	bool kept = true;
	pid_t pid;

	delivery.quota.bytes = 100000;
	put_maildir();
	for (int i = 0; i < 500; i++) {
		char name[64];

		snprintf(name, sizeof(name), "Maildir/cur/%d.a.host:2,", i);
		put(name, "1");
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
			{ .tv_sec = time(NULL) + 1000 } };

		for (;; times[1].tv_sec++)
			must(utimensat(AT_FDCWD, in_dir("Maildir/new"), times, 0) == 0);
	}
	for (int i = 0; i < 200 && kept; i++) {
		unlink(in_dir("Maildir/maildirsize"));
		ck_assert_int_eq(room(1, false), 1);
		kept = exists("Maildir/maildirsize");
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!kept);
	ck_assert_int_eq(room(1, false), 1);
	ck_content("Maildir/maildirsize", "100000S\n500 500\n");
}
END_TEST

/* What cannot be opened and is none of the Maildir's: another's folder, a link in its place. */
static void
counts_beside_a_closed_folder(void)
{
	char want[64];

	become_nobody();
	delivery.quota.bytes = 100000;
	delivery.uid = geteuid();
	must(mkdir(in_dir("Maildir/.linked"), 0700) == 0);
	must(symlink(in_dir("Maildir/cur"), in_dir("Maildir/.linked/cur")) == 0);
	must(mkdir(in_dir("Maildir/.closed"), 0) == 0);
	must(deliver() == 0);
	snprintf(want, sizeof(want), "100000S\n5 1\n%zu 1\n", SIZE);
	ck_content("Maildir/maildirsize", want);
}

START_TEST(closed_folders)
{
	char command[PATH_MAX + 64];

	put_maildir();
	put("Maildir/cur/1.a.host:2,", "12345");
	if (!is_root())
		return;
	snprintf(command, sizeof(command), "chown -R %d %s", NOBODY, dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(apart(counts_beside_a_closed_folder), 0);
}
END_TEST

START_TEST(asked_before)
{
	struct stat before, after;

	delivery.quota.bytes = 100;
	/* Not there yet: empty, and not made. */
	ck_assert_int_eq(room(100, false), 1);
	ck_assert_int_eq(room(101, false), 0);
	ck_assert_str_eq(err.text, "the message is too large for the mailbox");
	ck_assert(!exists("Maildir"));
	put_maildir();
	ck_assert_int_eq(room(100, true), 1);
	ck_assert(!exists("Maildir/maildirsize"));
	put_sized("Maildir/new/1.a.host", 90);
	ck_assert_int_eq(room(10, false), 1);
	ck_assert_int_eq(room(11, false), 0);
	ck_assert_int_eq(err.num, EDQUOT);
	put("Maildir/maildirsize", "100S\n100 1\n1 1\n");
	ck_assert_int_eq(stat(in_dir("Maildir/maildirsize"), &before), 0);
	ck_assert_int_eq(room(10, true), 1);
	ck_assert_int_eq(stat(in_dir("Maildir/maildirsize"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	delivery.quota.bytes = 0;
	ck_assert_int_eq(room(1 << 30, false), 1);
}
END_TEST

static int
mbox_room(const char *where)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };

	strlcpy(path, in_dir(where), sizeof(path));
	return mailbox_has_room(&mailbox, &delivery, 1, true, &err);
}

/* Descriptors of a delivery: the Maildir, tmp, new, the inbox, its new to be read. Of a question:
 * the Maildir, the inbox, its new. */
static void
uncounted(void)
{
	break_call(SYS_getdents64, 0, next_fd() + 4, EIO);
	must(deliver() == -1);
	must(err.num == EIO);
	must(!receipt.over_quota);
	break_call(SYS_getdents64, 0, next_fd() + 2, EIO);
	must(room(1, false) == -1);
	must(err.num == EIO);
}

/* That could bounce mail, or let it in. */
START_TEST(trouble_is_no_answer)
{
	delivery.quota.bytes = 100;
	put_maildir();
	ck_broken(uncounted);
	ck_assert(!exists("Maildir/maildirsize"));
	ck_assert_int_eq(chmod(in_dir("Maildir"), 0777), 0);
	ck_assert_int_eq(room(1, false), -1);
	ck_assert_int_eq(rename(in_dir("Maildir"), in_dir("elsewhere")), 0);
	ck_assert_int_eq(symlink("elsewhere", in_dir("Maildir")), 0);
	ck_assert_int_eq(room(1, false), -1);

	ck_assert_int_eq(mbox_room("box"), 1);
	put("file", "");
	ck_assert_int_eq(mbox_room("file/box"), -1);
}
END_TEST

/* ---- warnings -------------------------------------------------------------------------- */

static void
in_inbox(struct buf *out)
{
	char command[PATH_MAX + 64];
	FILE *pipe;
	int c;

	snprintf(command, sizeof(command), "cat %s/new/*", in_dir("Maildir"));
	pipe = popen(command, "r");
	buf_clear(out);
	while ((c = getc(pipe)) != EOF)
		buf_addc(out, (unsigned char)c);
	pclose(pipe);
	ck_assert_ptr_nonnull(buf_cstr(out));
}

START_TEST(warned_once_a_day)
{
	struct buf text = BUF_INIT;

	delivery.quota.bytes = 100 * SIZE;
	delivery.quota.messages = 10;
	delivery.warning = (struct mailbox_warning){ 50, "", "joe", dir };
	for (int i = 0; i < 4; i++)
		ck_delivered();
	ck_assert(!exists("Maildir/quotawarn"));
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 6);
	ck_assert_str_eq(receipt.note, "warned that the mailbox is 50% full");
	in_inbox(&text);
	ck_assert_ptr_nonnull(strstr((char *)text.data, "Return-Path: <>\nDate: "));
	ck_assert_ptr_nonnull(strstr((char *)text.data, "\nAuto-Submitted: auto-generated\n"));
	ck_assert_ptr_nonnull(strstr((char *)text.data, "\nTo: joe\n"));
	ck_assert_ptr_nonnull(strstr((char *)text.data, "\nSubject: Your mailbox is 50% full\n"));
	ck_assert_ptr_nonnull(strstr((char *)text.data, " 5 of 10 messages.\n"));
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 7);
	age("Maildir/quotawarn", 24 * 3600 - 5);
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 8);
	age("Maildir/quotawarn", 24 * 3600 + 5);
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 10);
	/* Both warnings are counted. */
	ck_over("the mailbox is full");
	buf_free(&text);
}
END_TEST

START_TEST(warned_in_the_inbox)
{
	static char lists[] = ".lists";

	delivery.quota.messages = 10;
	delivery.create_folder = true;
	delivery.warning = (struct mailbox_warning){ 10, "", "joe", dir };
	folder = lists;
	ck_delivered();
	folder = NULL;
	ck_assert_int_eq(entries("Maildir/.lists/new"), 1);
	ck_assert_int_eq(entries("Maildir/new"), 1);
}
END_TEST

START_TEST(own_words)
{
	struct buf text = BUF_INIT;
	char template[PATH_MAX];

	strlcpy(template, in_dir("template"), sizeof(template));
	put("template", "From: us\nSubject: %u %p%% %x\n\n%q\n%");
	delivery.quota.messages = 2;
	delivery.warning = (struct mailbox_warning){ 10, template, "joe", dir };
	ck_delivered();
	in_inbox(&text);
	ck_assert_ptr_nonnull(
	    strstr((char *)text.data, "From: us\nSubject: joe 50% %x\n\n1 of 2 messages\n%"));
	/* A text that is not to be had is no reason to say nothing. */
	ck_assert_int_eq(unlink(template), 0);
	ck_assert_int_eq(unlink(in_dir("Maildir/quotawarn")), 0);
	delivery.quota.messages = 20;
	ck_delivered();
	ck_assert_ptr_nonnull(strstr(receipt.note, "quota warning: "));
	ck_assert_ptr_nonnull(strstr(receipt.note, "warned that"));
	buf_free(&text);
}
END_TEST

START_TEST(stamp_is_a_trap)
{
	delivery.quota.messages = 10;
	delivery.warning = (struct mailbox_warning){ 10, "", "joe", dir };
	put_maildir();
	put("elsewhere", "precious");
	ck_assert_int_eq(symlink(in_dir("elsewhere"), in_dir("Maildir/quotawarn")), 0);
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 1);
	ck_assert_ptr_nonnull(strstr(receipt.note, "quota warning: "));
	ck_content("elsewhere", "precious");
	ck_assert_int_eq(unlink(in_dir("Maildir/quotawarn")), 0);
	ck_assert_int_eq(mkfifo(in_dir("Maildir/quotawarn"), 0600), 0);
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 2);
	ck_assert_int_eq(unlink(in_dir("Maildir/quotawarn")), 0);
	put("second", "");
	ck_assert_int_eq(link(in_dir("second"), in_dir("Maildir/quotawarn")), 0);
	ck_delivered();
	ck_assert_int_eq(entries("Maildir/new"), 3);
	ck_content("second", "");
}
END_TEST

/* Somebody else is about to warn: he has the stamp's lock. */
START_TEST(warned_by_one)
{
	int fd, ends[2];
	pid_t pid;
	char c;

	delivery.quota.messages = 10;
	delivery.warning = (struct mailbox_warning){ 10, "", "joe", dir };
	put_maildir();
	put("Maildir/quotawarn", "");
	ck_assert_int_eq(pipe(ends), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fd = open(in_dir("Maildir/quotawarn"), O_RDWR);
		must(fd != -1 && lock_fcntl(fd) == 1 && write(ends[1], "", 1) == 1);
		pause();
	}
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	ck_delivered();
	ck_assert_str_eq(receipt.note, "");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_delivered();
	ck_assert_str_eq(receipt.note, "warned that the mailbox is 20% full");
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* ---- mbox ------------------------------------------------------------------------------ */

START_TEST(mbox_by_size)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };
	struct stat st;

	strlcpy(path, in_dir("box"), sizeof(path));
	delivery.quota = (struct quota){ 2 * sizeof(FROM OURS TEXT), 1 };
	ck_assert_int_eq(mailbox_has_room(&mailbox, &delivery, 1, true, &err), 1);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(
		    mailbox_deliver(&mailbox, &delivery, &receipt, &err) == 0, "%s", err.text);
	ck_assert_int_eq(mailbox_deliver(&mailbox, &delivery, &receipt, &err), -1);
	ck_assert(receipt.over_quota);
	ck_assert_int_eq(err.num, EDQUOT);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 2 * sizeof(FROM OURS TEXT));
	ck_assert(!exists("box.lock"));
	ck_assert_int_eq(mailbox_has_room(&mailbox, &delivery, 1, true, &err), 0);
	delivery.quota.bytes++;
	ck_assert_int_eq(mailbox_has_room(&mailbox, &delivery, 1, true, &err), 1);
	ck_assert_int_eq(mailbox_deliver(&mailbox, &delivery, &receipt, &err), -1);
	ck_assert(receipt.over_quota);
}
END_TEST

static size_t
messages_in(const char *mbox)
{
	struct buf text = BUF_INIT;
	size_t n = 0;
	int fd = open(in_dir(mbox), O_RDONLY);

	ck_assert_int_eq(io_read_all(fd, 65536, &text), 0);
	close(fd);
	for (const char *p = buf_cstr(&text); (p = strstr(p, "From ")) != NULL; p++)
		n += p == (char *)text.data || p[-1] == '\n';
	buf_free(&text);
	return n;
}

static void
ck_mbox_delivered(void)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX, .path = path };

	ck_assert_msg(mailbox_deliver(&mailbox, &delivery, &receipt, &err) == 0, "%s", err.text);
}

START_TEST(mbox_warned_once_a_day)
{
	char command[PATH_MAX + 64];

	strlcpy(path, in_dir("box"), sizeof(path));
	/* The limit on messages is not the mbox's. */
	delivery.quota = (struct quota){ 4 * sizeof(FROM OURS TEXT), 1 };
	delivery.warning = (struct mailbox_warning){ 50, "", "joe", dir };
	ck_mbox_delivered();
	ck_assert_str_eq(receipt.note, "");
	ck_assert(!exists(".quotawarn.joe"));
	ck_mbox_delivered();
	ck_assert_str_eq(receipt.note, "warned that the mailbox is 50% full");
	ck_assert_uint_eq(receipt.bytes, sizeof(FROM OURS TEXT));
	ck_assert_uint_eq(messages_in("box"), 3);
	ck_assert(!exists("box.lock"));
	snprintf(
	    command, sizeof(command), "grep -q '^Subject: Your mailbox is 50%% full' %s", path);
	ck_assert_int_eq(system(command), 0);
	/* The one behind it has the whole quota, so that there is room. */
	delivery.quota.bytes = 8 * sizeof(FROM OURS TEXT) + 2000;
	delivery.warning.percent = 1;
	ck_mbox_delivered();
	age(".quotawarn.joe", 24 * 3600 - 5);
	ck_mbox_delivered();
	ck_assert_uint_eq(messages_in("box"), 5);
	age(".quotawarn.joe", 24 * 3600 + 5);
	ck_mbox_delivered();
	ck_assert_uint_eq(messages_in("box"), 7);
	delivery.warning.percent = 0;
	age(".quotawarn.joe", 24 * 3600 + 5);
	ck_mbox_delivered();
	ck_assert_uint_eq(messages_in("box"), 8);
}
END_TEST

/* The mail is there all the same. */
START_TEST(mbox_without_a_place_for_the_stamp)
{
	char long_name[NAME_MAX + 1];

	strlcpy(path, in_dir("box"), sizeof(path));
	delivery.quota.bytes = 10 * sizeof(FROM OURS TEXT);
	delivery.warning = (struct mailbox_warning){ 1, "", "joe", "" };
	ck_mbox_delivered();
	ck_assert_str_eq(receipt.note, "quota warning: no place for .quotawarn.joe in the home "
	                               "\"\": No such file or directory");
	delivery.warning.home = path;
	ck_mbox_delivered();
	ck_assert_ptr_nonnull(strstr(receipt.note, "Not a directory"));
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	delivery.warning.account = long_name;
	delivery.warning.home = dir;
	ck_mbox_delivered();
	ck_assert_ptr_nonnull(strstr(receipt.note, "quota warning: no place for .quotawarn.xxx"));
	delivery.warning.account = "joe";
	ck_assert_int_eq(symlink(path, in_dir(".quotawarn.joe")), 0);
	ck_mbox_delivered();
	ck_assert_ptr_nonnull(strstr(receipt.note, "quota warning: open "));
	ck_assert_uint_eq(messages_in("box"), 4);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("quota");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, parsed_or_not_believed, 0, COUNT(texts));
	tcase_add_test(tcase, nul_and_length);
	tcase_add_loop_test(tcase, text_of_a_count, 0, COUNT(written));
	tcase_add_test(tcase, counted_once_then_added);
	tcase_add_test(tcase, over_by_bytes);
	tcase_add_test(tcase, over_by_messages);
	tcase_add_test(tcase, larger_than_the_quota);
	tcase_add_loop_test(tcase, never_full_without_a_count, 0, COUNT(drifted));
	tcase_add_test(tcase, fresh_count_is_believed);
	tcase_add_test(tcase, grown_too_long);
	tcase_add_test(tcase, kept_for_others);
	tcase_add_test(tcase, folders_share_it);
	tcase_add_test(tcase, traps);
	tcase_add_test(tcase, sizes_in_names);
	tcase_add_test(tcase, changed_while_counted);
	tcase_add_test(tcase, closed_folders);
	tcase_add_test(tcase, asked_before);
	tcase_add_test(tcase, trouble_is_no_answer);
	tcase_add_test(tcase, warned_once_a_day);
	tcase_add_test(tcase, warned_in_the_inbox);
	tcase_add_test(tcase, own_words);
	tcase_add_test(tcase, stamp_is_a_trap);
	tcase_add_test(tcase, warned_by_one);
	tcase_add_test(tcase, mbox_by_size);
	tcase_add_test(tcase, mbox_warned_once_a_day);
	tcase_add_test(tcase, mbox_without_a_place_for_the_stamp);
	return run_suite("maildir_quota", tcase);
}
