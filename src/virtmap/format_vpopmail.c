/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * qmail's control/virtualdomains and what vpopmail's `valias -s DOMAIN` prints, in two files of a
 * directory or mixed in one text, for their lines cannot be confused:
 *
 *	domain:prepend		prepend a domain: vpopmail's own domain, or an alias of another
 *				else a local user, who gets the address as an extension
 *	alias@domain -> line	a line of a .qmail file; several make a list
 *
 * Programs, mailboxes and conditions in such lines stay behind: they are no addresses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "format.h"

#define ARROW " -> "

struct reading {
	const struct format_input *input;
	const struct format_sink *sink;
	/* The alias that is being gathered. */
	struct format_span alias;
	size_t line; /* 0: none */
	struct buf target;
};

static int
no_memory(const struct reading *reading, struct err *err)
{
	return err_set(err, errno, "read %s", reading->input->name);
}

static void
refuse(const struct reading *reading, size_t line, const char *why)
{
	reading->sink->refuse(reading->sink->arg, reading->input->name, line, why);
}

/* ---- addresses: qmail knows no quotes ------------------------------------------------------ */

/* The last '@', or NULL. */
static const char *
find_at(struct format_span address)
{
	return memrchr(address.at, '@', address.len);
}

/* The local part in quotes where it needs them; the rest as it is. 0, or -1 with errno (EINVAL: it
 * cannot be written). */
static int
add_quoted(struct buf *out, struct format_span address, int literal)
{
	const char *at = find_at(address);
	size_t len = at != NULL ? (size_t)(at - address.at) : address.len;
	char *local = strndup(address.at, len), *quoted = NULL;
	int failed = -1;

	if (local != NULL && (quoted = address_quote_local(local)) != NULL) {
		struct format_span span = { quoted, strlen(quoted) };

		failed = literal ? format_add_literal(out, span) : buf_add(out, span.at, span.len);
	}
	if (failed == 0 && at != NULL)
		failed = buf_add(out, at, address.len - len);
	free(quoted);
	free(local);
	return failed;
}

/* ---- valias -------------------------------------------------------------------------------- */

/* The alias is complete. */
static int
flush(struct reading *reading, struct err *err)
{
	struct buf key = BUF_INIT;
	int failed = 0;

	if (reading->line == 0 || reading->target.len == 0) {
		reading->line = 0;
		return 0;
	}
	if (add_quoted(&key, reading->alias, 0) == -1)
		failed = no_memory(reading, err);
	else
		failed = reading->sink->mapping(reading->sink->arg, reading->input->name,
		    reading->line, (struct format_span){ (const char *)key.data, key.len },
		    (struct format_span){ (const char *)reading->target.data, reading->target.len },
		    err);
	buf_free(&key);
	buf_clear(&reading->target);
	reading->line = 0;
	return failed;
}

static int
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* dot-qmail(5): the first character says what a line is. */
static const char *
why_not_forward(struct format_span line)
{
	struct format_span bare = line;

	if (line.len == 0)
		return "there is no target";
	if (*line.at == '|')
		return "a |program must be put into an alias";
	if (*line.at == '/' || *line.at == '.')
		return "a mailbox is no address";
	if (*line.at == '#')
		return "a comment: mail for this alias is dropped";
	if (*line.at != '&' && !is_alnum(*line.at))
		return "a line that .qmail files do not have";
	if (*line.at == '&')
		bare = format_trim((struct format_span){ line.at + 1, line.len - 1 });
	if (bare.len == 0)
		return "there is no address";
	if (find_at(bare) == NULL && memchr(bare.at, ':', bare.len) != NULL)
		return "a name with a colon is no local name here";
	return NULL;
}

static const char *
why_not_alias(struct format_span alias)
{
	static const char wildcard[] = "-default";
	const char *at = find_at(alias);
	size_t len;

	if (at == NULL)
		return "the alias has no domain";
	len = (size_t)(at - alias.at);
	if (len >= sizeof(wildcard) - 1 &&
	    memcmp(at - (sizeof(wildcard) - 1), wildcard, sizeof(wildcard) - 1) == 0)
		return "an alias in -default is a pattern, which there are none of here";
	if (format_looks_wild(alias))
		return "a local part in ++ or +* is a pattern here and none for qmail";
	return NULL;
}

