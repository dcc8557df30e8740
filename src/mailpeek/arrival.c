/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of fixed size, and behind them three strings with their lengths. Whoever reads believes
 * no length that the report does not hold.
 */
#include "arrival.h"

#include <stdlib.h>
#include <string.h>

#include "mailpeek.h"

#define STRINGS 3

struct head {
	uint64_t number, size;
	int64_t received;
	uint32_t len[STRINGS];
	uint32_t zero; /* no byte of it undefined */
};

void
arrival_free(struct arrival *arrival)
{
	buf_free(&arrival->folder);
	buf_free(&arrival->from);
	buf_free(&arrival->subject);
}

void
arrival_write(const struct arrival *arrival, struct buf *out)
{
	const struct buf *strings[STRINGS] = { &arrival->folder, &arrival->from,
		&arrival->subject };
	struct head head = {
		.number = arrival->number, .size = arrival->size, .received = arrival->received
	};

	for (size_t i = 0; i < STRINGS; i++)
		head.len[i] = (uint32_t)strings[i]->len;
	peek_add(out, &head, sizeof(head));
	for (size_t i = 0; i < STRINGS; i++)
		peek_add(out, strings[i]->data, strings[i]->len);
}

int
arrival_read(struct arrival *out, const struct buf *in, size_t *at)
{
	struct buf *strings[STRINGS] = { &out->folder, &out->from, &out->subject };
	uint64_t left = in->len - *at;
	struct head head;

	memset(out, 0, sizeof(*out));
	if (left == 0)
		return 0;
	if (left < sizeof(head))
		return -1;
	memcpy(&head, in->data + *at, sizeof(head));
	left -= sizeof(head);
	if (head.zero != 0 || head.number > INT64_MAX || head.size > INT64_MAX ||
	    (uint64_t)head.len[0] + head.len[1] + head.len[2] > left)
		return -1;
	*at += sizeof(head);
	out->number = head.number;
	out->size = head.size;
	out->received = (time_t)head.received;
	for (size_t i = 0; i < STRINGS; i++) {
		peek_add(strings[i], in->data + *at, head.len[i]);
		*at += head.len[i];
	}
	return 1;
}

bool
arrival_is_list(const struct buf *report)
{
	struct arrival arrival;
	size_t at = 0;
	int rc;

	while ((rc = arrival_read(&arrival, report, &at)) == 1)
		arrival_free(&arrival);
	return rc == 0;
}

void
arrival_put(json_t *row, const struct arrival *arrival)
{
	json_put(row, "folder", json_text(arrival->folder.data, arrival->folder.len));
	json_put(row, "number", json_integer((json_int_t)arrival->number));
	json_put(row, "date", json_date(arrival->received));
	json_put(row, "size", json_integer((json_int_t)arrival->size));
}
