/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Folders: what a detail becomes, which is never a way out of the Maildir; and deliveries into
 * folders that are there, that are not, and that are something else.
 */
#include <sys/resource.h>

#include "mailbox_scan.h"
#include "mailbox_tool.h"
#include "mailbox_verify.h"

/* ---- names --------------------------------------------------------------------------- */

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *detail, *folder; /* NULL: the inbox */
} names[] = {
	{ "lists", ".lists" },
	{ "Lists.work", ".Lists.work" },
	{ "a&b", ".a&-b" },
	{ "b\xc3\xbcro", ".b&APw-ro" },
	{ "\xe5\x8f\xb0\xe5\x8c\x97.\xe6\x97\xa5", ".&U,BTFw-.&ZeU-" }, /* RFC 3501's own */
	{ "\xf0\x9f\x98\x80", ".&2D3eAA-" },
	{ "\xc3\xbc&", ".&APw-&-" },
	{ "a b", ".a b" },
	{ "%1", ".%1" },
	{ "*", ".*" },
	{ "-oops", ".-oops" },
	{ "|sh", ".|sh" },
	{ "a\\b", ".a\\b" },
	{ "a~", ".a~" },
	{ "INBOX.x", ".INBOX.x" },
	{ "inBox.x", ".INBOX.x" },
	{ "inboxes", ".inboxes" },
	{ "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", ".a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p" },
	{ A50 A50 A50 A50 A50 "aaaa", "." A50 A50 A50 A50 A50 "aaaa" },

	{ NULL, NULL },
	{ "", NULL },
	{ "inbox", NULL },
	{ "INBOX", NULL },
	{ ".", NULL },
	{ "..", NULL },
	{ "../../etc", NULL },
	{ "/etc", NULL },
	{ "a/b", NULL },
	{ "a/../b", NULL },
	{ ".a", NULL },
	{ "a.", NULL },
	{ "a..b", NULL },
	{ "~", NULL },
	{ "~root", NULL },
	{ "a\nb", NULL },
	{ "a\tb", NULL },
	{ "\x7f", NULL },
	{ "\x1b[m", NULL },
	{ "\xc2\x85", NULL },         /* C1 */
	{ "\xe2\x80\xa8", NULL },     /* line separator */
	{ "\xef\xbf\xbf", NULL },     /* no character */
	{ "b\xfc", NULL },            /* Latin-1 */
	{ "\xc0\xaf", NULL },         /* '/' in two bytes */
	{ "\xe0\x80\xae", NULL },     /* '.' in three */
	{ "\xed\xa0\x80", NULL },     /* half a pair */
	{ "\xf4\x90\x80\x80", NULL }, /* beyond Unicode */
	{ "\xe5\x8f", NULL },         /* cut short */
	{ "\x80", NULL },
	{ "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", NULL },
	{ A50 A50 A50 A50 A50 "aaaaa", NULL },
	{ "\xc3\xbc" A50 A50 A50 A50 A50, NULL },
};

START_TEST(names_of_folders)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR };

	ck_assert_int_eq(mailbox_choose_folder(&mailbox, names[_i].detail, &err), 0);
	if (names[_i].folder == NULL)
		ck_assert_msg(mailbox.folder == NULL, "%s", mailbox.folder);
	else
		ck_assert_pstr_eq(mailbox.folder, names[_i].folder);
	mailbox_free(&mailbox);
}
END_TEST

START_TEST(mbox_has_none)
{
	struct mailbox mailbox = { .format = MAILBOX_MBOX };

	ck_assert_int_eq(mailbox_choose_folder(&mailbox, "lists", &err), 0);
	ck_assert_ptr_null(mailbox.folder);
}
END_TEST

/* ---- deliveries ---------------------------------------------------------------------- */

static void
deliver_to(const char *folder)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };

	mailbox.folder = (char *)(uintptr_t)folder;
	strlcpy(path, in_dir("Maildir"), sizeof(path));
	ck_assert_msg(mailbox_deliver(&mailbox, &delivery, &receipt, &err) == 0, "%s", err.text);
}

static void
ck_in(const char *folder)
{
	char name[600];

	ck_assert_str_eq(receipt.folder, folder);
	snprintf(name, sizeof(name), "Maildir/%.255s/new/%.255s", folder, receipt.name);
	ck_content(name, OURS TEXT);
}

static void
ck_mode(const char *name, mode_t mode)
{
	struct stat st;

	ck_assert_int_eq(lstat(in_dir(name), &st), 0);
	ck_assert_uint_eq(st.st_mode, mode);
}

static void
make_directory(const char *name)
{
	ck_assert_int_eq(mkdir(in_dir(name), 0700), 0);
}

