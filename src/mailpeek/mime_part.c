/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The three header fields that say what a part is, and what may hold other parts.
 */
#include "mime_part.h"

#include <string.h>
#include <strings.h>

#include "field.h"

static void
take_encoding(struct buf *value, struct mime_part *part)
{
	size_t len = 0;

	/* A token; comments behind it are possible. */
	while (len < value->len && len + 1 < sizeof(part->encoding) &&
	       memchr(" \t;(", value->data[len], 4) == NULL && value->data[len] != '\0')
		len++;
	if (len > 0)
		memcpy(part->encoding, value->data, len);
	part->encoding[len] = '\0';
}

void
mime_part_read(struct mime_part *part, const char *type)
{
	static const char *const names[] = { "Content-Type", "Content-Transfer-Encoding",
		"Content-Disposition" };
	struct field fields[3];
	struct buf value = BUF_INIT;

	strlcpy(part->content.type, type, sizeof(part->content.type));
	field_find_all(part->header, part->header_len, names, 3, fields);
	if (fields[0].value != NULL) {
		field_plain(&fields[0], &value);
		content_read_type(&value, &part->content);
	}
	if (fields[1].value != NULL) {
		field_plain(&fields[1], &value);
		take_encoding(&value, part);
	}
	/* Last, for its name goes before the type's. */
	if (fields[2].value != NULL) {
		field_plain(&fields[2], &value);
		if (value.len > 0)
			decode_disposition(&value, &part->content);
	}
	buf_free(&value);
}

/* RFC 2046 5.2.1: what encloses parts is never encoded itself. */
static bool
is_plain(const char *encoding)
{
	static const char *const plain[] = { "", "7bit", "8bit", "binary" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcasecmp(encoding, plain[i]) == 0)
			return true;
	return false;
}

bool
mime_part_is_message(const struct mime_part *part)
{
	return (strcmp(part->content.type, "message/rfc822") == 0 ||
	           strcmp(part->content.type, "message/global") == 0) &&
	       is_plain(part->encoding);
}

bool
mime_part_is_multipart(const struct mime_part *part)
{
	return strncmp(part->content.type, "multipart/", 10) == 0 && part->content.boundary_len > 0;
}
