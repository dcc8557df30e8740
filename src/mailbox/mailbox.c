/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where an account's mailbox is. Account names are data: what would make one a path of its own
 * choosing is refused, and a setting that is not understood whole is an error, not a guess. Nothing
 * here leads to code that writes: whoever only reads mailboxes locates them here too.
 */
#include "mailbox.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "lock.h"

static const struct {
	const char *prefix;
	enum mailbox_format format;
} formats[] = {
	{ "mbox:", MAILBOX_MBOX },
	{ "maildir:", MAILBOX_MAILDIR },
};

/* A part of the account's name becomes a name in the file system, and no more than one. */
static int
add_name(struct buf *out, const char *part, size_t len, const char *what, struct err *err)
{
	if (len == 0)
		return err_set(err, 0, "%s is empty", what);
	if (memchr(part, '/', len) != NULL || (len == 1 && part[0] == '.') ||
	    (len == 2 && part[0] == '.' && part[1] == '.'))
		return err_set(err, 0, "%s may not be a path", what);
	return buf_add(out, part, len) == -1 ? err_set(err, errno, "mailbox") : 0;
}

static int
add_home(struct buf *out, const char *home, struct err *err)
{
	if (home == NULL || home[0] != '/')
		return err_set(err, 0, "the account has no home directory");
	return buf_adds(out, home) == -1 ? err_set(err, errno, "mailbox") : 0;
}

static int
expand_percent(struct buf *out, char c, const char *name, const char *home, struct err *err)
{
	size_t user = strcspn(name, "@"), len = strlen(name);
	const char *domain = name[user] == '@' ? name + user + 1 : "";

	switch (c) {
	case 'u':
		return add_name(out, name, len, "the account's name (%u)", err);
	case 'n':
		return add_name(out, name, user, "the account's name before @ (%n)", err);
	case 'd':
		return add_name(out, domain, strlen(domain), "the account's domain (%d)", err);
	case 'h':
		return add_home(out, home, err);
	case '%':
		return buf_addc(out, '%') == -1 ? err_set(err, errno, "mailbox") : 0;
	default:
		return err_set(err, 0, "no such variable: %%%.1s", &c);
	}
}

static int
expand(struct buf *out, const char *spec, const char *name, const char *home, struct err *err)
{
	const char *p = spec;

	if (*p == '~') {
		p++;
		if (*p != '/' && *p != '\0')
			return err_set(err, 0, "~ stands for the account's own home only");
		if (add_home(out, home, err) == -1)
			return -1;
	}
	while (*p != '\0') {
		size_t plain = strcspn(p, "%");

		if (buf_add(out, p, plain) == -1)
			return err_set(err, errno, "mailbox");
		p += plain;
		if (*p == '\0')
			break;
		if (expand_percent(out, p[1], name, home, err) == -1)
			return -1;
		p += 2;
	}
	return 0;
}

static bool
ends_with(const char *string, const char *end)
{
	size_t len = strlen(string), n = strlen(end);

	return len >= n && strcmp(string + len - n, end) == 0;
}

/* What the expanded path may not be. */
static int
check_path(const struct mailbox *mailbox, struct err *err)
{
	const char *path = mailbox->path;

	if (path[0] != '/')
		return err_set(err, 0, "not an absolute path");
	if (strlen(path) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "mailbox");
	if (strcmp(path, "/") == 0)
		return err_set(err, 0, "names no mailbox");
	if (mailbox->format == MAILBOX_MBOX && ends_with(path, "/"))
		return err_set(err, 0, "an mbox is a file: no / at its end");
	if (mailbox->format == MAILBOX_MBOX && ends_with(path, LOCK_SUFFIX))
		return err_set(err, 0, "a name in " LOCK_SUFFIX " is a dotlock's");
	return 0;
}

static int
locate(struct mailbox *out, const char *spec, const char *name, const char *home, struct err *err)
{
	struct buf path = BUF_INIT;
	const char *location = NULL, *option;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && location == NULL; i++) {
		size_t len = strlen(formats[i].prefix);

		if (strncmp(spec, formats[i].prefix, len) == 0) {
			out->format = formats[i].format;
			location = spec + len;
		}
	}
	if (location == NULL)
		return err_set(err, 0, "neither mbox:PATH nor maildir:PATH");
	option = strchr(location, ':'); /* Dovecot's mail_location goes on there */
	if (option != NULL)
		return err_set(err, 0, "\"%s\" is not understood: name the inbox alone", option);
	if (expand(&path, location, name, home, err) == -1) {
		buf_free(&path);
		return -1;
	}
	while (out->format == MAILBOX_MAILDIR && path.len > 1 && path.data[path.len - 1] == '/')
		path.len--;
	out->path = buf_steal(&path);
	if (out->path == NULL) {
		buf_free(&path);
		return err_set(err, ENOMEM, "mailbox");
	}
	return check_path(out, err);
}

int
mailbox_locate(
    struct mailbox *out, const char *spec, const char *name, const char *home, struct err *err)
{
	*out = (struct mailbox){ 0 };
	if (name[0] == '\0' || strchr(name, '/') != NULL)
		err_set(err, 0, "the account's name may not be a path");
	else if (locate(out, spec, name, home, err) == 0)
		return 0;
	mailbox_free(out);
	return err_prefix(err, "mailbox %s of %s", spec, name);
}

void
mailbox_free(struct mailbox *mailbox)
{
	free(mailbox->path);
	free(mailbox->folder);
	mailbox->path = mailbox->folder = NULL;
}
