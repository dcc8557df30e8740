/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings: one table says what every setting is called, what it may hold and what it is
 * when nobody sets it. Everything is checked while it is read, so that a mistake names its
 * file and line instead of showing itself in the middle of a delivery. What is not plainly
 * right is refused: unknown names, second mentions, relative paths (sendmail starts us in
 * its queue directory), a comment behind a value.
 */
#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "quota.h"

#define FILE_BYTES_MAX (1024 * 1024)   /* far beyond any honest file: a wrong -C ends here */
#define LINE_BYTES_MAX 8192            /* room for a long local_domains */
#define PATH_BYTES_MAX (PATH_MAX - 64) /* leaves room for ".gdbm", ".new.PID" and the NUL */

enum kind { KIND_TEXT, KIND_YES_NO, KIND_NUMBER, KIND_CHOICE };

/* The reason for a refusal, without file and line: the caller knows those. NULL: accepted. */
typedef const char *check_fn(const char *value);

struct setting {
	const char *name;
	enum kind kind;
	size_t offset; /* into struct settings */
	const char *standard;
	check_fn *check;            /* KIND_TEXT */
	long long min, max;         /* KIND_NUMBER */
	const char *const *choices; /* KIND_CHOICE: words in the order of the enum, NULL-ended */
};

/* ---- what a text may hold ---------------------------------------------------------------------
 */

static const char *
check_path(const char *value)
{
	if (*value != '/')
		return "must be an absolute path";
	if (strlen(value) > PATH_BYTES_MAX)
		return "the path is too long";
	return NULL;
}

/* Group, account: never empty where it is given, never something that a list or a passwd line
 * would take apart. */
static const char *
check_name_or_empty(const char *value)
{
	if (strpbrk(value, " \t:,/") != NULL)
		return "must be one name, without blanks, ':', ',' or '/'";
	return NULL;
}

static const char *
check_accounts(const char *value)
{
	static const char file[] = "passwd-file:";

	if (strcmp(value, "passwd") == 0)
		return NULL;
	if (strncmp(value, file, sizeof(file) - 1) != 0)
		return "must be \"passwd\" or \"passwd-file:/PATH\"";
	return check_path(value + sizeof(file) - 1);
}

/* Is every blank-separated word of `value` one that `good` takes? */
static int
all_words(const char *value, int (*good)(const char *word))
{
	char word[LINE_BYTES_MAX + 1];

	while (*(value += strspn(value, " \t")) != '\0') {
		size_t len = strcspn(value, " \t");

		if (len >= sizeof(word))
			return 0;
		memcpy(word, value, len);
		word[len] = '\0';
		if (!good(word))
			return 0;
		value += len;
	}
	return 1;
}

static int
is_path(const char *word)
{
	return check_path(word) == NULL;
}

static const char *
check_aliases(const char *value)
{
	if (*value == '\0')
		return "is empty (\"none\" says that there is no alias file)";
	if (strcmp(value, "none") == 0 || all_words(value, is_path))
		return NULL;
	return "must be \"none\" or absolute paths of alias files with blanks between them";
}

static int
is_domain(const char *word)
{
	return strpbrk(word, "@/,:") == NULL;
}

static const char *
check_local_domains(const char *value)
{
	return all_words(value, is_domain) ? NULL : "must be domains with blanks between them";
}

static const char *
check_mailbox(const char *value)
{
	const char *path = strchr(value, ':');

	if (strncmp(value, "mbox:", 5) != 0 && strncmp(value, "maildir:", 8) != 0)
		return "must be \"mbox:PATH\" or \"maildir:PATH\"";
	path++;
	if (*path != '/' && strncmp(path, "~/", 2) != 0 && strncmp(path, "%h/", 3) != 0)
		return "the path must begin with '/', \"~/\" or \"%h/\"";
	if (strlen(path) > PATH_BYTES_MAX)
		return "the path is too long";
	if (strchr(path, ':') != NULL)
		return "the path may not hold ':' (Dovecot's \":KEY=VALUE\" is not known here)";
	while ((path = strchr(path, '%')) != NULL) {
		if (path[1] == '\0' || strchr("undh%", path[1]) == NULL)
			return "after '%' only u, n, d, h or % may stand";
		path += 2;
	}
	return NULL;
}

static const char *
check_accepted_domains(const char *value)
{
	const char *colon = strchr(value, ':');

	if (strcmp(value, "none") == 0)
		return NULL;
	if (strncmp(value, "cf:", 3) != 0 && strncmp(value, "names:", 6) != 0)
		return "must be \"none\", \"cf:/PATH\" or \"names:/PATH\"";
	return check_path(colon + 1);
}

