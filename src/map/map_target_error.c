/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Targets that refuse mail: `error:WORD text`, `error:D.S.N:text`, with the words, numbers, reply
 * codes and quotes of sendmail's error mailer, so that a virtusertable means the same here.
 */
#include <stdlib.h>
#include <string.h>

#include "map_target.h"
#include "text.h"

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* sysexits(3) by name and number, as sendmail's error mailer knows them, with the status that it
 * puts into a bounce. 71 and 74 are in sendmail's own list of what is worth another try. */
static const struct refusal {
	const char *word;
	const char *number;
	const char *status;
	const char *text;
} refusals[] = {
	{ "usage", "64", "5.5.4", "Command line usage error" },
	{ "dataerr", "65", "5.5.2", "Data format error" },
	{ "noinput", "66", "5.3.0", "Cannot open input" },
	{ "nouser", "67", "5.1.1", "User unknown" },
	{ "nohost", "68", "5.1.2", "Host unknown" },
	{ "unavailable", "69", "5.0.0", "Service unavailable" },
	{ "software", "70", "5.3.0", "Internal error" },
	{ "oserr", "71", "4.3.0", "Operating system error" },
	{ "osfile", "72", "5.3.5", "System file missing" },
	{ "cantcreat", "73", "5.3.0", "Can't create output" },
	{ "ioerr", "74", "4.3.0", "I/O error" },
	{ "tempfail", "75", "4.2.0", "Deferred" },
	{ "protocol", "76", "5.5.0", "Remote protocol error" },
	{ "noperm", "77", "5.3.0", "Insufficient permission" },
	{ "config", "78", "5.3.5", "Local configuration error" },
};

#define NREFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static const struct refusal *
find_refusal(const char *word, size_t len)
{
	for (size_t i = 0; i < NREFUSALS; i++)
		if (text_is_word(refusals[i].word, word, len) ||
		    text_is_word(refusals[i].number, word, len))
			return &refusals[i];
	return NULL;
}

/* Length of a status of RFC 3463 ("5.7.1") at `p`, of class 4 or 5; 0 if there is none. */
static size_t
status_length(const char *p)
{
	const char *at = p + 1;

	if (*p != '4' && *p != '5')
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;

		if (*at++ != '.')
			return 0;
		for (; is_digit(at[digits]); digits++)
			;
		if (digits < 1 || digits > 3)
			return 0;
		at += digits;
	}
	return (size_t)(at - p);
}

static int
ends_word(char c)
{
	return c == '\0' || target_is_blank(c);
}

/* Is there a reply code (4yz, 5yz) at `p`? */
static int
is_reply(const char *p)
{
	return (p[0] == '4' || p[0] == '5') && is_digit(p[1]) && is_digit(p[2]) && !is_digit(p[3]);
}

static void
set_status(struct target *out, const char *status, size_t len)
{
	memcpy(out->status, status, len);
	out->status[len] = '\0';
}

/* `error:WORD` up to the text. Returns where the text begins, or NULL with err. */
static const char *
read_word(struct target *out, const char *p, const struct refusal **refusal, struct err *err)
{
	size_t len = strcspn(p, ": \t"), status = status_length(p);

	*refusal = NULL;
	if (len == 0) {
		err_set(
		    err, 0, "error: needs a word or a status, as in error:nouser or error:5.7.1:");
		return NULL;
	}
	if (status == len)
		set_status(out, p, len);
	else if (len == 3 && is_reply(p))
		return p; /* a reply code is part of the text, which is read next */
	else if ((*refusal = find_refusal(p, len)) == NULL) {
		err_set(
		    err, 0, "error: does not know the word \"%.*s\"", len > 60 ? 60 : (int)len, p);
		return NULL;
	}
	p = target_skip_blanks(p + len);
	return target_skip_blanks(*p == ':' ? p + 1 : p);
}

/* "550 5.7.1 text": take the reply code and the status off. *temporary when either says so. */
static const char *
read_reply(struct target *out, const char *p, bool *temporary)
{
	size_t len;

	if (!is_reply(p) || !ends_word(p[3]))
		return p;
	*temporary |= *p == '4';
	memcpy(out->reply, p, 3);
	p = target_skip_blanks(p + 3);
	len = status_length(p);
	if (len == 0 || !ends_word(p[len]))
		return p;
	*temporary |= *p == '4';
	if (out->status[0] == '\0')
		set_status(out, p, len);
	return target_skip_blanks(p + len);
}

/* sendmail's stripquotes: quotes go, a backslash goes and keeps what follows it. */
static void
strip_quotes(char *text)
{
	char *to = text;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			continue;
		if (*p == '\\' && p[1] != '\0')
			p++;
		*to++ = *p;
	}
	*to = '\0';
}

static char *
default_text(const struct target *out, const struct refusal *refusal)
{
	if (refusal == NULL && strcmp(out->status, "5.1.1") == 0)
		return strdup("User unknown");
	if (refusal == NULL)
		return strdup(out->temporary ? "Try again later" : "Refused");
	return strdup(refusal->text);
}

/* Status, reply code and word can contradict each other. As in sendmail the message is deferred as
 * soon as one of them says so: better late than bounced by accident. */
int
target_parse_error(
    struct target *out, const char *rest, const struct target_args *args, struct err *err)
{
	const struct refusal *refusal;
	char *plain = strdup(target_skip_blanks(rest));
	const char *p;

	out->kind = TARGET_ERROR;
	if (plain == NULL)
		return target_no_memory(err);
	strip_quotes(plain);
	if ((p = read_word(out, plain, &refusal, err)) == NULL) {
		free(plain);
		return -1;
	}
	out->temporary = out->status[0] == '4' || (refusal != NULL && *refusal->status == '4');
	p = read_reply(out, p, &out->temporary);
	if (out->status[0] == '\0' && refusal != NULL)
		set_status(out, refusal->status, strlen(refusal->status));
	else if (out->status[0] == '\0')
		set_status(out, "5.0.0", 5);
	if (out->temporary)
		out->status[0] = '4';
	if (out->reply[0] != out->status[0])
		out->reply[0] = '\0';
	out->nouser =
	    !out->temporary && ((refusal != NULL && strcmp(refusal->word, "nouser") == 0) ||
	                           strcmp(out->status, "5.1.1") == 0);
	out->text = target_expand(p, strlen(p), args);
	if (out->text != NULL && *target_skip_blanks(out->text) == '\0') {
		free(out->text);
		out->text = default_text(out, refusal);
	}
	free(plain);
	return out->text != NULL ? 0 : target_no_memory(err);
}
