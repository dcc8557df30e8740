/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Maildir++ folders by the names that people give them: "Lists/Gnu" is the directory
 * ".Lists.Gnu" in the Maildir. Names beyond ASCII stand there in IMAP's modified UTF-7 (RFC 3501
 * 5.1.3). Whatever is asked for, it is one name in the Maildir and leads nowhere else.
 */
#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mailpeek.h"

static void
add(struct buf *out, const void *data, size_t len)
{
	if (buf_add(out, data, len) == -1)
		speech_no_memory();
}

/* UTF-16 in base64 with ',' for '/', between '&' and '-'. */
static void
add_shifted(struct buf *out, const char *text, size_t len)
{
	glong units = 0;
	gunichar2 *wide = g_utf8_to_utf16(text, (glong)len, NULL, &units, NULL);
	guchar *bytes = g_malloc(2 * (gsize)units + 1);
	char *base64;

	for (glong i = 0; i < units; i++) {
		bytes[2 * i] = (guchar)(wide[i] >> 8);
		bytes[2 * i + 1] = (guchar)(wide[i] & 0xff);
	}
	base64 = g_base64_encode(bytes, 2 * (gsize)units);
	base64[strcspn(base64, "=")] = '\0';
	for (char *p = base64; *p != '\0'; p++)
		if (*p == '/')
			*p = ',';
	add(out, "&", 1);
	add(out, base64, strlen(base64));
	add(out, "-", 1);
	g_free(base64);
	g_free(bytes);
	g_free(wide);
}

static bool
is_printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

static void
add_name(struct buf *out, const char *p)
{
	while (*p != '\0') {
		const char *start = p;

		if (*p == '&') {
			add(out, "&-", 2);
			p++;
		} else if (*p == '/') {
			add(out, ".", 1);
			p++;
		} else if (is_printable(*p)) {
			add(out, p++, 1);
		} else {
			while (*p != '\0' && !is_printable(*p))
				p++;
			add_shifted(out, start, (size_t)(p - start));
		}
	}
}

/* Every part between the separators has a name: no "..", and no "." in front of the first. */
static bool
is_folder(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX || !g_utf8_validate(name, (gssize)len, NULL))
		return false;
	for (const char *p = name; *p != '\0'; p++) {
		bool separator = *p == '.' || *p == '/';

		if (separator && (p == name || p[1] == '\0' || p[1] == '.' || p[1] == '/'))
			return false;
	}
	return true;
}

int
peek_folder(struct mailbox *mailbox, const char *name, struct err *err)
{
	struct buf path = BUF_INIT;

	if (strcasecmp(name, "INBOX") == 0)
		return 0;
	if (mailbox->format != MAILBOX_MAILDIR)
		return err_set(err, EINVAL, "%s is an mbox, and has no folders", mailbox->path);
	if (!is_folder(name))
		return err_set(err, EINVAL, "\"%s\" is no folder's name", name);
	add(&path, mailbox->path, strlen(mailbox->path));
	add(&path, "/.", 2);
	add_name(&path, name);
	free(mailbox->path);
	if ((mailbox->path = buf_steal(&path)) == NULL)
		speech_no_memory();
	return 0;
}