static int
add_forward(struct reading *reading, struct format_span line, struct err *err)
{
	struct buf *target = &reading->target;

	if (*line.at == '&')
		line = format_trim((struct format_span){ line.at + 1, line.len - 1 });
	if ((target->len > 0 && buf_adds(target, ", ") == -1) || add_quoted(target, line, 1) == -1)
		return no_memory(reading, err);
	return 0;
}

static int
read_alias(struct reading *reading, size_t number, struct format_span line, const char *arrow,
    struct err *err)
{
	struct format_span alias = { line.at, (size_t)(arrow - line.at) }, forward;
	const char *why;

	forward.at = arrow + strlen(ARROW);
	forward.len = line.len - (size_t)(forward.at - line.at);
	alias = format_trim(alias);
	forward = format_trim(forward);
	if (reading->line != 0 &&
	    (alias.len != reading->alias.len ||
	        memcmp(alias.at, reading->alias.at, alias.len) != 0) &&
	    flush(reading, err) == -1)
		return -1;
	if ((why = why_not_alias(alias)) == NULL)
		why = why_not_forward(forward);
	if (why != NULL) {
		refuse(reading, number, why);
		return 0;
	}
	if (reading->line == 0) {
		reading->alias = alias;
		reading->line = number;
	}
	return add_forward(reading, forward, err);
}

/* ---- virtualdomains ------------------------------------------------------------------------ */

/* What stands in front of the colon as a key: "" is every domain. 0, or -1 with errno. */
static int
add_left(struct buf *key, struct format_span left)
{
	if (left.len == 0)
		return buf_addc(key, '@');
	if (*left.at == '.')
		return buf_add(key, left.at, left.len);
	if (find_at(left) != NULL)
		return add_quoted(key, left, 0);
	return buf_addc(key, '@') == -1 ? -1 : buf_add(key, left.at, left.len);
}

/* The local name that qmail makes is prepend-address: the user `prepend` with an extension, which
 * is a detail here. With a domain for a name, vpopmail takes it for that domain's user. */
static int
add_right(struct buf *target, struct format_span prepend)
{
	int is_domain = memchr(prepend.at, '.', prepend.len) != NULL;

	if (is_domain && buf_adds(target, "%1%3@") == -1)
		return -1;
	if (format_add_literal(target, prepend) == -1)
		return -1;
	return is_domain ? 0 : buf_adds(target, "+%1%3");
}

static const char *
why_not_prepend(struct format_span left, struct format_span prepend)
{
	if (prepend.len == 0)
		return "an exception to other lines (nothing behind the colon)";
	if (memchr(prepend.at, '.', prepend.len) == NULL &&
	    memchr(prepend.at, '-', prepend.len) != NULL)
		return "qmail takes a name apart at its '-', which cannot be done here";
	if (find_at(left) != NULL && format_looks_wild(left))
		return "a local part in ++ or +* is a pattern here and none for qmail";
	return NULL;
}

static int
is_own(struct format_span left, struct format_span prepend)
{
	return left.len == prepend.len && left.len > 0 &&
	       strncasecmp(left.at, prepend.at, left.len) == 0;
}

static int
read_domain(struct reading *reading, size_t number, struct format_span line, const char *colon,
    struct err *err)
{
	struct format_span left = { line.at, (size_t)(colon - line.at) };
	struct format_span prepend = { colon + 1, line.len - left.len - 1 };
	const struct format_sink *sink = reading->sink;
	struct buf key = BUF_INIT, target = BUF_INIT;
	const char *why;
	int failed;

	left = format_trim(left);
	prepend = format_trim(prepend);
	if (is_own(left, prepend) && *left.at != '.' && find_at(left) == NULL)
		return sink->domain(sink->arg, reading->input->name, number, left, 1, err);
	if ((why = why_not_prepend(left, prepend)) != NULL) {
		refuse(reading, number, why);
		return 0;
	}
	if (add_left(&key, left) == -1 || add_right(&target, prepend) == -1)
		failed = no_memory(reading, err);
	else
		failed = sink->mapping(sink->arg, reading->input->name, number,
		    (struct format_span){ (const char *)key.data, key.len },
		    (struct format_span){ (const char *)target.data, target.len }, err);
	buf_free(&key);
	buf_free(&target);
	return failed;
}

