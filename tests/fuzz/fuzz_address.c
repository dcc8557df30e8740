/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a recipient, a domain and a local part. Beyond not crashing: a refusal says
 * why, folding is idempotent, parts make up the whole, a quoted local part is one word.
 */
#include "address.h"

#include <string.h>

#include "fuzz.h"

static void
domain(const uint8_t *data, size_t size)
{
	struct err err = { .num = -1 };
	char *once = address_fold_domain((const char *)data, size, &err), *twice;

	if (once == NULL) {
		FUZZ_CHECK(err.num == 0 && err.text[0] != '\0');
		return;
	}
	FUZZ_CHECK(*once != '\0' && strlen(once) <= ADDRESS_DOMAIN_MAX);
	for (const char *p = once; *p != '\0'; p++)
		FUZZ_CHECK(*p > 0x20 && *p < 0x7f && *p != '@' && (*p < 'A' || *p > 'Z'));
	twice = address_fold_domain(once, strlen(once), &err);
	FUZZ_CHECK(twice != NULL && strcmp(once, twice) == 0);
	free(once);
	free(twice);
}

static void
local(const char *text)
{
	struct err err;
	char *once = address_fold_local(text, strlen(text), &err);
	char *twice = address_fold_local(once, strlen(once), &err);

	FUZZ_CHECK(strcmp(once, twice) == 0);
	free(once);
	free(twice);
}

static void
quote(const char *text)
{
	char *quoted = address_quote_local(text);
	const char *p;

	if (quoted == NULL)
		return;
	if (*quoted != '"') {
		FUZZ_CHECK(strcmp(quoted, text) == 0 && strpbrk(text, " \",<>@[]\\:;()") == NULL);
	} else {
		for (p = quoted + 1; *p != '"'; p++) {
			p += *p == '\\';
			FUZZ_CHECK(*p == *text++ && *p != '\0');
		}
		FUZZ_CHECK(p[1] == '\0' && *text == '\0');
	}
	free(quoted);
}

static void
whole(const char *text)
{
	struct address a;
	struct err err = { .num = -1 };
	size_t user;

	if (address_parse(&a, text, &err) == -1) {
		FUZZ_CHECK(err.num == 0 && err.text[0] != '\0' && a.local == NULL);
		return;
	}
	user = strlen(a.user);
	FUZZ_CHECK(user > 0 && strncmp(a.local, a.user, user) == 0);
	FUZZ_CHECK((a.detail == NULL) == (a.original_detail == NULL));
	if (a.detail == NULL)
		FUZZ_CHECK(a.local[user] == '\0');
	else
		FUZZ_CHECK(a.local[user] == '+' && strcmp(a.local + user + 1, a.detail) == 0);
	FUZZ_CHECK((a.domain == NULL) == (strchr(text, '@') == NULL));
	FUZZ_CHECK(a.domain == NULL || *a.domain != '.');
	address_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	domain(data, size);
	local(text);
	quote(text);
	whole(text);
	free(text);
	return 0;
}