START_TEST(created)
{
	delivery.create_folder = true;
	deliver_to(".lists.work");
	ck_in(".lists.work");
	ck_assert_str_eq(receipt.note, "");
	ck_mode("Maildir/.lists.work", S_IFDIR | 0700);
	ck_mode("Maildir/.lists.work/cur", S_IFDIR | 0700);
	ck_mode("Maildir/.lists.work/new", S_IFDIR | 0700);
	ck_mode("Maildir/.lists.work/tmp", S_IFDIR | 0700);
	ck_mode("Maildir/.lists.work/maildirfolder", S_IFREG | 0600);
	/* The Maildir around it is one. */
	ck_mode("Maildir/cur", S_IFDIR | 0700);
	ck_assert_int_eq(entries("Maildir/new"), 0);
	deliver_to(".lists.work");
	ck_assert_int_eq(entries("Maildir/.lists.work/new"), 2);
}
END_TEST

START_TEST(not_created)
{
	deliver_to(".lists");
	ck_in("");
	ck_assert_str_eq(receipt.note, "no folder .lists: to the inbox");
	ck_assert(!exists("Maildir/.lists"));
}
END_TEST

START_TEST(existing)
{
	delivery.create_folder = true;
	deliver_to(".lists");
	delivery.create_folder = false;
	deliver_to(".lists");
	ck_in(".lists");
	ck_assert_int_eq(entries("Maildir/.lists/new"), 2);
}
END_TEST

/* sendmail folds what it hands over. */
START_TEST(case_of_letters)
{
	delivery.create_folder = true;
	deliver_to(".Lists.Work");
	deliver_to(".B&APw-ro");
	deliver_to(".lists.work");
	ck_in(".Lists.Work");
	deliver_to(".b&APw-RO");
	ck_in(".B&APw-ro");
	/* "apw" is other base64. */
	deliver_to(".b&apw-ro");
	ck_in(".b&apw-ro");
	deliver_to(".lists");
	ck_in(".lists");
	/* An exact name goes before one that is alike. */
	make_directory("Maildir/.lists.work");
	deliver_to(".lists.work");
	ck_in(".lists.work");
	/* Of several the first, in whatever order they are read. */
	make_directory("Maildir/.abC");
	make_directory("Maildir/.Abc");
	make_directory("Maildir/.ABc");
	make_directory("Maildir/.aBC");
	deliver_to(".abc");
	ck_in(".ABc");
}
END_TEST

/* A delivery that was killed while it made the folder. */
START_TEST(half_made)
{
	deliver_to(NULL);
	make_directory("Maildir/.empty");
	make_directory("Maildir/.marked");
	put("Maildir/.marked/maildirfolder", "");
	make_directory("Maildir/.cur");
	make_directory("Maildir/.cur/cur");
	deliver_to(".empty");
	ck_in(".empty");
	ck_assert(exists("Maildir/.empty/maildirfolder"));
	deliver_to(".marked");
	ck_in(".marked");
	deliver_to(".cur");
	ck_in(".cur");
	ck_assert(exists("Maildir/.cur/tmp"));
}
END_TEST

static void
ck_to_inbox(const char *folder, const char *why)
{
	delivery.create_folder = true;
	deliver_to(folder);
	ck_in("");
	ck_assert_msg(strstr(receipt.note, why) != NULL, "%s", receipt.note);
	ck_assert_ptr_nonnull(strstr(receipt.note, ": to the inbox"));
}

START_TEST(something_else)
{
	deliver_to(NULL);
	make_directory("Maildir/.ssh");
	put("Maildir/.ssh/authorized_keys", "");
	ck_to_inbox(".ssh", "is no folder");
	ck_assert_int_eq(entries("Maildir/.ssh"), 1);

	put("Maildir/.profile", "");
	ck_to_inbox(".profile", "Not a directory");

	make_directory("elsewhere");
	make_directory("elsewhere/cur");
	make_directory("elsewhere/new");
	make_directory("elsewhere/tmp");
	ck_assert_int_eq(symlink(in_dir("elsewhere"), in_dir("Maildir/.link")), 0);
	ck_to_inbox(".link", "");
	ck_assert_int_eq(entries("elsewhere/new"), 0);

	ck_assert_int_eq(symlink(in_dir("missing"), in_dir("Maildir/.dangling")), 0);
	ck_to_inbox(".dangling", "");

	make_directory("Maildir/.open");
	ck_assert_int_eq(chmod(in_dir("Maildir/.open"), 0777), 0);
	ck_to_inbox(".open", "everybody may write");

	make_directory("Maildir/.deep");
	make_directory("Maildir/.deep/cur");
	ck_assert_int_eq(symlink(in_dir("elsewhere"), in_dir("Maildir/.deep/tmp")), 0);
	ck_to_inbox(".deep", "");
	ck_assert_int_eq(entries("elsewhere/tmp"), 0);

	if (is_root()) {
		make_directory("Maildir/.foreign");
		ck_assert_int_eq(chown(in_dir("Maildir/.foreign"), NOBODY, NOBODY), 0);
		ck_to_inbox(".foreign", "belongs to uid");
	}
}
END_TEST

