/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A right side in the first line, and the user part and detail of a recipient in the two behind it.
 * What a target is, and how many addresses it has, is settled before anything of a recipient is
 * put in; each address can be written, and is parsed as one address with that local part.
 */
#include "map.h"

#include <string.h>

#include "fuzz.h"

/* "local@domain" as SMTP would carry it once quotes are stripped. */
static void
is_one_address(const struct target_address *address)
{
	struct address parsed;
	struct err err;
	char *quoted = address_quote_local(address->local);
	char *whole;
	int rc;

	FUZZ_CHECK(quoted != NULL && *address->local != '\0');
	if (address->domain != NULL) {
		FUZZ_CHECK(asprintf(&whole, "%s@%s", address->local, address->domain) != -1);
		rc = address_parse(&parsed, whole, &err);
		FUZZ_CHECK(rc == 0 || strlen(whole) > ADDRESS_MAX);
		if (rc == 0) {
			FUZZ_CHECK(strcmp(parsed.domain, address->domain) == 0);
			address_free(&parsed);
		}
		free(whole);
	}
	free(quoted);
}

static void
compare(const struct target *bare, const char *text, const struct target_args *args)
{
	struct target target;
	struct err err = { .num = -1 };

	if (target_parse(&target, text, args, &err) == -1) {
		FUZZ_CHECK(err.num == 0 && err.text[0] != '\0');
		return;
	}
	FUZZ_CHECK(target.kind == bare->kind && target.naddresses == bare->naddresses);
	FUZZ_CHECK(target.temporary == bare->temporary && target.nouser == bare->nouser);
	FUZZ_CHECK(strcmp(target.status, bare->status) == 0);
	for (size_t i = 0; i < target.naddresses; i++)
		is_one_address(&target.addresses[i]);
	target_free(&target);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *line, *user, *detail, plus[1024] = "+";
	struct target_args args = { .whole = "key" };
	struct target bare;
	struct err err = { .num = -1 };

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	line = strsep(&rest, "\n");
	user = strsep(&rest, "\n");
	detail = strsep(&rest, "\n");
	args.user = user;
	args.detail = detail;
	if (detail != NULL && strlen(detail) < sizeof(plus) - 1) {
		strcat(plus, detail);
		args.plus = plus;
	}
	if (target_parse(&bare, line, NULL, &err) == 0) {
		compare(&bare, line, &args);
		target_free(&bare);
	} else {
		FUZZ_CHECK(err.num == 0 && err.text[0] != '\0');
	}
	free(text);
	return 0;
}
