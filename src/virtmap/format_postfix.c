/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Postfix's virtual(5), as postmap(1) reads it.
 *
 * There too the right side is a list that is looked up again, and a name without a domain is local.
 * Three things differ. `@other` on the right keeps the whole local part: %1%3@other. `domain
 * anything` only declares the domain. And Postfix has no words at all for refusing, dropping, or
 * for patterns of details; a local part that looks like one of ours is an ordinary one there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "format.h"

/* ---- logical lines ------------------------------------------------------------------------- */

struct logical {
	struct buf text;
	size_t line;     /* the first of its lines; 0: nothing begun */
	const char *why; /* not carried over */
};

static int
is_empty_or_comment(struct format_span line)
{
	struct format_span trimmed = format_trim(line);

	return trimmed.len == 0 || *trimmed.at == '#';
}

static int
continues(struct format_span line)
{
	return *line.at == ' ' || *line.at == '\t';
}

/* ---- the left side ------------------------------------------------------------------------- */

static const char *
why_not_key(struct format_span key)
{
	const char *at = format_find_at(key);

	if (*key.at == '/')
		return "a pattern, as in a regexp or pcre table";
	if (key.at[key.len - 1] == ':')
		return "\"key: value\" is the form of an alias file";
	if (at != NULL && at + 1 == key.at + key.len)
		return "user@ has no domain";
	if (format_looks_wild(key))
		return "a local part in ++ or +* is a pattern here and none for Postfix";
	return NULL;
}

/* ---- the right side ------------------------------------------------------------------------ */

/* Cut one address off at its comma. */
static struct format_span
cut_address(struct format_span *rest)
{
	struct format_span address = { rest->at, 0 };
	int quoted = 0;
	size_t i;

	for (i = 0; i < rest->len && (quoted || rest->at[i] != ','); i++) {
		if (rest->at[i] == '\\' && i + 1 < rest->len)
			i++;
		else if (rest->at[i] == '"')
			quoted = !quoted;
	}
	address.len = i;
	if (i < rest->len)
		i++;
	rest->at += i;
	rest->len -= i;
	return format_trim(address);
}

/* A name without a domain is taken apart further by Postfix (user%host, host!user), and here by
 * what may stand in front of a colon. */
static const char *
why_not_address(struct format_span address, int first)
{
	if (*address.at == '@')
		return first ? NULL : "@domain behind the first address has no meaning for Postfix";
	if (format_find_at(address) != NULL || *address.at == '|' || *address.at == '"')
		return NULL;
	for (size_t i = 0; i < address.len; i++)
		if (strchr("%!", address.at[i]) != NULL)
			return "Postfix rewrites a name with % or !, so it is no local name";
	if (memchr(address.at, ':', address.len) != NULL && *address.at != ':')
		return "a name with a colon is no local name here";
	return NULL;
}

static const char *
add_address(struct buf *out, struct format_span address, int *failed)
{
	int first = out->len == 0;
	const char *why = why_not_address(address, first);

	if (why != NULL)
		return why;
	if (!first && buf_adds(out, ", ") == -1)
		*failed = -1;
	else if (*address.at == '@' && buf_adds(out, "%1%3") == -1)
		*failed = -1;
	else
		*failed = format_add_literal(out, address);
	return NULL;
}

/* The list as a target. NULL, or why not; *failed without memory. */
static const char *
translate(struct buf *out, struct format_span list, int *failed)
{
	const char *why = NULL;

	while (why == NULL && *failed == 0 && list.len > 0) {
		struct format_span address = cut_address(&list);

		if (address.len > 0)
			why = add_address(out, address, failed);
	}
	return why;
}

static int
is_itself(struct format_span key, struct format_span target)
{
	return format_find_at(key) != NULL && key.len == target.len &&
	       strncasecmp(key.at, target.at, key.len) == 0;
}

/* ---- one entry ----------------------------------------------------------------------------- */

