/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map's own text, virtmaps(5). Everything can be said in it; what is malformed is refused for
 * the reasons for which a build refuses it.
 */
#include <errno.h>

#include "format.h"

static int
read_line(const struct format_lines *lines, struct format_span line, const struct format_sink *sink,
    struct err *err)
{
	const char *file = lines->input->name, *why;
	struct format_span trimmed = format_trim(line), key, target;

	if (trimmed.len == 0 || *trimmed.at == '#')
		return 0;
	if ((why = format_bad_line(line)) == NULL && trimmed.at != line.at)
		why = "the line begins with a blank (nothing is continued here)";
	if (why != NULL) {
		sink->refuse(sink->arg, file, lines->line, why);
		return 0;
	}
	format_split(line, &key, &target);
	return sink->mapping(sink->arg, file, lines->line, key, target, err);
}

int
format_read_virtmaps(
    const struct format_input *input, const struct format_sink *sink, struct err *err)
{
	struct format_lines lines = { .input = input };
	struct format_span line;

	while (format_next_line(&lines, &line))
		if (read_line(&lines, line, sink, err) == -1)
			return -1;
	return 0;
}

int
format_write_virtmaps(const struct format_sheet *sheet, FILE *to, struct err *err)
{
	struct buf line = BUF_INIT;
	int failed = 0;

	for (size_t i = 0; failed == 0 && i < sheet->count; i++) {
		if (format_add_key(&line, sheet->entries[i]->folded) == -1 ||
		    buf_addf(&line, "\t%s\n", sheet->entries[i]->target) == -1)
			failed = err_set(err, errno, "write a mapping");
		else
			format_put(&line, to);
	}
	buf_free(&line);
	return failed;
}
