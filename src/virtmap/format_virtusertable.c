/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sendmail's virtusertable, as makemap(8) reads it. Its keys and targets mean the same here;
 * what sendmail would never look up (a key without '@') is refused rather than brought to life.
 * The way back is narrower: one address a target, no lists, no discard:, no .domain.
 */
#include <errno.h>
#include <string.h>

#include "format.h"

/* Why sendmail would not find this key. */
static const char *
why_not_read(struct format_span key)
{
	const char *at = format_find_at(key);

	if (at == NULL)
		return "sendmail never looks up a key without '@'";
	if (at + 1 == key.at + key.len)
		return "sendmail never looks up a key without a domain";
	return NULL;
}

static int
read_line(const struct format_lines *lines, struct format_span line, const struct format_sink *sink,
    struct err *err)
{
	const char *file = lines->input->name, *why;
	struct format_span trimmed = format_trim(line), key, target;

	if (trimmed.len == 0 || *line.at == '#')
		return 0;
	format_split(line, &key, &target);
	if ((why = format_bad_line(line)) == NULL && trimmed.at != line.at)
		why = "the line begins with a blank, which makemap refuses";
	if (why == NULL)
		why = why_not_read(key);
	if (why == NULL)
		return sink->mapping(sink->arg, file, lines->line, key, target, err);
	sink->refuse(sink->arg, file, lines->line, why);
	return 0;
}

int
format_read_virtusertable(
    const struct format_input *input, const struct format_sink *sink, struct err *err)
{
	struct format_lines lines = { .input = input };
	struct format_span line;

	while (format_next_line(&lines, &line))
		if (read_line(&lines, line, sink, err) == -1)
			return -1;
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* NULL: sendmail can express it. */
static const char *
why_not_written(const struct map_entry *entry, const struct target *target)
{
	switch (format_key_kind(entry->folded)) {
	case FORMAT_KEY_SUBDOMAINS:
		return "virtusertable has no catch-all for subdomains";
	case FORMAT_KEY_EVERYTHING:
		return "virtusertable has no catch-all for all domains";
	default:
		break;
	}
	if (target->kind == TARGET_DISCARD)
		return "virtusertable has no discard:";
	if (target->kind == TARGET_ADDRESSES && target->naddresses > 1)
		return "virtusertable has room for one address: make the list an alias";
	return NULL;
}

/* One mapping into `line`, or nothing if it was refused. */
static int
make_line(const struct format_sheet *sheet, const struct map_entry *entry, struct buf *line,
    struct err *err)
{
	struct target target;
	const char *why;

	if (target_parse(&target, entry->target, NULL, err) == -1)
		return -1;
	why = why_not_written(entry, &target);
	target_free(&target);
	if (why != NULL) {
		sheet->refuse(sheet->arg, entry, why);
		return 0;
	}
	if (format_add_key(line, entry->folded) == -1 ||
	    buf_addf(line, "\t%s\n", entry->target) == -1)
		return err_set(err, errno, "write a mapping");
	return 0;
}

int
format_write_virtusertable(const struct format_sheet *sheet, FILE *to, struct err *err)
{
	struct buf line = BUF_INIT;
	int failed = 0;

	for (size_t i = 0; failed == 0 && i < sheet->count; i++) {
		if ((failed = make_line(sheet, sheet->entries[i], &line, err)) == 0)
			format_put(&line, to);
	}
	buf_free(&line);
	return failed;
}