static const char *
check_postmaster(const char *value)
{
	if (*value == '\0')
		return "is empty";
	if (strpbrk(value, " \t,\"") != NULL)
		return "must be one name or address";
	if (*value == '|' || *value == '/' || *value == ':')
		return "must be a name or an address, not a program, a file or a list";
	return NULL;
}

static const char *
check_quota(const char *value)
{
	struct quota quota;
	struct err err;

	if (quota_parse(&quota, value, &err) == 0)
		return NULL;
	return "must be \"none\" or limits such as \"storage=1G messages=10000\"";
}

static const char *
check_path_or_empty(const char *value)
{
	return *value == '\0' ? NULL : check_path(value);
}

static const char *
check_abuse(const char *value)
{
	return *value == '\0' ? NULL : check_postmaster(value);
}

static const char *
check_log(const char *value)
{
	if (strcmp(value, "syslog") == 0 || strcmp(value, "stderr") == 0)
		return NULL;
	return is_path(value) ? NULL : "must be \"syslog\", \"stderr\" or an absolute path";
}

/* ---- the table --------------------------------------------------------------------------------
 */

static const char *const unmatched_words[] = {
	[UNMATCHED_NOUSER] = "nouser", [UNMATCHED_LOCAL] = "local", NULL
};
static const char *const forward_words[] = {
	[FORWARD_HANDOVER] = "handover", [FORWARD_IGNORE] = "ignore", NULL
};
static const char *const folders_words[] = {
	[FOLDERS_NO] = "no", [FOLDERS_EXISTING] = "existing", [FOLDERS_CREATE] = "create", NULL
};
static const char *const over_quota_words[] = {
	[OVER_QUOTA_DEFER] = "defer", [OVER_QUOTA_REJECT] = "reject", NULL
};

#define TEXT(name, standard, check)                                                                \
	{                                                                                          \
#name, KIND_TEXT, offsetof(struct settings, name), standard, check, 0, 0, NULL     \
	}
#define YES_NO(name, standard)                                                                     \
	{                                                                                          \
#name, KIND_YES_NO, offsetof(struct settings, name), standard, NULL, 0, 0, NULL    \
	}
#define NUMBER(name, standard, min, max)                                                           \
	{                                                                                          \
#name, KIND_NUMBER, offsetof(struct settings, name), standard, NULL, min, max,     \
		    NULL                                                                           \
	}
#define CHOICE(name, standard, words)                                                              \
	{                                                                                          \
#name, KIND_CHOICE, offsetof(struct settings, name), standard, NULL, 0, 0, words   \
	}

static const struct setting table[] = {
	TEXT(map, "/etc/virtmda/virtmaps", check_path),
	TEXT(domains, "/etc/virtmda/domains", check_path),
	TEXT(map_group, "", check_name_or_empty),
	TEXT(accounts, "passwd", check_accounts),
	TEXT(accounts_canary, "", check_name_or_empty),
	TEXT(aliases, "/etc/mail/aliases", check_aliases),
	TEXT(mailbox, "mbox:/var/mail/%u", check_mailbox),
	TEXT(local_domains, "", check_local_domains),
	TEXT(accepted_domains, "cf:/etc/mail/sendmail.cf", check_accepted_domains),
	TEXT(postmaster, "postmaster", check_postmaster),
	TEXT(abuse, "", check_abuse),
	CHOICE(unmatched, "nouser", unmatched_words),
	CHOICE(forward_files, "handover", forward_words),
	CHOICE(detail_folders, "no", folders_words),
	TEXT(quota, "none", check_quota),
	CHOICE(over_quota, "defer", over_quota_words),
	NUMBER(quota_warning, "90", 0, 100),
	TEXT(quota_warning_template, "", check_path_or_empty),
	YES_NO(delivered_to, "yes"),
	/* (uid_t)-1 means "no change" to setresuid(2), so it is nobody's uid. */
	NUMBER(min_uid, "1", 1, UINT_MAX - 1),
	/* sendmail holds the queue file meanwhile; an hour is more than any of its timeouts. */
	NUMBER(lock_timeout, "60", 1, 3600),
	TEXT(spool_directory, "/var/tmp", check_path),
	NUMBER(workers, "8", 1, 64),
	NUMBER(lmtp_recipients, "1000", 1, 100000),
	NUMBER(lmtp_message_size, "0", 0, UINT_MAX),
	NUMBER(lmtp_timeout, "600", 1, 86400),
	NUMBER(lmtp_reply_timeout, "300", 1, 3600),
	TEXT(sendmail, "/usr/sbin/sendmail", check_path),
	TEXT(log, "syslog", check_log),
};

