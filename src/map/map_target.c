/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Right sides of the map. What a line means is settled on its text as it was written, before
 * anything of a recipient is put in: a recipient's bytes become part of one local part or
 * one domain and nothing else, never a comma, a quote, another kind of target. `|program`, `/file`
 * and `:include:` are refused: they belong in an alias, which sendmail guards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "map.h"

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *
skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static int
no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "parse a target");
}

/* ---- substitution -----------------------------------------------------------------------------
 */

/* %0 to %9 as sendmail's map_rewrite puts them in: what there is none of is empty, %% is a percent
 * sign, a percent sign in front of anything else stands for itself. */
static int
substitute(struct buf *out, const char *text, size_t len, const struct target_args *args)
{
	const char *values[10] = { args->whole, args->user, args->detail, args->plus };

	for (size_t i = 0; i < len; i++) {
		char next = i + 1 < len ? text[i + 1] : '\0';

		if (text[i] == '%' && is_digit(next)) {
			const char *value = values[text[++i] - '0'];

			if (value != NULL && buf_adds(out, value) == -1)
				return -1;
			continue;
		}
		if (buf_addc(out, (unsigned char)text[i]) == -1)
			return -1;
		if (text[i] == '%' && next == '%')
			i++;
	}
	return 0;
}

/* `text` with `args` in it, or as it is without them. malloc'ed, or NULL with errno. */
static char *
expand(const char *text, size_t len, const struct target_args *args)
{
	struct buf out = BUF_INIT;
	int failed = args != NULL ? substitute(&out, text, len, args) : buf_add(&out, text, len);
	char *string = failed == -1 ? NULL : buf_steal(&out);

	buf_free(&out);
	return string;
}

/* Behind a name the recipient's detail only adds to it, unless a domain follows, in which another
 * line may have just this detail. */
static int
adds_detail(const char *text, const char *percent)
{
	const char *name_end = percent;

	if (percent[1] == '2') {
		if (name_end == text || *--name_end != '+')
			return 0;
	} else if (percent[1] != '3') {
		return 0;
	}
	return name_end > text && !is_blank(name_end[-1]) && name_end[-1] != ',' &&
	       strchr(text, '@') == NULL;
}

bool
target_follows_recipient(const char *text)
{
	const char *p = text;

	for (; (p = strchr(p, '%')) != NULL && p[1] != '\0'; p += 2)
		if (p[1] >= '1' && p[1] <= '3' && !adds_detail(text, p))
			return true;
	return false;
}

/* ---- error: -----------------------------------------------------------------------------------
 */

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

static int
is_word(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && strncasecmp(word, text, len) == 0;
}

static const struct refusal *
find_refusal(const char *word, size_t len)
{
	for (size_t i = 0; i < NREFUSALS; i++)
		if (is_word(refusals[i].word, word, len) || is_word(refusals[i].number, word, len))
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
	return c == '\0' || is_blank(c);
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
	p = skip_blanks(p + len);
	return skip_blanks(*p == ':' ? p + 1 : p);
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
	p = skip_blanks(p + 3);
	len = status_length(p);
	if (len == 0 || !ends_word(p[len]))
		return p;
	*temporary |= *p == '4';
	if (out->status[0] == '\0')
		set_status(out, p, len);
	return skip_blanks(p + len);
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
static int
parse_error(struct target *out, const char *rest, const struct target_args *args, struct err *err)
{
	const struct refusal *refusal;
	char *plain = strdup(skip_blanks(rest));
	const char *p;

	out->kind = TARGET_ERROR;
	if (plain == NULL)
		return no_memory(err);
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
	out->text = expand(p, strlen(p), args);
	if (out->text != NULL && *skip_blanks(out->text) == '\0') {
		free(out->text);
		out->text = default_text(out, refusal);
	}
	free(plain);
	return out->text != NULL ? 0 : no_memory(err);
}

/* ---- addresses --------------------------------------------------------------------------------
 */

/* One address as it is being read: the local part without quotes, the domain as written. */
struct reading {
	struct buf local;
	const char *domain;
	size_t domain_len;
};

/* Copy a quoted string. Returns where it ends, or NULL with err. */
static const char *
read_quoted(struct buf *local, const char *p, struct err *err)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (*p == '\0') {
			err_set(err, 0, "a quote is not closed");
			return NULL;
		}
		if (buf_addc(local, (unsigned char)*p) == -1) {
			no_memory(err);
			return NULL;
		}
	}
	return p + 1;
}

/* Returns where the local part ends (at '@', ',', a blank or the end), or NULL with err. */
static const char *
read_local(struct buf *local, const char *p, struct err *err)
{
	while (*p != '\0' && *p != ',' && *p != '@' && !is_blank(*p)) {
		if (*p == '"') {
			if ((p = read_quoted(local, p, err)) == NULL)
				return NULL;
			continue;
		}
		if (strchr("()<>[];", *p) != NULL) {
			err_set(err, 0, "a '%c' in an address must stand in quotes", *p);
			return NULL;
		}
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (buf_addc(local, (unsigned char)*p++) == -1) {
			no_memory(err);
			return NULL;
		}
	}
	return p;
}

