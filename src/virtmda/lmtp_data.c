/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The end of a message. A server that takes LF.LF, LF.CRLF or a "." at the end of a full buffer for
 * it (CVE-2000-0319, CVE-2023-51764, CVE-2023-51765) lets a message hold another one, commands
 * and all. So this knows one line end, CRLF, and keeps its place in five states whatever a read
 * brings; a bare CR or LF is a byte like any other.
 */
#include "lmtp_data.h"

#include <string.h>

/* From here to the next CR everything is copied. */
static size_t
copy_line(const unsigned char *in, size_t len, unsigned char *out)
{
	const unsigned char *cr = memchr(in, '\r', len);
	size_t plain = cr == NULL ? len : (size_t)(cr - in);

	memcpy(out, in, plain);
	return plain;
}

bool
lmtp_data_decode(struct lmtp_data *data, const unsigned char *in, size_t len, unsigned char *out,
    size_t *outlen, size_t *used)
{
	size_t at = 0, n = 0;
	bool end = false;

	while (at < len && !end) {
		unsigned char c = in[at];

		switch (data->state) {
		case LMTP_DATA_BEGIN:
			data->state = c == '.' ? LMTP_DATA_DOT : LMTP_DATA_LINE;
			at += c == '.';
			break;
		case LMTP_DATA_LINE:
			if (c == '\r') {
				data->state = LMTP_DATA_CR;
				at++;
			} else {
				size_t plain = copy_line(in + at, len - at, out + n);

				at += plain;
				n += plain;
			}
			break;
		case LMTP_DATA_CR:
		case LMTP_DATA_DOT_CR:
			end = c == '\n' && data->state == LMTP_DATA_DOT_CR;
			if (c != '\n')
				out[n++] = '\r'; /* a bare one; what follows is looked at again */
			else if (!end)
				out[n++] = '\n';
			data->state = c == '\n' ? LMTP_DATA_BEGIN : LMTP_DATA_LINE;
			at += c == '\n';
			break;
		case LMTP_DATA_DOT:
			data->state = c == '\r' ? LMTP_DATA_DOT_CR : LMTP_DATA_LINE;
			at += c == '\r';
			break;
		}
	}
	*outlen = n;
	*used = at;
	return end;
}