/* ---- both ---------------------------------------------------------------------------------- */

static int
holds_control(struct format_span line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] < 0x20 || line.at[i] == 0x7f)
			return 1;
	return 0;
}

static int
read_line(struct reading *reading, size_t number, struct format_span line, struct err *err)
{
	struct format_span trimmed = format_trim(line);
	const char *why = format_bad_line(line), *at;

	if (why == NULL && (trimmed.len == 0 || *trimmed.at == '#'))
		return 0;
	if (why == NULL && holds_control(trimmed))
		why = "the line holds a control character";
	if (why == NULL && (at = memmem(line.at, line.len, ARROW, strlen(ARROW))) != NULL)
		return read_alias(reading, number, line, at, err);
	if (flush(reading, err) == -1)
		return -1;
	if (why == NULL && (at = memchr(line.at, ':', line.len)) != NULL)
		return read_domain(reading, number, trimmed, at, err);
	refuse(reading, number,
	    why != NULL ? why : "neither \"domain:prepend\" nor \"alias@domain -> line\"");
	return 0;
}

int
format_read_vpopmail(
    const struct format_input *input, const struct format_sink *sink, struct err *err)
{
	struct reading reading = { .input = input, .sink = sink, .target = BUF_INIT };
	struct format_lines lines = { .input = input };
	struct format_span line;
	int failed = 0;

	while (failed == 0 && format_next_line(&lines, &line))
		failed = read_line(&reading, lines.line, line, err);
	if (failed == 0)
		failed = flush(&reading, err);
	buf_free(&reading.target);
	return failed;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Does the local part go without quotes, and is it the same when it is read again? */
static int
goes_plain(const char *local, size_t len)
{
	char *copy = strndup(local, len), *quoted = NULL;
	int plain = -1;

	if (copy != NULL && (quoted = address_quote_local(copy)) != NULL)
		plain = *copy != '#' && *copy != '.' && strcmp(quoted, copy) == 0;
	free(quoted);
	free(copy);
	return plain;
}

/* The `prepend` of a target that has the form of one, malloc'ed in *out; NULL if it has not. 0, or
 * -1 with errno. */
static int
find_prepend(char **out, const struct target *target)
{
	const struct target_address *address = target->addresses;
	const char *plus;

	*out = NULL;
	if (target->kind != TARGET_ADDRESSES || target->naddresses != 1)
		return 0;
	if (address->domain != NULL) {
		if (strcmp(address->local, "%1%3") != 0 || strchr(address->domain, '.') == NULL ||
		    strpbrk(address->domain, "%:[") != NULL)
			return 0;
		*out = strdup(address->domain);
	} else {
		plus = strchr(address->local, '+');
		if (plus == NULL || plus == address->local || strcmp(plus, "+%1%3") != 0 ||
		    strcspn(address->local, ".-%:") < (size_t)(plus - address->local) ||
		    goes_plain(address->local, (size_t)(plus - address->local)) != 1)
			return 0;
		*out = strndup(address->local, (size_t)(plus - address->local));
	}
	return *out != NULL ? 0 : -1;
}

static const char *
why_not_forwarded(const struct target_address *address, int *failed)
{
	int plain = goes_plain(address->local, strlen(address->local));

	if (plain == -1)
		*failed = -1;
	if (plain == 0)
		return "an address that needs quotes has no place in valias";
	if (format_percent(address->local) != NULL ||
	    (address->domain != NULL && strchr(address->domain, '%') != NULL))
		return "qmail has nothing like %1, %2 or %3 but for a whole domain";
	if (address->domain == NULL && strchr(address->local, ':') != NULL)
		return "a name with a colon is no local name there";
	return NULL;
}

/* One line of a .qmail file for each address. */
static const char *
make_aliases(struct buf *line, const char *folded, const struct target *target, int *failed)
{
	const char *why = NULL;

	if (target->kind != TARGET_ADDRESSES)
		return target->kind == TARGET_ERROR ? "valias cannot refuse mail"
		                                    : "valias cannot drop mail";
	if (format_key_kind(folded) == FORMAT_KEY_WILD)
		return "qmail has no patterns for details";
	if (format_key_kind(folded) != FORMAT_KEY_ADDRESS)
		return "a catch-all can only go to a domain (%1%3@domain) or a user (name+%1%3)";
	for (size_t i = 0; why == NULL && *failed == 0 && i < target->naddresses; i++) {
		const struct target_address *address = &target->addresses[i];

		why = why_not_forwarded(address, failed);
		if (why != NULL || *failed == -1)
			break;
		*failed = buf_addf(line, "%s" ARROW "&", folded) == -1 ||
		                  format_add_plain(line, address->local) == -1 ||
		                  (address->domain != NULL &&
		                      buf_addf(line, "@%s", address->domain) == -1) ||
		                  buf_addc(line, '\n') == -1
		              ? -1
		              : 0;
	}
	return why;
}

static const char *
why_not_left(const char *folded, int *failed)
{
	const char *at = strrchr(folded, '@');
	int plain;

	if (at == NULL || at == folded)
		return NULL;
	if (strchr(folded, ':') != NULL || strstr(folded, "->") != NULL)
		return "the files of qmail have no quotes for this key";
	if ((plain = goes_plain(folded, (size_t)(at - folded))) == -1)
		*failed = -1;
	if (at - folded >= 8 && memcmp(at - 8, "-default", 8) == 0)
		return "an alias in -default is a pattern for vpopmail";
	return plain == 1 ? NULL : "an address that needs quotes has no place in valias";
}

/* "domain:domain" says that the domain is here and nothing else. */
static int
only_declares(const struct format_sheet *sheet, size_t i)
{
	const struct map_entry *entry = sheet->entries[i];
	const char *domain = format_key_domain(entry->folded);

	return format_key_kind(entry->folded) == FORMAT_KEY_CATCHALL &&
	       strcmp(entry->target, FORMAT_DECLARED) == 0 &&
	       (i == 0 || strcmp(format_key_domain(sheet->entries[i - 1]->folded), domain) != 0) &&
	       (i + 1 == sheet->count ||
	           strcmp(format_key_domain(sheet->entries[i + 1]->folded), domain) != 0);
}

static const char *
make_line(struct buf *line, const char *folded, const struct target *target, int *failed)
{
	const char *why = why_not_left(folded, failed);
	char *prepend = NULL;

	if (why != NULL || *failed == -1)
		return why;
	if ((*failed = find_prepend(&prepend, target)) == -1)
		return NULL;
	/* "domain:domain" would be read as a declaration. */
	if (prepend == NULL || format_key_kind(folded) == FORMAT_KEY_WILD ||
	    strcmp(prepend, folded + 1) == 0)
		why = make_aliases(line, folded, target, failed);
	else
		*failed = buf_addf(line, "%s:%s\n", *folded == '@' ? folded + 1 : folded, prepend);
	free(prepend);
	return why;
}

static int
express(const struct format_sheet *sheet, size_t i, struct buf *line, struct err *err)
{
	const struct map_entry *entry = sheet->entries[i];
	const char *domain = format_key_domain(entry->folded), *why = NULL;
	struct target target;
	int failed = 0;

	if (target_parse(&target, entry->target, NULL, err) == -1)
		return -1;
	if (only_declares(sheet, i))
		failed = buf_addf(line, "%s:%s\n", domain, domain);
	else
		why = make_line(line, entry->folded, &target, &failed);
	target_free(&target);
	if (failed == -1)
		return err_set(err, errno, "write %.100s", entry->folded);
	if (why != NULL) {
		buf_clear(line);
		sheet->refuse(sheet->arg, entry, why);
	}
	return 0;
}

int
format_write_vpopmail(const struct format_sheet *sheet, FILE *to, struct err *err)
{
	struct buf line = BUF_INIT;
	int failed = 0;

	for (size_t i = 0; failed == 0 && i < sheet->count; i++)
		if ((failed = express(sheet, i, &line, err)) == 0)
			format_put(&line, to);
	buf_free(&line);
	return failed;
}