/* Read one address up to its comma or the end. Returns where, or NULL with err. */
static const char *
read_address(struct reading *reading, const char *p, struct err *err)
{
	buf_clear(&reading->local);
	reading->domain = NULL;
	if ((p = read_local(&reading->local, skip_blanks(p), err)) == NULL)
		return NULL;
	if (*p == '@') {
		reading->domain = ++p;
		reading->domain_len = strcspn(p, ", \t\"\\()<>;@");
		p += reading->domain_len;
	}
	p = skip_blanks(p);
	if (*p == '\0' || *p == ',')
		return p;
	if (*p == '@')
		err_set(err, 0, "an address has two '@'");
	else
		err_set(
		    err, 0, "\"%.40s\" does not belong to an address (commas go between them)", p);
	return NULL;
}

/* What a bare name must not be, before and after substitution. */
static const char *
why_not_local(const char *local, int bare)
{
	if (*local == '\0')
		return "the local part of an address is empty";
	for (const char *p = local; *p != '\0'; p++)
		if (is_control((unsigned char)*p))
			return "an address holds a control character";
	if (!bare)
		return NULL;
	if (*local == '|')
		return "a |program must be put into an alias";
	if (*local == '/')
		return "a /file must be put into an alias";
	if (*local == ':')
		return "an :include: must be put into an alias";
	return NULL;
}

static char *
expand_domain(const struct reading *reading, const struct target_args *args, struct err *err)
{
	char *domain = expand(reading->domain, reading->domain_len, args), *folded;

	if (domain == NULL) {
		no_memory(err);
		return NULL;
	}
	if (args == NULL && strchr(domain, '%') != NULL)
		return domain;
	if (*domain == '.') {
		err_set(err, 0, "a domain begins with a dot");
		folded = NULL;
	} else {
		folded = address_fold_domain(domain, strlen(domain), err);
	}
	free(domain);
	return folded;
}

static int
expand_address(struct target_address *out, struct reading *reading, const struct target_args *args,
    struct err *err)
{
	const char *why;

	out->local = expand((const char *)reading->local.data, reading->local.len, args);
	if (out->local == NULL)
		return no_memory(err);
	if ((why = why_not_local(out->local, reading->domain == NULL)) != NULL)
		return err_set(err, 0, "%s", why);
	if (reading->domain != NULL && (out->domain = expand_domain(reading, args, err)) == NULL)
		return -1;
	if (strlen(out->local) + (out->domain != NULL ? strlen(out->domain) + 1 : 0) > ADDRESS_MAX)
		return err_set(err, 0, "an address is longer than %d bytes", ADDRESS_MAX);
	return 0;
}

/* The room doubles whenever the number is a power of two. */
static struct target_address *
another_address(struct target *out)
{
	size_t n = out->naddresses;
	struct target_address *more;

	if ((n & (n - 1)) == 0) {
		more = reallocarray(out->addresses, n > 0 ? 2 * n : 1, sizeof(*more));
		if (more == NULL)
			return NULL;
		out->addresses = more;
	}
	more = &out->addresses[out->naddresses++];
	*more = (struct target_address){ NULL, NULL };
	return more;
}

static int
is_special(const char *p)
{
	p = skip_blanks(p);
	return strncasecmp(p, "error:", 6) == 0 || strncasecmp(p, "discard:", 8) == 0;
}

static int
parse_addresses(
    struct target *out, const char *text, const struct target_args *args, struct err *err)
{
	struct reading reading = { .local = BUF_INIT };
	const char *p = text;
	int failed = 0;

	out->kind = TARGET_ADDRESSES;
	for (;;) {
		struct target_address *address;

		if (is_special(p))
			failed = err_set(err, 0, "error: and discard: stand alone");
		else if (*skip_blanks(p) == '|')
			failed = err_set(err, 0, "%s", why_not_local("|", 1));
		else if ((p = read_address(&reading, p, err)) == NULL)
			failed = -1;
		else if ((address = another_address(out)) == NULL)
			failed = no_memory(err);
		else
			failed = expand_address(address, &reading, args, err);
		if (failed == -1 || *p++ == '\0')
			break;
	}
	buf_free(&reading.local);
	return failed;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static int
parse(struct target *out, const char *text, const struct target_args *args, struct err *err)
{
	for (const char *p = text; *p != '\0'; p++)
		if (is_control((unsigned char)*p) && *p != '\t')
			return err_set(err, 0, "the target holds a control character");
	text = skip_blanks(text);
	if (*text == '\0')
		return err_set(err, 0, "the target is empty");
	if (strncasecmp(text, "error:", 6) == 0)
		return parse_error(out, text + 6, args, err);
	if (strncasecmp(text, "discard:", 8) != 0)
		return parse_addresses(out, text, args, err);
	out->kind = TARGET_DISCARD;
	if (*skip_blanks(text + 8) != '\0')
		return err_set(err, 0, "discard: takes nothing behind it");
	return 0;
}

int
target_parse(struct target *out, const char *text, const struct target_args *args, struct err *err)
{
	memset(out, 0, sizeof(*out));
	if (parse(out, text, args, err) == 0)
		return 0;
	target_free(out);
	errno = err->num;
	return -1;
}

void
target_free(struct target *target)
{
	for (size_t i = 0; i < target->naddresses; i++) {
		free(target->addresses[i].local);
		free(target->addresses[i].domain);
	}
	free(target->addresses);
	free(target->text);
	memset(target, 0, sizeof(*target));
}
