/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of settings, and in front of it what each text may hold. What is not plainly right is
 * refused: relative paths (sendmail starts us in its queue directory), a list where one name is
 * meant.
 */
#include "settings_table.h"

#include <limits.h>
#include <string.h>

#include "quota.h"

#define PATH_BYTES_MAX (PATH_MAX - 64) /* leaves room for ".gdbm", ".new.PID" and the NUL */

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
	char word[SETTINGS_LINE_BYTES + 1];

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

_Static_assert(NSETTINGS <= SETTINGS_MAX, "SETTINGS_MAX is too small");

const struct setting *
settings_table_row(size_t index)
{
	return index < NSETTINGS ? &table[index] : NULL;
}

const struct setting *
settings_table_find(const char *name, size_t len)
{
	for (size_t i = 0; i < NSETTINGS; i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	return NULL;
}

size_t
settings_table_number(const struct setting *setting)
{
	return (size_t)(setting - table);
}
