/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Three headers out of a block, each line looked at once: most are passed by their first letter.
 */
#include "mbox_head.h"

#include <string.h>
#include <strings.h>

#include "mailbox_scan.h"

struct reading {
	struct mbox_head *head;
	bool has_status, has_x_status;
};

/* The value if this line is header `name` (lower case, with colon), or NULL. */
static const unsigned char *
header_value(const unsigned char *line, size_t len, const char *name, size_t *value_len)
{
	size_t name_len = strlen(name);

	if (len < name_len || strncasecmp((const char *)line, name, name_len) != 0)
		return NULL;
	*value_len = len - name_len;
	return line + name_len;
}

static unsigned
flags_of(const unsigned char *value, size_t len)
{
	static const struct {
		char letter;
		unsigned flag;
	} letters[] = {
		{ 'R', SCAN_SEEN },
		{ 'A', SCAN_ANSWERED },
		{ 'F', SCAN_FLAGGED },
		{ 'D', SCAN_DELETED },
		{ 'T', SCAN_DRAFT },
	};
	unsigned flags = 0;

	for (size_t i = 0; i < len; i++)
		for (size_t l = 0; l < sizeof(letters) / sizeof(letters[0]); l++)
			if (value[i] == letters[l].letter)
				flags |= letters[l].flag;
	return flags;
}

static void
note_length(struct mbox_head *head, const unsigned char *value, size_t len)
{
	uint64_t length = 0;
	size_t i = 0;

	while (i < len && (value[i] == ' ' || value[i] == '\t'))
		i++;
	if (i == len || head->has_length)
		return;
	for (; i < len && value[i] >= '0' && value[i] <= '9'; i++)
		if (length < UINT64_MAX / 100)
			length = 10 * length + (uint64_t)(value[i] - '0');
	while (i < len && (value[i] == ' ' || value[i] == '\t' || value[i] == '\r'))
		i++;
	head->has_length = i == len;
	head->length = length;
}

static void
note_header(struct reading *r, const unsigned char *line, size_t len)
{
	const unsigned char *value;
	size_t value_len;

	switch (line[0]) {
	case 's':
	case 'S':
		value = header_value(line, len, "status:", &value_len);
		if (value == NULL || r->has_status)
			return;
		r->has_status = true;
		r->head->flags |= flags_of(value, value_len) & SCAN_SEEN;
		if (memchr(value, 'O', value_len) != NULL)
			r->head->flags &= ~SCAN_RECENT;
		return;
	case 'x':
	case 'X':
		value = header_value(line, len, "x-status:", &value_len);
		if (value == NULL || r->has_x_status)
			return;
		r->has_x_status = true;
		r->head->flags |= flags_of(value, value_len) & ~SCAN_SEEN;
		return;
	case 'c':
	case 'C':
		value = header_value(line, len, "content-length:", &value_len);
		if (value != NULL)
			note_length(r->head, value, value_len);
		return;
	}
}

int
mbox_head_read(const unsigned char *data, size_t size, struct mbox_head *out)
{
	struct reading r = { .head = out };
	const unsigned char *p = data, *end = data + size;

	*out = (struct mbox_head){ .flags = SCAN_RECENT };
	for (;;) {
		const unsigned char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((newline != NULL ? newline : end) - p);

		if ((size_t)(p - data) + len >= SCAN_HEADER_MAX) {
			/* What lies beyond is not looked at, its Content-Length neither. */
			out->len = out->text = SCAN_HEADER_MAX;
			out->has_length = false;
			return 1;
		}
		if (newline == NULL) {
			out->len = out->text = size;
			return 0;
		}
		if (len == 0 || (len == 1 && *p == '\r')) {
			out->len = (size_t)(p - data);
			out->text = (size_t)(newline + 1 - data);
			return 1;
		}
		note_header(&r, p, len);
		p = newline + 1;
	}
}