#define NSETTINGS (sizeof(table) / sizeof(table[0]))

/* A choice is stored through an unsigned. */
_Static_assert(sizeof(enum settings_unmatched) == sizeof(unsigned), "enum is not an int");
_Static_assert(sizeof(enum settings_forward) == sizeof(unsigned), "enum is not an int");
_Static_assert(sizeof(enum settings_folders) == sizeof(unsigned), "enum is not an int");
_Static_assert(sizeof(enum settings_over_quota) == sizeof(unsigned), "enum is not an int");

static const struct setting *
find(const char *name, size_t len)
{
	for (size_t i = 0; i < NSETTINGS; i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

const char *
settings_name(size_t index, const char **standard)
{
	if (index >= NSETTINGS)
		return NULL;
	*standard = table[index].standard;
	return table[index].name;
}

/* ---- one value --------------------------------------------------------------------------------
 */

static void *
member(struct settings *settings, const struct setting *setting)
{
	return (char *)settings + setting->offset;
}

static int
set_text(void *at, const struct setting *setting, const char *value, struct err *err)
{
	const char *why = setting->check(value);
	char **text = at;
	char *copy;

	if (why != NULL)
		return err_set(err, 0, "\"%s\": %s", value, why);
	if ((copy = strdup(value)) == NULL)
		return err_set(err, errno, "\"%s\"", value);
	free(*text);
	*text = copy;
	return 0;
}

static int
set_yes_no(void *at, const char *value, struct err *err)
{
	int yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return err_set(err, 0, "\"%s\": must be \"yes\" or \"no\"", value);
	*(bool *)at = yes;
	return 0;
}

static int
set_number(void *at, const struct setting *setting, const char *value, struct err *err)
{
	const char *why;
	long long number = strtonum(value, setting->min, setting->max, &why);

	/* strtonum takes blanks and a sign in front, which nobody means. */
	if (why == NULL && strspn(value, "0123456789") != strlen(value))
		why = "invalid";
	if (why != NULL)
		return err_set(err, 0, "\"%s\": must be a whole number from %lld to %lld (%s)",
		    value, setting->min, setting->max, why);
	*(unsigned *)at = (unsigned)number;
	return 0;
}

static int
set_choice(void *at, const struct setting *setting, const char *value, struct err *err)
{
	for (unsigned i = 0; setting->choices[i] != NULL; i++)
		if (strcmp(setting->choices[i], value) == 0) {
			memcpy(at, &i, sizeof(i));
			return 0;
		}
	err_set(err, 0, "\"%s\": must be", value);
	for (unsigned i = 0; setting->choices[i] != NULL; i++) {
		char before[ERR_TEXT_MAX];

		strlcpy(before, err->text, sizeof(before));
		err_set(err, 0, "%s%s \"%s\"", before, i == 0 ? "" : " or", setting->choices[i]);
	}
	return -1;
}

/* Store `value`, checked. 0, or -1 with err `"VALUE": why`. */
static int
set(struct settings *settings, const struct setting *setting, const char *value, struct err *err)
{
	void *at = member(settings, setting);

	/* "map = /x  # ours" would otherwise be a file of that name. */
	if (strstr(value, " #") != NULL || strstr(value, "\t#") != NULL || *value == '#')
		return err_set(err, 0, "\"%s\": a comment needs a line of its own", value);
	switch (setting->kind) {
	case KIND_TEXT:
		return set_text(at, setting, value, err);
	case KIND_YES_NO:
		return set_yes_no(at, value, err);
	case KIND_NUMBER:
		return set_number(at, setting, value, err);
	case KIND_CHOICE:
		return set_choice(at, setting, value, err);
	}
	return err_set(err, EINVAL, "%s", setting->name);
}

static int
set_defaults(struct settings *settings, struct err *err)
{
	for (size_t i = 0; i < NSETTINGS; i++)
		if (set(settings, &table[i], table[i].standard, err) == -1)
			return err_prefix(err, "%s", table[i].name);
	return 0;
}

/* ---- one line ---------------------------------------------------------------------------------
 */

static size_t
trimmed(const char **text, size_t len)
{
	while (len > 0 && (**text == ' ' || **text == '\t')) {
		(*text)++;
		len--;
	}
	while (len > 0 && ((*text)[len - 1] == ' ' || (*text)[len - 1] == '\t'))
		len--;
	return len;
}

/* What may never stand in a line, comment or not. */
static const char *
bad_byte(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c == '\0')
			return "NUL byte: this is not a text file";
		if (c == '\r')
			return "carriage return: lines must end in LF alone";
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "control character";
	}
	return NULL;
}

