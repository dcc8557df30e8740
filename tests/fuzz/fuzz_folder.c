/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the detail of an address. A folder is one name in the Maildir: it begins with a dot,
 * cannot be "." or "..", has no slash, no empty part, nothing but printable ASCII, and decodes, by
 * another way than it was made, to the very detail.
 */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "mailbox.h"

static unsigned
value_of(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
	const char *at = strchr(digits, c);

	FUZZ_CHECK(c != '\0' && at != NULL);
	return (unsigned)(at - digits);
}

static char *
put(char *out, unsigned long c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* What stands between '&' and '-', bit by bit. */
static char *
decode_shifted(char *out, const char *from, const char *to)
{
	unsigned long unit = 0, high = 0;
	size_t bits = 0;

	for (; from < to; from++)
		for (int bit = 5; bit >= 0; bit--) {
			unit = unit << 1 | (value_of(*from) >> bit & 1);
			if (++bits % 16 != 0)
				continue;
			FUZZ_CHECK((unit >= 0xdc00 && unit <= 0xdfff) == (high != 0));
			if (unit >= 0xd800 && unit <= 0xdbff) {
				high = unit;
			} else {
				out = put(out, high == 0 ? unit
				                         : 0x10000 + ((high - 0xd800) << 10) +
				                               (unit - 0xdc00));
				high = 0;
			}
			unit = 0;
		}
	FUZZ_CHECK(high == 0 && bits % 16 < 6 && unit == 0);
	return out;
}

static void
decode(const char *name, char *out)
{
	while (*name != '\0') {
		const char *end;

		if (*name != '&') {
			*out++ = *name++;
			continue;
		}
		end = strchr(name, '-');
		FUZZ_CHECK(end != NULL);
		if (end == name + 1)
			*out++ = '&';
		else
			out = decode_shifted(out, name + 1, end);
		/* A character that ASCII has, or two runs side by side, would be another name. */
		FUZZ_CHECK(end == name + 1 || end[1] != '&' || end[2] == '-');
		name = end + 1;
	}
	*out = '\0';
}

static void
check_name(const char *folder)
{
	FUZZ_CHECK(folder[0] == '.' && folder[1] != '\0' && strlen(folder) <= NAME_MAX);
	FUZZ_CHECK(strstr(folder, "..") == NULL && folder[strlen(folder) - 1] != '.');
	FUZZ_CHECK(folder[1] != '~');
	for (const char *p = folder; *p != '\0'; p++)
		FUZZ_CHECK(*p >= ' ' && *p <= '~' && *p != '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mailbox mailbox = { .format = MAILBOX_MAILDIR };
	char *detail = malloc(size + 1), decoded[4 * NAME_MAX];
	struct err err;

	if (size > 0)
		memcpy(detail, data, size);
	detail[size] = '\0';
	FUZZ_CHECK(mailbox_choose_folder(&mailbox, detail, &err) == 0);
	if (mailbox.folder != NULL) {
		check_name(mailbox.folder);
		decode(mailbox.folder + 1, decoded);
		if (strncasecmp(detail, "inbox.", 6) == 0)
			memcpy(detail, "INBOX", 5);
		FUZZ_CHECK(strcmp(decoded, detail) == 0);
		FUZZ_CHECK(strcasecmp(detail, "inbox") != 0);
	}
	mailbox_free(&mailbox);
	free(detail);
	return 0;
}