/* What may pass is waited for. */
static void
full_disk(void)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };
	static char folder[] = ".lists";

	strlcpy(path, in_dir("Maildir"), sizeof(path));
	must(mailbox_deliver(&mailbox, &delivery, &receipt, &err) == 0);
	mailbox.folder = folder;
	delivery.create_folder = true;
	break_call(SYS_mkdirat, 2, 0700, ENOSPC);
	must(mailbox_deliver(&mailbox, &delivery, &receipt, &err) == -1);
	must(err.num == ENOSPC);
	must(!receipt.over_quota);
	must(entries("Maildir/new") == 1);
}

/* A directory of which cannot be told whether it is a folder is not taken for one. */
static void
unreadable_disk(void)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };
	static char folder[] = ".lists";

	strlcpy(path, in_dir("Maildir"), sizeof(path));
	must(mailbox_deliver(&mailbox, &delivery, &receipt, &err) == 0);
	must(mkdir(in_dir("Maildir/.lists"), 0700) == 0);
	mailbox.folder = folder;
	/* Descriptors: the Maildir, the folder, and the folder again to read it. */
	break_call(SYS_getdents64, 0, next_fd() + 2, EIO);
	must(mailbox_deliver(&mailbox, &delivery, &receipt, &err) == -1);
	must(err.num == EIO);
	must(!exists("Maildir/.lists/new"));
}

/* Nor is one made beside another that could not be seen. */
static void
unreadable_maildir(void)
{
	char path[PATH_MAX];
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR, .path = path };
	static char folder[] = ".similar";

	strlcpy(path, in_dir("Maildir"), sizeof(path));
	mailbox.folder = folder;
	delivery.create_folder = true;
	break_call(SYS_getdents64, 0, next_fd() + 1, EIO);
	must(mailbox_deliver(&mailbox, &delivery, &receipt, &err) == -1);
	must(err.num == EIO);
	must(!exists("Maildir/.similar"));
}

START_TEST(trouble_defers)
{
	ck_broken(full_disk);
	ck_broken(unreadable_maildir);
	ck_broken(unreadable_disk);
}
END_TEST

/* ---- readers --------------------------------------------------------------------------- */

static int
count_folder(void *arg, const struct mailbox *folder, const char *name)
{
	size_t *count = arg;

	(void)folder;
	(void)name;
	++*count;
	return 0;
}

static struct mailbox
put_folders(void)
{
	static char path[PATH_MAX];

	delivery.create_folder = true;
	deliver_to(".lists");
	make_directory("Maildir/.ssh");
	put("Maildir/.file", "");
	strlcpy(path, in_dir("Maildir"), sizeof(path));
	return (struct mailbox){ .format = MAILBOX_MAILDIR, .path = path };
}

/* Told of no folder only where there is none. */
START_TEST(listed)
{
	struct mailbox mailbox = put_folders();
	size_t count = 0;

	ck_assert_int_eq(mailbox_folders(&mailbox, count_folder, &count, &err), 0);
	ck_assert_uint_eq(count, 2); /* the inbox, too */
}
END_TEST

static struct mailbox whole;

static void
no_fault(void *arg, const struct mailbox_fault *fault)
{
	(void)arg;
	fprintf(stderr, "%s: %s\n", fault->path, fault->text);
	must(fault == NULL);
}

#ifdef SYS_newfstatat
static void
list_unreadable(void)
{
	size_t count = 0;

	break_call(SYS_newfstatat, 3, AT_SYMLINK_NOFOLLOW, EIO);
	must(mailbox_folders(&whole, count_folder, &count, &err) == -1);
	must(err.num == EIO);
}
#endif

/* Descriptors for the Maildir and to read its names, and none for a folder. */
static void
verify_unopened(void)
{
	struct rlimit limit = { next_fd() + 2, next_fd() + 2 };

	must(mailbox_verify(&whole, geteuid(), no_fault, NULL, &err) == 0);
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	must(mailbox_verify(&whole, geteuid(), no_fault, NULL, &err) == -1);
	must(err.num == EMFILE);
}

START_TEST(trouble_is_told)
{
	whole = put_folders();
#ifdef SYS_newfstatat
	ck_broken(list_unreadable);
#endif
	ck_broken(verify_unopened);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("folder");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, names_of_folders, 0, COUNT(names));
	tcase_add_test(tcase, mbox_has_none);
	tcase_add_test(tcase, created);
	tcase_add_test(tcase, not_created);
	tcase_add_test(tcase, existing);
	tcase_add_test(tcase, case_of_letters);
	tcase_add_test(tcase, half_made);
	tcase_add_test(tcase, something_else);
	tcase_add_test(tcase, trouble_defers);
	tcase_add_test(tcase, listed);
	tcase_add_test(tcase, trouble_is_told);
	return run_suite("folder", tcase);
}