static int
read_mapping(const struct format_input *input, const struct logical *logical,
    struct format_span key, struct format_span list, const struct format_sink *sink,
    struct err *err)
{
	struct buf target = BUF_INIT;
	const char *why = NULL;
	int failed = 0;

	if (is_itself(key, list))
		why = "an address that maps to itself is final for Postfix; here an account of "
		      "that name needs no mapping";
	else
		why = translate(&target, list, &failed);
	if (failed == -1)
		err_set(err, errno, "read %s", input->name);
	else if (why != NULL)
		sink->refuse(sink->arg, input->name, logical->line, why);
	else
		failed = sink->mapping(sink->arg, input->name, logical->line, key,
		    (struct format_span){ (const char *)target.data, target.len }, err);
	buf_free(&target);
	return failed;
}

/* What was gathered is complete. */
static int
flush(const struct format_input *input, struct logical *logical, const struct format_sink *sink,
    struct err *err)
{
	struct format_span text = { (const char *)logical->text.data, logical->text.len };
	struct format_span key = { "", 0 }, list = { "", 0 };
	const char *why = logical->why;
	int failed = 0;

	if (logical->line == 0)
		return 0;
	if (why == NULL) {
		format_split(text, &key, &list);
		why = why_not_key(key);
	}
	if (why == NULL && list.len == 0)
		why = "there is no target";
	if (why != NULL)
		sink->refuse(sink->arg, input->name, logical->line, why);
	else if (format_find_at(key) == NULL)
		failed = sink->domain(sink->arg, input->name, logical->line, key, 0, err);
	else
		failed = read_mapping(input, logical, key, list, sink, err);
	buf_clear(&logical->text);
	logical->line = 0;
	logical->why = NULL;
	return failed;
}

/* Gather one line. A refused line spoils the entry that it belongs to. */
static int
gather(const struct format_lines *lines, struct format_span line, struct logical *logical,
    const struct format_sink *sink, struct err *err)
{
	const char *why = format_bad_line(line);

	if (why == NULL && is_empty_or_comment(line))
		return 0;
	if (line.len > 0 && continues(line) && logical->line == 0) {
		sink->refuse(sink->arg, lines->input->name, lines->line,
		    "the line continues nothing: it is the first");
		return 0;
	}
	if (line.len == 0 || !continues(line)) {
		if (flush(lines->input, logical, sink, err) == -1)
			return -1;
		logical->line = lines->line;
	}
	if (logical->why == NULL)
		logical->why = why;
	if (why == NULL && buf_add(&logical->text, line.at, line.len) == -1)
		return err_set(err, errno, "read %s", lines->input->name);
	return 0;
}

int
format_read_postfix(
    const struct format_input *input, const struct format_sink *sink, struct err *err)
{
	struct format_lines lines = { .input = input };
	struct logical logical = { .text = BUF_INIT };
	struct format_span line;
	int failed = 0;

	while (failed == 0 && format_next_line(&lines, &line))
		failed = gather(&lines, line, &logical, sink, err);
	if (failed == 0)
		failed = flush(input, &logical, sink, err);
	buf_free(&logical.text);
	return failed;
}

/* ---- writing ------------------------------------------------------------------------------- */

static const char *
why_not_written(const struct map_entry *entry, const struct target *target)
{
	switch (format_key_kind(entry->folded)) {
	case FORMAT_KEY_WILD:
		return "Postfix has no patterns for details";
	case FORMAT_KEY_SUBDOMAINS:
		return "Postfix has no catch-all for subdomains";
	case FORMAT_KEY_EVERYTHING:
		return "Postfix has no catch-all for all domains";
	case FORMAT_KEY_ADDRESS:
		if (*entry->folded == '#')
			return "Postfix would take the line for a comment";
		break;
	default:
		break;
	}
	if (target->kind == TARGET_ERROR)
		return "virtual(5) cannot refuse mail";
	if (target->kind == TARGET_DISCARD)
		return "virtual(5) cannot drop mail";
	return NULL;
}

