/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * name:password:uid:gid:gecos:home:shell:extra, as Dovecot's passwd-file userdb reads it. Of the
 * extra fields we obey those that say whose the mailbox is and where (Dovecot lets userdb_uid,
 * userdb_gid and userdb_home override the fields in front; ignoring them would deliver elsewhere
 * than Dovecot reads). Ids are numbers here: a name for them would be one more lookup that can
 * fail. A line is right or refused; nothing is filled in.
 */
#include "passwd_line.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "quota.h"

enum field { NAME, PASSWORD, UID, GID, GECOS, HOME, SHELL, EXTRA, FIELDS };

static const char *
bad_byte(const struct line *line)
{
	for (size_t i = 0; i < line->len; i++) {
		unsigned char c = (unsigned char)line->text[i];

		if (c == '\0')
			return "NUL byte";
		if (c == '\r')
			return "carriage return (lines end in LF alone)";
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "control character";
	}
	return NULL;
}

/* The last field keeps its colons: userdb_mail=maildir:~/Maildir. */
static void
split(char *text, char *fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++)
		fields[i] = i == EXTRA ? text : strsep(&text, ":");
}

/* An id of 32 bits, digits alone. (uid_t)-1 means "no change" to the kernel. */
static int
parse_id(const char *what, const char *text, uint32_t *out, struct err *err)
{
	uint64_t id = 0;

	if (text == NULL || *text == '\0')
		return err_set(err, 0, "no %s", what);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return err_set(err, 0, "%s \"%s\" is not a number", what, text);
		id = id * 10 + (uint64_t)(*p - '0');
		if (id >= UINT32_MAX)
			return err_set(err, 0, "%s %s is too large", what, text);
	}
	*out = (uint32_t)id;
	return 0;
}

static int
set_home(struct passwd_line *out, const char *value, struct err *err)
{
	if (*value != '\0' && *value != '/')
		return err_set(err, 0, "home \"%s\" is not an absolute path", value);
	out->home = value;
	return 0;
}

static int
set_uid(struct passwd_line *out, const char *value, struct err *err)
{
	return parse_id("uid", value, &out->uid, err);
}

static int
set_gid(struct passwd_line *out, const char *value, struct err *err)
{
	return parse_id("gid", value, &out->gid, err);
}

static int
set_mailbox(struct passwd_line *out, const char *value, struct err *err)
{
	if (*value == '\0')
		return err_set(err, 0, "userdb_mail is empty");
	out->mailbox = value;
	return 0;
}

static int
set_quota_rule(struct passwd_line *out, const char *value, struct err *err)
{
	struct quota quota;

	if (quota_parse_rule(&quota, value, err) == -1)
		return err_prefix(err, "userdb_quota_rule");
	out->quota_rule = value;
	return 0;
}

static int
set_quota_size(struct passwd_line *out, const char *value, struct err *err)
{
	uint64_t size;

	if (quota_parse_size(&size, value, err) == -1)
		return err_prefix(err, "userdb_quota_storage_size");
	out->quota_size = value;
	return 0;
}

static int
set_quota_count(struct passwd_line *out, const char *value, struct err *err)
{
	uint64_t count;

	if (quota_parse_size(&count, value, err) == -1)
		return err_prefix(err, "userdb_quota_message_count");
	out->quota_count = value;
	return 0;
}

static const struct extra {
	const char *name;
	int (*set)(struct passwd_line *out, const char *value, struct err *err);
} extras[] = {
	{ "userdb_mail", set_mailbox },
	{ "userdb_quota_rule", set_quota_rule },
	{ "userdb_quota_storage_size", set_quota_size },
	{ "userdb_quota_message_count", set_quota_count },
	{ "userdb_home", set_home },
	{ "userdb_uid", set_uid },
	{ "userdb_gid", set_gid },
};

static int
parse_extra(struct passwd_line *out, char *word, struct err *err)
{
	char *equals = strchr(word, '=');

	if (equals == NULL)
		return 0; /* a flag such as "nopassword" */
	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
		if (strlen(extras[i].name) == (size_t)(equals - word) &&
		    strncmp(extras[i].name, word, (size_t)(equals - word)) == 0)
			return extras[i].set(out, equals + 1, err);
	return 0; /* other fields are for others */
}

