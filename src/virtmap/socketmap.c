/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Netstrings as they are written by those who write them right: a length without signs, blanks or
 * leading zeros, and at once refused when it is more than we would hold.
 */
#include "socketmap.h"

#include <string.h>

/* The length up to the colon. 1 with *len and *head (bytes with the colon), 0 more, -1 garbage. */
static int
take_length(const unsigned char *data, size_t have, size_t *len, size_t *head)
{
	size_t n = 0;

	for (size_t i = 0; i < have; i++) {
		if (data[i] == ':' && i > 0) {
			*len = n;
			*head = i + 1;
			return 1;
		}
		if (data[i] < '0' || data[i] > '9' || (i == 1 && data[0] == '0'))
			return -1;
		n = n * 10 + (size_t)(data[i] - '0');
		if (n > SOCKETMAP_REQUEST_MAX)
			return -1;
	}
	return 0;
}

enum socketmap_taken
socketmap_take(struct socketmap_request *out, const unsigned char *data, size_t have)
{
	const char *payload, *blank;
	size_t len, head;
	int rc = take_length(data, have, &len, &head);

	if (rc != 1)
		return rc == 0 ? SOCKETMAP_MORE : SOCKETMAP_GARBAGE;
	if (have < head + len + 1)
		return SOCKETMAP_MORE;
	if (data[head + len] != ',')
		return SOCKETMAP_GARBAGE;
	payload = (const char *)data + head;
	blank = memchr(payload, ' ', len);
	out->name = payload;
	out->name_len = blank == NULL ? len : (size_t)(blank - payload);
	out->key = blank == NULL ? payload + len : blank + 1;
	out->key_len = (size_t)(payload + len - out->key);
	out->frame = head + len + 1;
	return SOCKETMAP_REQUEST;
}

int
socketmap_frame(struct buf *out, const char *reply)
{
	return buf_addf(out, "%zu:%s,", strlen(reply), reply);
}