static const char *
why_not_address_written(const struct target_address *address, int first)
{
	if (address->domain != NULL && strchr(address->domain, '%') != NULL)
		return "Postfix puts nothing into a domain";
	if (address->domain != NULL && first && strcmp(address->local, "%1%3") == 0)
		return NULL;
	if (format_percent(address->local) != NULL)
		return "Postfix has nothing like %1, %2 or %3, but for %1%3@domain in first place";
	if (address->domain == NULL && strpbrk(address->local, "%!:") != NULL)
		return "Postfix rewrites a name with %, ! or a colon";
	return NULL;
}

/* The local part as it is, in quotes where it needs them. */
static int
add_local(struct buf *line, const char *local)
{
	struct buf plain = BUF_INIT;
	const char *string = NULL;
	char *quoted = NULL;
	int failed = format_add_plain(&plain, local);

	if (failed == 0)
		failed = (string = buf_cstr(&plain)) == NULL ? -1 : 0;
	if (failed == 0)
		failed = (quoted = address_quote_local(string)) == NULL ? -1 : 0;
	if (failed == 0)
		failed = buf_adds(line, quoted);
	free(quoted);
	buf_free(&plain);
	return failed;
}

static int
write_address(struct buf *line, const struct target_address *address, int first)
{
	int keeps = address->domain != NULL && strcmp(address->local, "%1%3") == 0;

	if (buf_adds(line, first ? "\t" : ", ") == -1)
		return -1;
	if (!keeps && add_local(line, address->local) == -1)
		return -1;
	return address->domain == NULL ? 0 : buf_addf(line, "@%s", address->domain);
}

/* What an import would leave out. */
static int
is_own_address(const char *folded, const struct target *target)
{
	const struct target_address *address = target->addresses;
	size_t len = strlen(address->local);

	return address->domain != NULL && strncasecmp(folded, address->local, len) == 0 &&
	       folded[len] == '@' && strcmp(folded + len + 1, address->domain) == 0;
}

static const char *
make_line(struct buf *line, const struct map_entry *entry, const struct target *target, int *failed)
{
	const char *why = why_not_written(entry, target);

	if (why == NULL && target->naddresses == 1 && is_own_address(entry->folded, target))
		why = "an address that maps to itself: an account needs no mapping there";
	for (size_t i = 0; why == NULL && i < target->naddresses; i++)
		why = why_not_address_written(&target->addresses[i], i == 0);
	if (why != NULL)
		return why;
	*failed = format_add_key(line, entry->folded);
	for (size_t i = 0; *failed == 0 && i < target->naddresses; i++)
		*failed = write_address(line, &target->addresses[i], i == 0);
	if (*failed == 0)
		*failed = buf_addc(line, '\n');
	return NULL;
}

/* One mapping into `line`, or nothing if it was refused. */
static int
express(const struct format_sheet *sheet, const struct map_entry *entry, struct buf *line,
    struct err *err)
{
	struct target target;
	const char *why;
	int failed = 0;

	if (target_parse(&target, entry->target, NULL, err) == -1)
		return -1;
	why = make_line(line, entry, &target, &failed);
	target_free(&target);
	if (why != NULL)
		sheet->refuse(sheet->arg, entry, why);
	return failed == 0 ? 0 : err_set(err, errno, "write %.100s", entry->folded);
}

/* A domain's first mapping is preceded by its declaration, or Postfix would not take its mail. */
int
format_write_postfix(const struct format_sheet *sheet, FILE *to, struct err *err)
{
	struct buf line = BUF_INIT;
	const char *declared = "";
	int failed = 0;

	for (size_t i = 0; failed == 0 && i < sheet->count; i++) {
		const char *domain = format_key_domain(sheet->entries[i]->folded);

		failed = express(sheet, sheet->entries[i], &line, err);
		if (failed == 0 && line.len > 0 && strcmp(domain, declared) != 0) {
			fprintf(to, "%s\tvirtual\n", domain);
			declared = domain;
		}
		format_put(&line, to);
	}
	buf_free(&line);
	return failed;
}