/* "name = value", blanks around both off. 0 with *setting, or -1 with err "why". */
static int
set_line(struct settings *settings, const char *line, size_t len, const struct setting **setting,
    struct err *err)
{
	const char *equals = memchr(line, '=', len);
	const char *name = line, *value;
	size_t name_len, value_len;
	char copy[LINE_BYTES_MAX + 1];

	*setting = NULL;
	if (len > LINE_BYTES_MAX)
		return err_set(err, 0, "line longer than %d bytes", LINE_BYTES_MAX);
	if (equals == NULL)
		return err_set(err, 0, "\"%.*s\": no '=' (NAME = VALUE)", (int)len, line);
	name_len = trimmed(&name, (size_t)(equals - line));
	value = equals + 1;
	value_len = trimmed(&value, len - (size_t)(value - line));
	if (name_len == 0)
		return err_set(err, 0, "no name before '='");
	if ((*setting = find(name, name_len)) == NULL)
		return err_set(err, 0, "unknown setting \"%.*s\"", (int)name_len, name);
	memcpy(copy, value, value_len);
	copy[value_len] = '\0';
	return set(settings, *setting, copy, err) == -1 ? err_prefix(err, "%s", (*setting)->name)
	                                                : 0;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* `seen`: for every setting the line that set it, 0 for none. */
static int
file_line(struct settings *settings, const char *line, size_t len, size_t number, size_t *seen,
    struct err *err)
{
	const struct setting *setting;
	const char *why = bad_byte(line, len);
	size_t *first;

	if (why != NULL)
		return err_set(err, 0, "%s", why);
	len = trimmed(&line, len);
	if (len == 0 || *line == '#')
		return 0;
	if (set_line(settings, line, len, &setting, err) == -1)
		return -1;
	first = &seen[setting - table];
	if (*first != 0)
		return err_set(err, 0, "%s: already set in line %zu", setting->name, *first);
	*first = number;
	return 0;
}

static int
file_text(struct settings *settings, const char *path, const struct buf *text, struct err *err)
{
	const char *line = (const char *)text->data;
	size_t left = text->len, seen[NSETTINGS] = { 0 };

	for (size_t number = 1; left > 0; number++) {
		const char *end = memchr(line, '\n', left);
		size_t len = end != NULL ? (size_t)(end - line) : left;

		if (file_line(settings, line, len, number, seen, err) == -1)
			return err_prefix(err, "%s:%zu", path, number);
		len += end != NULL;
		line += len;
		left -= len;
	}
	return 0;
}

static int
file_load(struct settings *settings, const char *path, int may_be_missing, struct err *err)
{
	struct buf text = BUF_INIT;
	int fd = io_open_trusted(path, NULL, err);
	int rc;

	if (fd == -1)
		return may_be_missing && err->num == ENOENT ? 0 : -1;
	if ((rc = io_read_all(fd, FILE_BYTES_MAX, &text)) == -1)
		err_set(err, errno, "read %s", path);
	close(fd);
	if (rc == 0)
		rc = file_text(settings, path, &text, err);
	buf_free(&text);
	return rc;
}

/* ---- contracts --------------------------------------------------------------------------------
 */

static int
override(struct settings *settings, const char *text, struct err *err)
{
	const struct setting *setting;
	const char *why = bad_byte(text, strlen(text));

	if (why != NULL)
		err_set(err, 0, "\"%s\": %s", text, why);
	else if (set_line(settings, text, strlen(text), &setting, err) == 0)
		return 0;
	return err_prefix(err, "-o");
}

int
settings_load(struct settings *out, const char *path, const char *const *overrides,
    size_t noverrides, struct err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = set_defaults(out, err);
	if (rc == 0)
		rc = file_load(out, path != NULL ? path : SETTINGS_FILE, path == NULL, err);
	for (size_t i = 0; rc == 0 && i < noverrides; i++)
		rc = override(out, overrides[i], err);
	if (rc == -1)
		settings_free(out);
	return rc;
}

void
settings_free(struct settings *settings)
{
	for (size_t i = 0; i < NSETTINGS; i++)
		if (table[i].kind == KIND_TEXT)
			free(*(char **)member(settings, &table[i]));
	memset(settings, 0, sizeof(*settings));
}

bool
settings_is_override(const char *s)
{
	return strchr(s, '=') != NULL;
}
