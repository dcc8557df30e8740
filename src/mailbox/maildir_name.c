/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Maildir file names, as maildir(5) and Maildir++ write them: "TIME.UNIQUE.HOST,S=SIZE:2,FLAGS".
 * Names come from whoever wrote them and hold any byte but '/' and NUL: nothing here trusts
 * their form, and a part that is not as it should be counts as not there.
 */
#include <string.h>

#include "scan.h"

/* The digits at p as a number: false without any, or if it is beyond 18 digits. */
static bool
pass_number(const char **p, const char *end, uint64_t *value)
{
	const char *start = *p;

	*value = 0;
	while (*p < end && **p >= '0' && **p <= '9')
		*value = 10 * *value + (uint64_t)(*(*p)++ - '0');
	return *p > start && *p - start <= 18;
}

/* "M123456" among the parts of UNIQUE: microseconds, not always padded to six digits. */
static uint64_t
microseconds(const char *p, const char *end)
{
	uint64_t value;

	while (p < end && *p != 'M' && *p != '.' && *p != ',')
		p++;
	if (p == end || *p++ != 'M')
		return 0;
	return pass_number(&p, end, &value) ? value : 0;
}

/* The number of ",S=123" or ",W=123", which ends at the next comma or with the name. */
static bool
size_of(const char *p, const char *end, char letter, uint64_t *size)
{
	while ((p = memchr(p, ',', (size_t)(end - p))) != NULL) {
		p++;
		if (end - p < 2 || p[0] != letter || p[1] != '=')
			continue;
		p += 2;
		if (pass_number(&p, end, size) && (p == end || *p == ','))
			return true;
	}
	return false;
}

static unsigned
flags_of(const char *letters)
{
	static const struct {
		char letter;
		unsigned flag;
	} known[] = {
		{ 'D', SCAN_DRAFT },
		{ 'F', SCAN_FLAGGED },
		{ 'P', SCAN_PASSED },
		{ 'R', SCAN_ANSWERED },
		{ 'S', SCAN_SEEN },
		{ 'T', SCAN_DELETED },
	};
	unsigned flags = 0;

	/* A comma ends the flags; what some programs put behind it is theirs. */
	for (; *letters != '\0' && *letters != ','; letters++)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (*letters == known[i].letter)
				flags |= known[i].flag;
	return flags;
}

void
maildir_name_parse(const char *name, struct maildir_name *out)
{
	const char *colon = strchr(name, ':'), *p = name, *end;
	uint64_t seconds;

	memset(out, 0, sizeof(*out));
	out->base_len = colon != NULL ? (size_t)(colon - name) : strlen(name);
	end = name + out->base_len;
	out->time = (time_t)-1;
	if (pass_number(&p, end, &seconds) && p < end && *p == '.') {
		out->time = (time_t)seconds;
		out->order = microseconds(p + 1, end);
	}
	out->sized = size_of(name, end, 'S', &out->size);
	if (!size_of(name, end, 'W', &out->wire_size))
		out->wire_size = 0;
	if (colon != NULL && colon[1] == '2' && colon[2] == ',')
		out->flags = flags_of(colon + 3);
}
