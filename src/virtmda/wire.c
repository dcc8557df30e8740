/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dot-stuffing and line ends, over pieces that may be cut anywhere.
 */
#include "wire.h"

#include <string.h>

static int
flush(struct wire *wire, struct err *err)
{
	size_t len = wire->len;

	wire->len = 0;
	return len == 0 ? 0 : smtp_write(wire->smtp, wire->data, len, wire->patience, err);
}

static int
put(struct wire *wire, const void *data, size_t len, struct err *err)
{
	wire->size += len;
	if (wire->smtp == NULL)
		return 0;
	if (len > sizeof(wire->data) - wire->len && flush(wire, err) == -1)
		return -1;
	if (len > sizeof(wire->data))
		return smtp_write(wire->smtp, data, len, wire->patience, err);
	memcpy(wire->data + wire->len, data, len);
	wire->len += len;
	return 0;
}

/* RFC 5321 4.5.2: a dot in front gets another. */
static int
begin_line(struct wire *wire, unsigned char first, struct err *err)
{
	if (wire->mid_line)
		return 0;
	wire->mid_line = true;
	return first == '.' ? put(wire, ".", 1, err) : 0;
}

static int
bare_cr(struct wire *wire, struct err *err)
{
	wire->cr = false;
	return begin_line(wire, ' ', err) == -1 ? -1 : put(wire, " ", 1, err);
}

static size_t
run_of(struct wire *wire, const unsigned char *p, size_t len)
{
	unsigned char all = 0;
	size_t n;

	for (n = 0; n < len && p[n] != '\n' && p[n] != '\r'; n++)
		all |= p[n];
	wire->eight_bit |= all >= 0x80;
	return n;
}

int
wire_put(void *arg, const void *data, size_t len, struct err *err)
{
	const unsigned char *p = data, *end = p + len;
	struct wire *wire = arg;

	while (p < end) {
		size_t n = run_of(wire, p, (size_t)(end - p));

		if (n > 0) {
			if ((wire->cr && bare_cr(wire, err) == -1) ||
			    begin_line(wire, *p, err) == -1 || put(wire, p, n, err) == -1)
				return -1;
			p += n;
		} else if (*p == '\r') {
			if (wire->cr && bare_cr(wire, err) == -1)
				return -1;
			wire->cr = true;
			p++;
		} else {
			wire->cr = wire->mid_line = false;
			if (put(wire, "\r\n", 2, err) == -1)
				return -1;
			p++;
		}
	}
	return 0;
}

int
wire_end(struct wire *wire, struct err *err)
{
	if (wire->cr && bare_cr(wire, err) == -1)
		return -1;
	if (wire->mid_line && put(wire, "\r\n", 2, err) == -1)
		return -1;
	return flush(wire, err);
}
