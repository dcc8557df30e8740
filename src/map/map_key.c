/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Left sides of the map. Two spellings of one address are one key here as they are in
 * address_parse, which does the folding; quotes and backslashes go, because sendmail hands over
 * local parts without them. What no recipient could ever match is malformed.
 */
#include "map_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "map.h"

/* The last '@' outside quotes, or NULL. *balanced says whether the quotes are closed. */
static const char *
find_at(const char *key, size_t len, int *balanced)
{
	const char *at = NULL;
	int quoted = 0;

	for (size_t i = 0; i < len; i++) {
		if (key[i] == '\\')
			i++;
		else if (key[i] == '"')
			quoted = !quoted;
		else if (key[i] == '@' && !quoted)
			at = key + i;
	}
	*balanced = !quoted;
	return at;
}

/* Copy a local part without its quotes and backslashes. Bytes written, or -1 when there is no
 * room. */
static long
unquote(char *out, size_t room, const char *local, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (local[i] == '"')
			continue;
		if (local[i] == '\\' && i + 1 < len)
			i++;
		if (n == room)
			return -1;
		out[n++] = local[i];
	}
	return (long)n;
}

/* prefix: "@" for a catch-all, "" for a .parent, which keeps its dot. */
static int
fold_domain(char *out, const char *prefix, const char *domain, size_t len, struct err *err)
{
	char *folded;
	size_t room = MAP_KEY_ROOM - 1;

	if (memchr(domain, '\0', len) != NULL)
		return err_set(err, 0, "the domain holds a NUL byte");
	if ((folded = address_fold_domain(domain, len, err)) == NULL)
		return -1;
	if (strlen(folded) + strlen(prefix) > room) {
		free(folded);
		return err_set(err, 0, "the domain is too long");
	}
	strcpy(stpcpy(out, prefix), folded);
	free(folded);
	return 0;
}

static int
fold_address(char *out, const char *key, const char *at, size_t len, struct err *err)
{
	char plain[ADDRESS_MAX + 2];
	struct address address;
	size_t domain_len = (size_t)(key + len - at); /* with the '@' */
	long local_len = unquote(plain, sizeof(plain) - 1, key, (size_t)(at - key));
	int failed = 0;

	if (local_len == -1 || (size_t)local_len + domain_len > ADDRESS_MAX)
		return err_set(err, 0, "the address is longer than %d bytes", ADDRESS_MAX);
	memcpy(plain + local_len, at, domain_len);
	plain[(size_t)local_len + domain_len] = '\0';
	if (strlen(plain) != (size_t)local_len + domain_len)
		return err_set(err, 0, "the address holds a NUL byte");
	if (address_parse(&address, plain, err) == -1)
		return -1;
	if (strlen(address.local) + strlen(address.domain) + 2 > MAP_KEY_ROOM)
		failed = err_set(err, 0, "the address is too long");
	else
		strcpy(stpcpy(stpcpy(out, address.local), "@"), address.domain);
	address_free(&address);
	return failed;
}

int
map_key_fold_into(char out[MAP_KEY_ROOM], const char *key, size_t len, struct err *err)
{
	int balanced;
	const char *at = find_at(key, len, &balanced);

	if (len == 0)
		return err_set(err, 0, "the left side is empty");
	if (!balanced)
		return err_set(err, 0, "a quote is not closed");
	if (len == 1 && *key == '@') {
		strcpy(out, "@");
		return 0;
	}
	if (at == NULL)
		return fold_domain(out, *key == '.' ? "" : "@", key, len, err);
	if (at + 1 < key + len && at[1] == '.')
		return err_set(
		    err, 0, "a catch-all for subdomains is written .domain, without a '@'");
	if (at == key)
		return fold_domain(out, "@", key + 1, len - 1, err);
	return fold_address(out, key, at, len, err);
}

char *
map_key_fold(const char *key, struct err *err)
{
	char folded[MAP_KEY_ROOM], *copy;

	if (map_key_fold_into(folded, key, strlen(key), err) == -1)
		return NULL;
	if ((copy = strdup(folded)) == NULL)
		err_set(err, ENOMEM, "fold %.100s", key);
	return copy;
}

const char *
map_key_group(const char *key, char scratch[MAP_KEY_ROOM])
{
	const char *at = strrchr(key, '@');
	size_t local_len;

	if (at == NULL || strcmp(key, "@") == 0)
		return key;
	local_len = (size_t)(at - key);
	if (local_len < 2 || at[-2] != '+' || (at[-1] != '+' && at[-1] != '*'))
		return local_len == 0 ? at + 1 : key;
	if (local_len == 2)
		return at + 1;
	memcpy(scratch, key, local_len - 2);
	strcpy(scratch + local_len - 2, at);
	return scratch;
}

const char *
map_key_domain(const char *key)
{
	const char *at = strrchr(key, '@');

	if (at == NULL)
		return key;
	return at[1] != '\0' ? at + 1 : NULL;
}

const char *
map_key_parent(const char *domain)
{
	return *domain == '\0' ? NULL : strchr(domain + 1, '.');
}