static int
parse_fields(char *fields[FIELDS], struct passwd_line *out, struct err *err)
{
	char *rest = fields[EXTRA], *word;

	out->name = fields[NAME];
	if (*out->name == '\0')
		return err_set(err, 0, "no name");
	if (set_uid(out, fields[UID], err) == -1 || set_gid(out, fields[GID], err) == -1)
		return -1;
	if (set_home(out, fields[HOME] != NULL ? fields[HOME] : "", err) == -1)
		return -1;
	while ((word = strsep(&rest, " \t")) != NULL)
		if (parse_extra(out, word, err) == -1)
			return -1;
	return 1;
}

int
passwd_line_parse(struct line *line, struct passwd_line *out, struct err *err)
{
	char *fields[FIELDS];
	const char *why;

	memset(out, 0, sizeof(*out));
	if (line->len == 0 || *line->text == '#')
		return 0;
	if ((why = bad_byte(line)) != NULL)
		return err_set(err, 0, "%s", why);
	/* "maildir:~/Mail" could be the first half of "maildir:~/Maildir". */
	if (!line->ended)
		return err_set(err, 0, "the last line does not end: is the file being written?");
	split(line->text, fields);
	return parse_fields(fields, out, err);
}

char *
passwd_line_fold(const char *name, struct err *err)
{
	const char *at = strrchr(name, '@');
	size_t len = at == NULL ? strlen(name) : (size_t)(at - name);
	char *local, *domain = NULL, *folded = NULL;

	if (len == 0 || (at != NULL && at[1] == '\0')) {
		err_set(err, 0, "\"%s\": empty local part or domain", name);
		return NULL;
	}
	if ((local = address_fold_local(name, len, err)) == NULL || at == NULL)
		return local;
	if ((domain = address_fold_domain(at + 1, strlen(at + 1), err)) != NULL) {
		size_t size = strlen(local) + 1 + strlen(domain) + 1;

		if ((folded = malloc(size)) == NULL) {
			err_set(err, ENOMEM, "account %s", name);
		} else {
			strlcpy(folded, local, size);
			strlcat(folded, "@", size);
			strlcat(folded, domain, size);
		}
	}
	free(domain);
	free(local);
	return folded;
}

/* strdup where NULL stays NULL; *failed remembers that memory ran out. */
static char *
copy(const char *string, int *failed)
{
	char *dup = string == NULL ? NULL : strdup(string);

	*failed |= string != NULL && dup == NULL;
	return dup;
}

/* Dovecot 2.4's two fields in the words of a rule, so that there is one form from here on. */
static char *
rule_of(const struct passwd_line *line, int *failed)
{
	uint64_t size = 0, count = 0;
	struct err err;
	char *rule;

	if (line->quota_size == NULL && line->quota_count == NULL)
		return copy(line->quota_rule, failed);
	if (line->quota_size != NULL && quota_parse_size(&size, line->quota_size, &err) == -1)
		*failed = 1;
	if (line->quota_count != NULL && quota_parse_size(&count, line->quota_count, &err) == -1)
		*failed = 1;
	if (asprintf(&rule, "*:bytes=%llu:messages=%llu", (unsigned long long)size,
	        (unsigned long long)count) != -1)
		return rule;
	*failed = 1;
	return NULL;
}

int
passwd_line_account(const struct passwd_line *line, struct account *out, struct err *err)
{
	int failed = 0;

	memset(out, 0, sizeof(*out));
	out->uid = line->uid;
	out->gid = line->gid;
	out->name = copy(line->name, &failed);
	out->home = copy(line->home, &failed);
	out->mailbox = copy(line->mailbox, &failed);
	out->quota_rule = rule_of(line, &failed);
	if (!failed)
		return 0;
	account_free(out);
	return err_set(err, ENOMEM, "account %s", line->name);
}
