/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings: the defaults, every kind of value, and every mistake with the file, line and
 * reason that it must be reported with. Nothing may be left behind by a refusal.
 */
#include "settings.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char dir[32];
static char file[64];

static void
setup(void)
{
	strcpy(dir, "/tmp/check_settings.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/virtmda.conf", dir);
}

static void
teardown(void)
{
	unlink(file);
	rmdir(dir);
}

static void
write_file(const void *text, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

static int
load_text(struct settings *out, const void *text, size_t len, struct err *err)
{
	write_file(text, len);
	return settings_load(out, file, NULL, 0, err);
}

static int
load_override(struct settings *out, const char *override, struct err *err)
{
	write_file("", 0);
	return settings_load(out, file, &override, 1, err);
}

static void
assert_empty(const struct settings *settings)
{
	static const struct settings empty;

	ck_assert_mem_eq(settings, &empty, sizeof(empty));
}

START_TEST(defaults)
{
	struct settings s;
	struct err err;

	ck_assert_msg(load_text(&s, "", 0, &err) == 0, "%s", err.text);
	ck_assert_str_eq(s.map, "/etc/virtmda/virtmaps");
	ck_assert_str_eq(s.domains, "/etc/virtmda/domains");
	ck_assert_str_eq(s.map_group, "");
	ck_assert_str_eq(s.accounts, "passwd");
	ck_assert_str_eq(s.accounts_canary, "");
	ck_assert_str_eq(s.aliases, "/etc/mail/aliases");
	ck_assert_str_eq(s.mailbox, "mbox:/var/mail/%u");
	ck_assert_str_eq(s.local_domains, "");
	ck_assert_str_eq(s.accepted_domains, "cf:/etc/mail/sendmail.cf");
	ck_assert_str_eq(s.postmaster, "postmaster");
	ck_assert_int_eq(s.unmatched, UNMATCHED_NOUSER);
	ck_assert_int_eq(s.forward_files, FORWARD_HANDOVER);
	ck_assert_int_eq(s.detail_folders, FOLDERS_NO);
	ck_assert_str_eq(s.quota, "none");
	ck_assert_int_eq(s.over_quota, OVER_QUOTA_DEFER);
	ck_assert_uint_eq(s.quota_warning, 90);
	ck_assert_str_eq(s.quota_warning_template, "");
	ck_assert(s.delivered_to);
	ck_assert_uint_eq(s.min_uid, 1);
	ck_assert_uint_eq(s.lock_timeout, 60);
	ck_assert_str_eq(s.spool_directory, "/var/tmp");
	ck_assert_uint_eq(s.workers, 8);
	ck_assert_uint_eq(s.lmtp_recipients, 1000);
	ck_assert_uint_eq(s.lmtp_message_size, 0);
	ck_assert_uint_eq(s.lmtp_timeout, 600);
	ck_assert_str_eq(s.log, "syslog");
	settings_free(&s);
	assert_empty(&s);
	settings_free(&s);
}
END_TEST

START_TEST(whole_file)
{
	static const char text[] = "# a comment\n"
	                           "\n"
	                           " \t \n"
	                           "map=/m/virtmaps\n"
	                           "  domains \t=  /m/domains  \t\n"
	                           "map_group = smmsp\n"
	                           "accounts = passwd-file:/m/accounts\n"
	                           "accounts_canary = canary\n"
	                           "aliases = /m/aliases /m/more\n"
	                           "mailbox = maildir:%h/Mail/%d/%n%%%u\n"
	                           "local_domains = a.example b.example\n"
	                           "postmaster = root@a.example\n"
	                           "unmatched = local\n"
	                           "forward_files = ignore\n"
	                           "detail_folders = create\n"
	                           "quota = storage=1G messages=10000\n"
	                           "over_quota = reject\n"
	                           "quota_warning = 0\n"
	                           "quota_warning_template = /m/warning\n"
	                           "delivered_to = no\n"
	                           "min_uid = 4294967294\n"
	                           "lock_timeout = 3600\n"
	                           "spool_directory = /m/spool=dir\n"
	                           "workers = 64\n"
	                           "lmtp_recipients = 50\n"
	                           "lmtp_message_size = 4294967295\n"
	                           "lmtp_timeout = 86400\n"
	                           "\t# indented comment with = sign\n"
	                           "log = /m/log#1";
	struct settings s;
	struct err err;

	ck_assert_msg(load_text(&s, text, sizeof(text) - 1, &err) == 0, "%s", err.text);
	ck_assert_str_eq(s.map, "/m/virtmaps");
	ck_assert_str_eq(s.domains, "/m/domains");
	ck_assert_str_eq(s.map_group, "smmsp");
	ck_assert_str_eq(s.accounts, "passwd-file:/m/accounts");
	ck_assert_str_eq(s.accounts_canary, "canary");
	ck_assert_str_eq(s.aliases, "/m/aliases /m/more");
	ck_assert_str_eq(s.mailbox, "maildir:%h/Mail/%d/%n%%%u");
	ck_assert_str_eq(s.local_domains, "a.example b.example");
	ck_assert_str_eq(s.postmaster, "root@a.example");
	ck_assert_int_eq(s.unmatched, UNMATCHED_LOCAL);
	ck_assert_int_eq(s.forward_files, FORWARD_IGNORE);
	ck_assert_int_eq(s.detail_folders, FOLDERS_CREATE);
	ck_assert_str_eq(s.quota, "storage=1G messages=10000");
	ck_assert_int_eq(s.over_quota, OVER_QUOTA_REJECT);
	ck_assert_uint_eq(s.quota_warning, 0);
	ck_assert_str_eq(s.quota_warning_template, "/m/warning");
	ck_assert(!s.delivered_to);
	ck_assert_uint_eq(s.min_uid, 4294967294u);
	ck_assert_uint_eq(s.lock_timeout, 3600);
	ck_assert_str_eq(s.spool_directory, "/m/spool=dir");
	ck_assert_uint_eq(s.workers, 64);
	ck_assert_uint_eq(s.lmtp_recipients, 50);
	ck_assert_uint_eq(s.lmtp_message_size, 4294967295u);
	ck_assert_uint_eq(s.lmtp_timeout, 86400);
	ck_assert_str_eq(s.log, "/m/log#1");
	settings_free(&s);
}
END_TEST

/* Texts are string literals, so that a NUL may stand in them. */
#define BAD(text, line, why)                                                                       \
	{                                                                                          \
		text, sizeof(text) - 1, line, why                                                  \
	}

static const struct bad {
	const char *text;
	size_t len;
	int line;
	const char *why;
} bad[] = {
	BAD("colour = red\n", 1, "unknown setting \"colour\""),
	BAD("# ok\n\nMap = /m\n", 3, "unknown setting \"Map\""),
	BAD("ma = /m\n", 1, "unknown setting \"ma\""),
	BAD("map_ = /m\n", 1, "unknown setting \"map_\""),
	BAD("\xef\xbb\xbfmap = /m\n", 1, "unknown setting \"\xef\xbb\xbfmap\""),
	BAD("map /m\n", 1, "\"map /m\": no '=' (NAME = VALUE)"),
	BAD("map", 1, "\"map\": no '=' (NAME = VALUE)"),
	BAD(" = /m\n", 1, "no name before '='"),
	BAD("=\n", 1, "no name before '='"),
	BAD("map = /m\nlog = stderr\nmap = /m\n", 3, "map: already set in line 1"),
	BAD("unmatched = nouser\n\nunmatched = local", 3, "unmatched: already set in line 1"),
	BAD("map = /m\0\n", 1, "NUL byte: this is not a text file"),
	BAD("# comment\0\n", 1, "NUL byte: this is not a text file"),
	BAD("map = /m\r\n", 1, "carriage return: lines must end in LF alone"),
	BAD("map = /m\x1b[0m\n", 1, "control character"),
	BAD("map = /m\x7f\n", 1, "control character"),
	BAD("map = /m # ours\n", 1, "map: \"/m # ours\": a comment needs a line of its own"),
	BAD("map_group =# x\n", 1, "map_group: \"# x\": a comment needs a line of its own"),
	BAD("min_uid = 1\t# x\n", 1, "min_uid: \"1\t# x\": a comment needs a line of its own"),
	BAD("map =\n", 1, "map: \"\": must be an absolute path"),
	BAD("map = virtmaps\n", 1, "map: \"virtmaps\": must be an absolute path"),
	BAD("map = ./virtmaps\n", 1, "map: \"./virtmaps\": must be an absolute path"),
	BAD("map = ~/virtmaps\n", 1, "map: \"~/virtmaps\": must be an absolute path"),
	BAD("map = \"/m\"\n", 1, "map: \"\"/m\"\": must be an absolute path"),
	BAD("domains = d\n", 1, "domains: \"d\": must be an absolute path"),
	BAD("spool_directory = tmp\n", 1, "spool_directory: \"tmp\": must be an absolute path"),
	BAD("map_group = a b\n", 1,
	    "map_group: \"a b\": must be one name, without blanks, ':', ',' or '/'"),
	BAD("accounts_canary = a:b\n", 1,
	    "accounts_canary: \"a:b\": must be one name, without blanks, ':', ',' or '/'"),
	BAD("accounts =\n", 1, "accounts: \"\": must be \"passwd\" or \"passwd-file:/PATH\""),
	BAD("accounts = PASSWD\n", 1,
	    "accounts: \"PASSWD\": must be \"passwd\" or \"passwd-file:/PATH\""),
	BAD("accounts = ldap:/x\n", 1,
	    "accounts: \"ldap:/x\": must be \"passwd\" or \"passwd-file:/PATH\""),
	BAD("accounts = passwd-file:x\n", 1,
	    "accounts: \"passwd-file:x\": must be an absolute path"),
	BAD("accounts = passwd-file:\n", 1, "accounts: \"passwd-file:\": must be an absolute path"),
	BAD("aliases =\n", 1,
	    "aliases: \"\": is empty (\"none\" says that there is no alias file)"),
	BAD("aliases = /a none\n", 1,
	    "aliases: \"/a none\": must be \"none\" or absolute paths of alias files with blanks "
	    "between them"),
	BAD("aliases = hash:/a\n", 1,
	    "aliases: \"hash:/a\": must be \"none\" or absolute paths of alias files with blanks "
	    "between them"),
	BAD("mailbox =\n", 1, "mailbox: \"\": must be \"mbox:PATH\" or \"maildir:PATH\""),
	BAD("mailbox = mdbox:~/m\n", 1,
	    "mailbox: \"mdbox:~/m\": must be \"mbox:PATH\" or \"maildir:PATH\""),
	BAD("mailbox = mbox:\n", 1,
	    "mailbox: \"mbox:\": the path must begin with '/', \"~/\" or \"%h/\""),
	BAD("mailbox = maildir:Maildir\n", 1,
	    "mailbox: \"maildir:Maildir\": the path must begin with '/', \"~/\" or \"%h/\""),
	BAD("mailbox = maildir:~bob/M\n", 1,
	    "mailbox: \"maildir:~bob/M\": the path must begin with '/', \"~/\" or \"%h/\""),
	BAD("mailbox = mbox:%u\n", 1,
	    "mailbox: \"mbox:%u\": the path must begin with '/', \"~/\" or \"%h/\""),
	BAD("mailbox = mbox:~/mail:INBOX=/var/mail/%u\n", 1,
	    "mailbox: \"mbox:~/mail:INBOX=/var/mail/%u\": the path may not hold ':' (Dovecot's "
	    "\":KEY=VALUE\" is not known here)"),
	BAD("mailbox = mbox:/m/%s\n", 1,
	    "mailbox: \"mbox:/m/%s\": after '%' only u, n, d, h or % may stand"),
	BAD("mailbox = mbox:/m/%\n", 1,
	    "mailbox: \"mbox:/m/%\": after '%' only u, n, d, h or % may stand"),
	BAD("mailbox = mbox:/m/%%%\n", 1,
	    "mailbox: \"mbox:/m/%%%\": after '%' only u, n, d, h or % may stand"),
	BAD("local_domains = a.example,b.example\n", 1,
	    "local_domains: \"a.example,b.example\": must be domains with blanks between them"),
	BAD("local_domains = a @b\n", 1,
	    "local_domains: \"a @b\": must be domains with blanks between them"),
	BAD("accepted_domains = /etc/mail/sendmail.cf\n", 1,
	    "accepted_domains: \"/etc/mail/sendmail.cf\": must be \"none\", \"cf:/PATH\" or "
	    "\"names:/PATH\""),
	BAD("accepted_domains = cf:sendmail.cf\n", 1,
	    "accepted_domains: \"cf:sendmail.cf\": must be an absolute path"),
	BAD("postmaster =\n", 1, "postmaster: \"\": is empty"),
	BAD("abuse = a, b\n", 1, "abuse: \"a, b\": must be one name or address"),
	BAD("sendmail = sendmail -v\n", 1, "sendmail: \"sendmail -v\": must be an absolute path"),
	BAD("postmaster = a, b\n", 1, "postmaster: \"a, b\": must be one name or address"),
	BAD("postmaster = |/bin/sh\n", 1,
	    "postmaster: \"|/bin/sh\": must be a name or an address, not a program, a file or a "
	    "list"),
	BAD("postmaster = /var/mail/x\n", 1,
	    "postmaster: \"/var/mail/x\": must be a name or an address, not a program, a file or "
	    "a list"),
	BAD("postmaster = :include:/x\n", 1,
	    "postmaster: \":include:/x\": must be a name or an address, not a program, a file or "
	    "a list"),
	BAD("unmatched = bounce\n", 1, "unmatched: \"bounce\": must be \"nouser\" or \"local\""),
	BAD("unmatched =\n", 1, "unmatched: \"\": must be \"nouser\" or \"local\""),
	BAD("forward_files = yes\n", 1,
	    "forward_files: \"yes\": must be \"handover\" or \"ignore\""),
	BAD("detail_folders = yes\n", 1,
	    "detail_folders: \"yes\": must be \"no\" or \"existing\" or \"create\""),
	BAD("quota =\n", 1,
	    "quota: \"\": must be \"none\" or limits such as \"storage=1G messages=10000\""),
	BAD("quota = 1G\n", 1,
	    "quota: \"1G\": must be \"none\" or limits such as \"storage=1G messages=10000\""),
	BAD("over_quota = bounce\n", 1, "over_quota: \"bounce\": must be \"defer\" or \"reject\""),
	BAD("quota_warning = 101\n", 1,
	    "quota_warning: \"101\": must be a whole number from 0 to 100 (too large)"),
	BAD("quota_warning_template = t\n", 1,
	    "quota_warning_template: \"t\": must be an absolute path"),
	BAD("delivered_to = true\n", 1, "delivered_to: \"true\": must be \"yes\" or \"no\""),
	BAD("delivered_to =\n", 1, "delivered_to: \"\": must be \"yes\" or \"no\""),
	BAD("min_uid = 0\n", 1,
	    "min_uid: \"0\": must be a whole number from 1 to 4294967294 (too small)"),
	BAD("min_uid = 4294967295\n", 1,
	    "min_uid: \"4294967295\": must be a whole number from 1 to 4294967294 (too large)"),
	BAD("min_uid = 99999999999999999999\n", 1,
	    "min_uid: \"99999999999999999999\": must be a whole number from 1 to 4294967294 (too "
	    "large)"),
	BAD("min_uid = -1\n", 1,
	    "min_uid: \"-1\": must be a whole number from 1 to 4294967294 (too small)"),
	BAD("min_uid = +1\n", 1,
	    "min_uid: \"+1\": must be a whole number from 1 to 4294967294 (invalid)"),
	BAD("min_uid = 0x10\n", 1,
	    "min_uid: \"0x10\": must be a whole number from 1 to 4294967294 (invalid)"),
	BAD("min_uid = 1 000\n", 1,
	    "min_uid: \"1 000\": must be a whole number from 1 to 4294967294 (invalid)"),
	BAD("min_uid =\n", 1,
	    "min_uid: \"\": must be a whole number from 1 to 4294967294 (invalid)"),
	BAD("lock_timeout = 0\n", 1,
	    "lock_timeout: \"0\": must be a whole number from 1 to 3600 (too small)"),
	BAD("lock_timeout = 1m\n", 1,
	    "lock_timeout: \"1m\": must be a whole number from 1 to 3600 (invalid)"),
	BAD("lock_timeout = 3601\n", 1,
	    "lock_timeout: \"3601\": must be a whole number from 1 to 3600 (too large)"),
	BAD("log = mail.log\n", 1,
	    "log: \"mail.log\": must be \"syslog\", \"stderr\" or an absolute path"),
	BAD("log =\n", 1, "log: \"\": must be \"syslog\", \"stderr\" or an absolute path"),
};

START_TEST(bad_line)
{
	const struct bad *b = &bad[_i];
	struct settings s;
	struct err err = { .num = -1 };
	char expected[2 * ERR_TEXT_MAX];

	snprintf(expected, sizeof(expected), "%s:%d: %s", file, b->line, b->why);
	ck_assert_int_eq(load_text(&s, b->text, b->len, &err), -1);
	ck_assert_str_eq(err.text, expected);
	ck_assert_int_eq(err.num, 0);
	assert_empty(&s);
}
END_TEST

static const struct {
	const char *text;
	const char *err;
} bad_overrides[] = {
	{ "colour=red", "-o: unknown setting \"colour\"" },
	{ "map", "-o: \"map\": no '=' (NAME = VALUE)" },
	{ "", "-o: \"\": no '=' (NAME = VALUE)" },
	{ "=/m", "-o: no name before '='" },
	{ "map=virtmaps", "-o: map: \"virtmaps\": must be an absolute path" },
	{ "min_uid=x",
	    "-o: min_uid: \"x\": must be a whole number from 1 to 4294967294 (invalid)" },
	{ "map=/a\nlog=stderr", "-o: \"map=/a\nlog=stderr\": control character" },
};

START_TEST(bad_override)
{
	struct settings s;
	struct err err;

	ck_assert_int_eq(load_override(&s, bad_overrides[_i].text, &err), -1);
	ck_assert_str_eq(err.text, bad_overrides[_i].err);
	assert_empty(&s);
}
END_TEST

START_TEST(override_wins)
{
	const char *overrides[] = { "map=/two", " min_uid = 7 ", "map=/three" };
	struct settings s;
	struct err err;

	write_file("map = /one\nlog = stderr\n", 24);
	ck_assert_msg(settings_load(&s, file, overrides, 3, &err) == 0, "%s", err.text);
	ck_assert_str_eq(s.map, "/three");
	ck_assert_uint_eq(s.min_uid, 7);
	ck_assert_str_eq(s.log, "stderr");
	settings_free(&s);
}
END_TEST

START_TEST(is_override)
{
	ck_assert(settings_is_override("a=b"));
	ck_assert(settings_is_override("="));
	ck_assert(!settings_is_override("a"));
	ck_assert(!settings_is_override(""));
}
END_TEST

/* A line of 8192 bytes is the longest, its newline not counted. */
START_TEST(long_lines)
{
	static const char head[] = "aliases = /a";
	char line[8194];
	struct settings s;
	struct err err;

	memset(line, ' ', sizeof(line));
	memcpy(line, head, sizeof(head) - 1);
	line[8190] = '/';
	line[8191] = 'b';
	line[8192] = '\n';
	ck_assert_msg(load_text(&s, line, 8193, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(strlen(s.aliases), 8192 - strlen("aliases = "));
	settings_free(&s);

	line[8192] = 'c';
	line[8193] = '\n';
	ck_assert_int_eq(load_text(&s, line, 8194, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "virtmda.conf:1: line longer than 8192 bytes"));
	assert_empty(&s);
}
END_TEST

/* A path must leave room for what is put behind it. */
START_TEST(long_path)
{
	char line[8192] = "map = /";
	struct settings s;
	struct err err;

	memset(line + 7, 'x', 4096);
	ck_assert_int_eq(load_text(&s, line, strlen(line), &err), -1);
	ck_assert_int_eq(strncmp(err.text, file, strlen(file)), 0);
	line[7 + 4096 - 65] = '\0';
	ck_assert_msg(load_text(&s, line, strlen(line), &err) == 0, "%s", err.text);
	settings_free(&s);
}
END_TEST

START_TEST(big_file)
{
	size_t len = 1024 * 1024 + 1;
	char *text = malloc(len);
	struct settings s;
	struct err err;

	memset(text, '\n', len);
	ck_assert_msg(load_text(&s, text, len - 1, &err) == 0, "%s", err.text);
	settings_free(&s);
	ck_assert_int_eq(load_text(&s, text, len, &err), -1);
	ck_assert_int_eq(err.num, EFBIG);
	ck_assert_ptr_nonnull(strstr(err.text, file));
	assert_empty(&s);
	free(text);
}
END_TEST

START_TEST(missing_file)
{
	struct settings s;
	struct err err;

	ck_assert_int_eq(settings_load(&s, file, NULL, 0, &err), -1);
	ck_assert_int_eq(err.num, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, file));
	assert_empty(&s);
}
END_TEST

/* The usual file may be missing; then the defaults hold. */
START_TEST(missing_usual_file)
{
	struct settings s;
	struct err err;

	if (access(SETTINGS_FILE, F_OK) == 0) {
		fprintf(stderr, "check_settings: missing_usual_file skipped: it is there\n");
		return;
	}
	ck_assert_msg(settings_load(&s, NULL, NULL, 0, &err) == 0, "%s", err.text);
	ck_assert_str_eq(s.log, "syslog");
	settings_free(&s);
}
END_TEST

START_TEST(directory_as_file)
{
	struct settings s;
	struct err err;

	ck_assert_int_eq(settings_load(&s, dir, NULL, 0, &err), -1);
	ck_assert_int_ne(err.num, 0);
	assert_empty(&s);
}
END_TEST

/* What others could have written gives no orders to root. */
START_TEST(untrusted_file)
{
	struct settings s;
	struct err err;

	if (geteuid() != 0) {
		fprintf(stderr, "check_settings: untrusted_file skipped: not root\n");
		return;
	}
	write_file("map = /m\n", 9);
	ck_assert_int_eq(chmod(file, 0666), 0);
	ck_assert_int_eq(settings_load(&s, file, NULL, 0, &err), -1);
	ck_assert_int_eq(err.num, EPERM);
	assert_empty(&s);
	ck_assert_int_eq(chmod(file, 0644), 0);
	ck_assert_int_eq(settings_load(&s, file, NULL, 0, &err), 0);
	settings_free(&s);
	ck_assert_int_eq(chown(file, 65534, 0), 0);
	ck_assert_int_eq(settings_load(&s, file, NULL, 0, &err), -1);
	ck_assert_int_eq(err.num, EPERM);
}
END_TEST

/* Each default, written out, is a value that the setting accepts. */
START_TEST(names)
{
	const char *standard, *name;
	size_t n = 0;

	while ((name = settings_name(n, &standard)) != NULL) {
		char line[256];
		struct settings s;
		struct err err;

		snprintf(line, sizeof(line), "%s = %s\n", name, standard);
		ck_assert_msg(load_text(&s, line, strlen(line), &err) == 0, "%s", err.text);
		settings_free(&s);
		n++;
	}
	ck_assert_uint_eq(n, 29);
}
END_TEST

/* ---- the places where people read about settings ------------------------------------------- */

static FILE *
open_page(const char *path)
{
	FILE *page = fopen(path, "re");

	ck_assert_msg(page != NULL, "%s: run this at the top of the tree", path);
	return page;
}

/* How many lines of the file are exactly this. */
static int
count_lines(const char *path, const char *wanted)
{
	FILE *page = open_page(path);
	char line[8192];
	int n = 0;

	while (fgets(line, sizeof(line), page) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		n += strcmp(line, wanted) == 0;
	}
	fclose(page);
	return n;
}

/* How many lines begin with `prefix` and go on with a name and " =". */
static int
count_settings(const char *path, const char *prefix)
{
	FILE *page = open_page(path);
	char line[8192], name[64];
	int n = 0;

	while (fgets(line, sizeof(line), page) != NULL)
		n += strncmp(line, prefix, strlen(prefix)) == 0 &&
		     sscanf(line + strlen(prefix), "%63[a-z_] =", name) == 1 &&
		     strncmp(line + strlen(prefix) + strlen(name), " =", 2) == 0;
	fclose(page);
	return n;
}

static void
compare(const char *path, const char *prefix)
{
	const char *standard, *name;
	size_t n;

	for (n = 0; (name = settings_name(n, &standard)) != NULL; n++) {
		char wanted[256];

		snprintf(wanted, sizeof(wanted), "%s%s =%s%s", prefix, name, *standard ? " " : "",
		    standard);
		ck_assert_msg(
		    count_lines(path, wanted) == 1, "%s does not say once: %s", path, wanted);
	}
	ck_assert_msg(
	    count_settings(path, prefix) == (int)n, "%s names settings that there are not", path);
}

START_TEST(sample_has_defaults)
{
	struct settings s;
	struct err err;
	FILE *page = open_page("samples/virtmda.conf");
	char text[65536];
	size_t len = fread(text, 1, sizeof(text), page), kept = 0;

	fclose(page);
	compare("samples/virtmda.conf", "#");
	ck_assert_msg(load_text(&s, text, len, &err) == 0, "%s", err.text);
	settings_free(&s);

	/* With every "#" in front of a setting taken off. */
	for (size_t i = 0; i < len; i++)
		if (text[i] != '#' || (i + 1 < len && strchr(" #\n", text[i + 1]) != NULL))
			text[kept++] = text[i];
	ck_assert_msg(load_text(&s, text, kept, &err) == 0, "%s", err.text);
	settings_free(&s);
}
END_TEST

START_TEST(manual_has_defaults)
{
	compare("man/virtmda.conf.5", ".It Ic ");
}
END_TEST

/* Every literal block of the manual is a file that is accepted. */
START_TEST(manual_examples)
{
	FILE *page = open_page("man/virtmda.conf.5");
	char line[8192], text[8192] = "";
	struct settings s;
	struct err err;
	int inside = 0, examples = 0;

	while (fgets(line, sizeof(line), page) != NULL) {
		if (strncmp(line, ".Ed", 3) == 0) {
			ck_assert_msg(load_text(&s, text, strlen(text), &err) == 0, "%s", err.text);
			settings_free(&s);
			examples++;
			inside = 0;
			text[0] = '\0';
		}
		if (inside)
			strlcat(text, line, sizeof(text));
		if (strncmp(line, ".Bd -literal", 12) == 0)
			inside = 1;
	}
	fclose(page);
	ck_assert_int_ge(examples, 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tc = tcase_create("settings");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, whole_file);
	tcase_add_loop_test(tc, bad_line, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_loop_test(
	    tc, bad_override, 0, (int)(sizeof(bad_overrides) / sizeof(bad_overrides[0])));
	tcase_add_test(tc, override_wins);
	tcase_add_test(tc, is_override);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, long_path);
	tcase_add_test(tc, big_file);
	tcase_add_test(tc, missing_file);
	tcase_add_test(tc, missing_usual_file);
	tcase_add_test(tc, directory_as_file);
	tcase_add_test(tc, untrusted_file);
	tcase_add_test(tc, names);
	tcase_add_test(tc, sample_has_defaults);
	tcase_add_test(tc, manual_has_defaults);
	tcase_add_test(tc, manual_examples);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
