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
#include "map_target.h"

bool
target_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

const char *
target_skip_blanks(const char *p)
{
	while (target_is_blank(*p))
		p++;
	return p;
}

static int
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

int
target_no_memory(struct err *err)
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

		if (text[i] == '%' && next >= '0' && next <= '9') {
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

char *
target_expand(const char *text, size_t len, const struct target_args *args)
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
	return name_end > text && !target_is_blank(name_end[-1]) && name_end[-1] != ',' &&
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
			target_no_memory(err);
			return NULL;
		}
	}
	return p + 1;
}

/* Returns where the local part ends (at '@', ',', a blank or the end), or NULL with err. */
static const char *
read_local(struct buf *local, const char *p, struct err *err)
{
	while (*p != '\0' && *p != ',' && *p != '@' && !target_is_blank(*p)) {
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
			target_no_memory(err);
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
	if ((p = read_local(&reading->local, target_skip_blanks(p), err)) == NULL)
		return NULL;
	if (*p == '@') {
		reading->domain = ++p;
		reading->domain_len = strcspn(p, ", \t\"\\()<>;@");
		p += reading->domain_len;
	}
	p = target_skip_blanks(p);
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
	char *domain = target_expand(reading->domain, reading->domain_len, args), *folded;

	if (domain == NULL) {
		target_no_memory(err);
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

	out->local = target_expand((const char *)reading->local.data, reading->local.len, args);
	if (out->local == NULL)
		return target_no_memory(err);
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
	p = target_skip_blanks(p);
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
		else if (*target_skip_blanks(p) == '|')
			failed = err_set(err, 0, "%s", why_not_local("|", 1));
		else if ((p = read_address(&reading, p, err)) == NULL)
			failed = -1;
		else if ((address = another_address(out)) == NULL)
			failed = target_no_memory(err);
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
	text = target_skip_blanks(text);
	if (*text == '\0')
		return err_set(err, 0, "the target is empty");
	if (strncasecmp(text, "error:", 6) == 0)
		return target_parse_error(out, text + 6, args, err);
	if (strncasecmp(text, "discard:", 8) != 0)
		return parse_addresses(out, text, args, err);
	out->kind = TARGET_DISCARD;
	if (*target_skip_blanks(text + 8) != '\0')
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
