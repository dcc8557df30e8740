/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Addresses as sendmail hands them over: what is refused, how the rest is folded and split,
 * and properties that hold for whatever bytes come: folding is idempotent, ignores case and
 * composition, and quoting can be undone.
 */
#include "address.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- parse ------------------------------------------------------------------------------------
 */

static const struct parsed {
	const char *recipient;
	const char *user, *detail, *domain, *original_detail;
} parsed[] = {
	{ "bob@one.example", "bob", NULL, "one.example", NULL },
	{ "Bob@ONE.Example.", "bob", NULL, "one.example", NULL },
	{ "bob", "bob", NULL, NULL, NULL },
	{ "Bob+Lists", "bob", "lists", NULL, "Lists" },
	{ "Bob+Lists@d.example", "bob", "lists", "d.example", "Lists" },
	{ "bob+@d", "bob", "", "d", "" },
	{ "bob+a+B@d", "bob", "a+b", "d", "a+B" },
	{ "bob++x@d", "bob", "+x", "d", "+x" },
	{ "+x@d", "+x", NULL, "d", NULL },
	{ "+@d", "+", NULL, "d", NULL },
	{ "++@d", "+", "", "d", "" },
	{ "+x+Y@d", "+x", "y", "d", "Y" },
	/* as sendmail hands them over once the quotes are off */
	{ "-oops@d", "-oops", NULL, "d", NULL },
	{ "../../etc/x@d", "../../etc/x", NULL, "d", NULL },
	{ "|/bin/sh@d", "|/bin/sh", NULL, "d", NULL },
	{ ":include:/x@d", ":include:/x", NULL, "d", NULL },
	{ "a b@d", "a b", NULL, "d", NULL },
	{ "a\"b@d", "a\"b", NULL, "d", NULL },
	{ "\"a b\"@d", "\"a b\"", NULL, "d", NULL },
	{ "a\\b@d", "a\\b", NULL, "d", NULL },
	{ "A@B@d", "a@b", NULL, "d", NULL },
	{ "a@@d", "a@", NULL, "d", NULL },
	{ "root,x@d", "root,x", NULL, "d", NULL },
	{ "<a>@d", "<a>", NULL, "d", NULL },
	{ ".a..b.@d", ".a..b.", NULL, "d", NULL },
	{ "a%h@d", "a%h", NULL, "d", NULL },
	{ "h!a@d", "h!a", NULL, "d", NULL },
	{ "%s%n@d", "%s%n", NULL, "d", NULL },
	{ " a @d", " a ", NULL, "d", NULL },
	{ "a\x80\xff\xc3@d", "a\x80\xff\xc3", NULL, "d", NULL },
	{ "A\xc3\x84\x80@d", "a\xc3\x84\x80", NULL, "d", NULL }, /* not UTF-8: only ASCII folds */
	{ "M\xc3\x9cLLER+\xc3\x84@d", "m\xc3\xbcller", "\xc3\xa4", "d", "\xc3\x84" },
	{ "mu\xcc\x88ller@d", "m\xc3\xbcller", NULL, "d", NULL },
	{ "stra\xc3\x9f"
	  "e@d",
	    "stra\xc3\x9f"
	    "e",
	    NULL, "d", NULL },
	/* domains */
	{ "a@under_score.Example", "a", NULL, "under_score.example", NULL },
	{ "a@-x-.example", "a", NULL, "-x-.example", NULL },
	{ "a@192.0.2.1", "a", NULL, "192.0.2.1", NULL },
	{ "a@[192.0.2.1]", "a", NULL, "[192.0.2.1]", NULL },
	{ "a@[IPv6:2001:DB8::1]", "a", NULL, "[ipv6:2001:db8::1]", NULL },
	{ "a@b\xc3\xbc"
	  "cher.example",
	    "a", NULL, "xn--bcher-kva.example", NULL },
	{ "a@B\xc3\x9c"
	  "CHER.example.",
	    "a", NULL, "xn--bcher-kva.example", NULL },
	{ "a@bu\xcc\x88"
	  "cher.example",
	    "a", NULL, "xn--bcher-kva.example", NULL },
	{ "a@XN--BCHER-KVA.example", "a", NULL, "xn--bcher-kva.example", NULL },
	{ "a@stra\xc3\x9f"
	  "e.example",
	    "a", NULL, "xn--strae-oqa.example", NULL },
	{ "a@b\xc3\xbc"
	  "cher\xe3\x80\x82"
	  "example\xe3\x80\x82",
	    "a", NULL, "xn--bcher-kva.example", NULL },             /* U+3002 is a dot in UTS #46 */
	{ "a@\xef\xbd\x84.example", "a", NULL, "d.example", NULL }, /* full-width d */
	{ "a@my_\xc3\xbc.example", "a", NULL, "xn--my_-joa.example", NULL },
};

static void
assert_str(const char *what, const char *recipient, const char *got, const char *expected)
{
	if (got == NULL || expected == NULL)
		ck_assert_msg(got == expected, "%s of \"%s\": \"%s\", not \"%s\"", what, recipient,
		    got != NULL ? got : "NULL", expected != NULL ? expected : "NULL");
	else
		ck_assert_msg(strcmp(got, expected) == 0, "%s of \"%s\": \"%s\", not \"%s\"", what,
		    recipient, got, expected);
}

START_TEST(parse)
{
	const struct parsed *p = &parsed[_i];
	struct address a;
	struct err err;
	char local[256];

	ck_assert_msg(address_parse(&a, p->recipient, &err) == 0, "%s: %s", p->recipient, err.text);
	snprintf(local, sizeof(local), "%s%s%s", p->user, p->detail != NULL ? "+" : "",
	    p->detail != NULL ? p->detail : "");
	assert_str("local", p->recipient, a.local, local);
	assert_str("user", p->recipient, a.user, p->user);
	assert_str("detail", p->recipient, a.detail, p->detail);
	assert_str("domain", p->recipient, a.domain, p->domain);
	assert_str("original detail", p->recipient, a.original_detail, p->original_detail);
	address_free(&a);
	ck_assert_ptr_null(a.local);
	address_free(&a);
}
END_TEST

#define IDNA "the domain is not one of IDNA 2008: "

static const struct {
	const char *recipient;
	const char *why;
} refused[] = {
	{ "", "the address is empty" },
	{ "@", "the local part is empty" },
	{ "@d", "the local part is empty" },
	{ "a@", "the domain is empty" },
	{ "a@.", "the domain has an empty label" },
	{ "a@..", "the domain has an empty label" },
	{ "a@.d", "the domain has an empty label" },
	{ "a@d..", "the domain has an empty label" },
	{ "a@d..e", "the domain has an empty label" },
	{ "a\n@d", "the address holds a control character" },
	{ "a\r@d", "the address holds a control character" },
	{ "a\t@d", "the address holds a control character" },
	{ "\x01", "the address holds a control character" },
	{ "a@d\x7f", "the address holds a control character" },
	{ "a@d e", "the domain holds a character that no domain has" },
	{ "a@d/../e", "the domain holds a character that no domain has" },
	{ "a@d:25", "the domain holds a character that no domain has" },
	{ "a@d>", "the domain holds a character that no domain has" },
	{ "a@*.d", "the domain holds a character that no domain has" },
	{ "a@d+x", "the domain holds a character that no domain has" },
	{ "a@[", "the domain literal is not closed, or empty" },
	{ "a@[]", "the domain literal is not closed, or empty" },
	{ "a@[192.0.2.1", "the domain literal is not closed, or empty" },
	{ "a@[192.0.2.1].", "the domain literal is not closed, or empty" },
	{ "a@[a b]", "the domain literal holds a character that no address has" },
	{ "a@[[1]]", "the domain literal holds a character that no address has" },
	{ "a@192.0.2.1]", "the domain holds a character that no domain has" },
	{ "a@\xff.example", "the domain is neither ASCII nor UTF-8" },
	{ "a@b\xc3", "the domain is neither ASCII nor UTF-8" },
	{ "a@\xed\xa0\x80.example", "the domain is neither ASCII nor UTF-8" }, /* a surrogate */
	{ "a@\xc0\xae.example", "the domain is neither ASCII nor UTF-8" },     /* overlong '.' */
	{ "a@\xe2\x80\xa8.example", IDNA "string contains a disallowed character" }, /* U+2028 */
	{ "a@\xcc\x88"
	  "a.example",
	    IDNA "string contains a forbidden leading combining character" },
	{ "a@\xef\xbc\xa0", "the domain holds a character that no domain has" }, /* full-width @ */
	{ "a@\xc2\xad",
	    "the domain is empty" }, /* only a soft hyphen, which is mapped to nothing */
	{ "a@\xe3\x80\x82"
	  "d",
	    "the domain has an empty label" },
};

static void
assert_refused(const char *recipient, const char *why)
{
	static const struct address empty;
	struct address a;
	struct err err = { .num = -1 };

	ck_assert_msg(address_parse(&a, recipient, &err) == -1, "\"%s\" was taken", recipient);
	ck_assert_str_eq(err.text, why);
	ck_assert_int_eq(err.num, 0);
	ck_assert_mem_eq(&a, &empty, sizeof(a));
}

START_TEST(refuse)
{
	assert_refused(refused[_i].recipient, refused[_i].why);
}
END_TEST

static void
assert_taken(const char *recipient)
{
	struct address a;
	struct err err;

	ck_assert_msg(address_parse(&a, recipient, &err) == 0, "%s: %s", recipient, err.text);
	address_free(&a);
}

static char *
repeat(char *out, const char *piece, size_t times)
{
	for (size_t i = 0; i < times; i++)
		out = stpcpy(out, piece);
	return out;
}

/* Each limit is reached, then passed by one byte. */
START_TEST(limits)
{
	char text[2048], *p;

	p = repeat(text, "a", 65); /* VERP and SRS go beyond RFC 5321's 64 */
	assert_taken(text);
	strcpy(p, "@d");
	assert_taken(text);
	p = repeat(text, "a", 996);
	strcpy(p, "@d");
	assert_taken(text);
	strcpy(p, "a@d");
	assert_refused(text, "the address is longer than 998 bytes");

	p = repeat(stpcpy(text, "a@"), "b", 63);
	assert_taken(text);
	strcpy(p, "b");
	assert_refused(text, "the domain has a label longer than 63 bytes");

	p = repeat(stpcpy(text, "a@"), "b.", 127); /* 254 bytes */
	strcpy(p, "c");
	assert_taken(text);
	strcpy(p, "cc");
	assert_refused(text, "the domain is longer than 255 bytes");

	p = repeat(stpcpy(text, "a@"), "\xc3\xbc.", 85); /* 255 bytes, A-labels longer */
	assert_refused(text, IDNA "domain name longer than 255 characters");
	strcpy(p, "a");
	assert_refused(text, "the domain is longer than 255 bytes");

	p = repeat(text, "a", 998);
	assert_taken(text);
	strcpy(p, "a");
	assert_refused(text, "the address is longer than 998 bytes");
}
END_TEST

/* ---- domains alone ----------------------------------------------------------------------------
 */

static const struct {
	const char *domain;
	const char *folded; /* NULL: refused */
} domains[] = {
	{ "One.Example", "one.example" },
	{ ".One.Example.", ".one.example" },
	{ ".B\xc3\xbc"
	  "cher.Example",
	    ".xn--bcher-kva.example" },
	{ "", NULL },
	{ ".", NULL },
	{ "..", NULL },
	{ "..d", NULL },
	{ ".[192.0.2.1]", NULL },
	{ "@d", NULL },
	{ ".\xe3\x80\x82"
	  "d",
	    NULL },
};

START_TEST(fold_domain)
{
	struct err err = { .num = -1 };
	char *folded = address_fold_domain(domains[_i].domain, strlen(domains[_i].domain), &err);

	assert_str("fold", domains[_i].domain, folded, domains[_i].folded);
	ck_assert(folded != NULL || err.num == 0);
	free(folded);
}
END_TEST

/* The length counts, not a NUL behind it. */
START_TEST(fold_part)
{
	struct err err;
	char *folded = address_fold_domain("One.ExampleXYZ", 11, &err);

	ck_assert_str_eq(folded, "one.example");
	free(folded);
	ck_assert_ptr_null(address_fold_domain("a\0.example", 10, &err));
	ck_assert_ptr_null(address_fold_domain("[1\0]", 4, &err));
	ck_assert_ptr_null(address_fold_domain("\xc3\xbc\0.example", 11, &err));
	folded = address_fold_local("BOB@d", 3, &err);
	ck_assert_str_eq(folded, "bob");
	free(folded);
	folded = address_fold_local("", 0, &err);
	ck_assert_str_eq(folded, "");
	free(folded);
}
END_TEST

/* ---- quoting ----------------------------------------------------------------------------------
 */

static const struct {
	const char *local;
	const char *quoted; /* NULL: refused */
} quoted[] = {
	{ "bob", "bob" },
	{ "bob+x.y", "bob+x.y" },
	{ "!#$%&'*+-/=?^_`{|}~", "!#$%&'*+-/=?^_`{|}~" },
	{ "m\xc3\xbcller", "m\xc3\xbcller" },
	{ "", "\"\"" },
	{ "root,x", "\"root,x\"" },
	{ "a b", "\"a b\"" },
	{ " ", "\" \"" },
	{ "a@b", "\"a@b\"" },
	{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "<>", "\"<>\"" },
	{ "a:b;c", "\"a:b;c\"" },
	{ "(a)[b]", "\"(a)[b]\"" },
	{ ".a", "\".a\"" },
	{ "a.", "\"a.\"" },
	{ "a..b", "\"a..b\"" },
	{ ".", "\".\"" },
	{ "a\xff", "\"a\xff\"" },
	{ "a\r\nDATA", NULL },
	{ "a\tb", NULL },
	{ "\x7f", NULL },
};

START_TEST(quote)
{
	char *got = address_quote_local(quoted[_i].local);

	assert_str("quoting", quoted[_i].local, got, quoted[_i].quoted);
	free(got);
}
END_TEST

/* ---- properties -------------------------------------------------------------------------------
 */

/* Marsaglia's xorshift: the same bytes in every run. */
static uint32_t
next_random(void)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* What breaks parsers, and what folds in surprising ways: combining marks, sigmas, the
 * Kelvin sign, I with dot, sharp s, ligatures, dots and '@' of other widths, stray bytes. */
static const char *const pieces[] = { "a", "B", "z", "Z", "0", "+", "+", "@", "@", ".", ".", "-",
	"_", " ", "\"", "\\", ",", "[", "]", ":", "/", "%", "xn--", "XN--", "example", "\xcc\x88",
	"\xcc\x81", "\xcc\xa3", "\xcd\x85", "\xce\xa3", "\xcf\x82", "\xcf\x83", "\xe2\x84\xaa",
	"\xc4\xb0", "\xc3\x9f", "\xe1\xba\x9e", "\xef\xac\x81", "\xe3\x80\x82", "\xef\xbc\xa0",
	"\xef\xbc\x8b", "\xc2\xad", "\xe2\x80\x8d", "\xe2\x80\x8b", "\xc3\x84", "\xd7\x90",
	"\xe0\xa4\x95\xe0\xa5\x8d", "\xe1\x84\x80\xe1\x85\xa1", "\xf0\x90\x90\x80",
	"\xf0\x9f\x98\x80", "\xff", "\x80", "\xc3", "\xe2\x80", "\n", "\x7f" };

#define RANDOM_MAX 96

static void
random_text(char out[RANDOM_MAX])
{
	size_t len = 0, n = next_random() % 12;

	for (size_t i = 0; i < n; i++) {
		const char *piece = pieces[next_random() % (uint32_t)COUNT(pieces)];

		strcpy(out + len, piece);
		len += strlen(piece);
	}
	out[len] = '\0';
}

#define ROUNDS 20000

static char *
fold_local(const char *local)
{
	struct err err;
	char *folded = address_fold_local(local, strlen(local), &err);

	ck_assert_ptr_nonnull(folded);
	return folded;
}

static void
assert_local_folds(const char *text)
{
	char *once = fold_local(text), *twice = fold_local(once);

	assert_str("folding twice", text, twice, once);
	free(once);
	free(twice);
}

START_TEST(local_is_idempotent)
{
	char text[RANDOM_MAX];

	for (int i = 0; i < ROUNDS; i++) {
		random_text(text);
		assert_local_folds(text);
	}
}
END_TEST

/* Every character by itself, and with a mark that may compose with it. */
START_TEST(all_characters)
{
	for (ucs4_t c = 1; c < 0x110000; c++) {
		char text[16];
		int len = u8_uctomb((uint8_t *)text, c, sizeof(text) - 3);

		if (len < 0)
			continue; /* a surrogate */
		text[len] = '\0';
		assert_local_folds(text);
		strcpy(text + len, "\xcc\x87");
		assert_local_folds(text);
	}
}
END_TEST

/* However it is composed and whatever the case of its ASCII, it is the same person. */
START_TEST(local_ignores_spelling)
{
	char text[RANDOM_MAX];

	for (int i = 0; i < ROUNDS; i++) {
		char *folded, *other, *decomposed;
		size_t len = 0;

		random_text(text);
		folded = fold_local(text);
		for (char *p = text; *p != '\0'; p++)
			if (*p >= 'a' && *p <= 'z' && (next_random() & 1))
				*p = (char)(*p - 'a' + 'A');
		other = fold_local(text);
		assert_str("other case", text, other, folded);
		free(other);
		if (u8_check((uint8_t *)text, strlen(text)) == NULL) {
			decomposed = (char *)u8_normalize(
			    UNINORM_NFD, (uint8_t *)text, strlen(text) + 1, NULL, &len);
			other = fold_local(decomposed);
			assert_str("decomposed", text, other, folded);
			free(other);
			free(decomposed);
		}
		free(folded);
	}
}
END_TEST

START_TEST(domain_is_idempotent)
{
	char text[RANDOM_MAX];
	int taken = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct err err = { .num = -1 };
		char *once, *twice;
		size_t len;

		random_text(text);
		once = address_fold_domain(text, strlen(text), &err);
		if (once == NULL) {
			ck_assert_int_eq(err.num, 0);
			ck_assert_str_ne(err.text, "");
			continue;
		}
		taken++;
		len = strlen(once);
		ck_assert(len > 0 && len <= ADDRESS_DOMAIN_MAX && once[len - 1] != '.');
		for (size_t k = 0; k < len; k++)
			ck_assert_msg(once[k] > 0x20 && once[k] < 0x7f && once[k] != '@' &&
			                  !(once[k] >= 'A' && once[k] <= 'Z'),
			    "\"%s\" became \"%s\"", text, once);
		twice = address_fold_domain(once, len, &err);
		assert_str("folding twice", text, twice, once);
		free(once);
		free(twice);
	}
	ck_assert_int_gt(taken, ROUNDS / 50);
}
END_TEST

/* Parsing what was parsed gives the same address, and the parts make up the whole. */
START_TEST(parse_is_idempotent)
{
	char text[RANDOM_MAX];
	int taken = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct address a, b;
		struct err err = { .num = -1 };
		char whole[4 * RANDOM_MAX];

		random_text(text);
		if (address_parse(&a, text, &err) == -1) {
			ck_assert_int_eq(err.num, 0);
			continue;
		}
		taken++;
		snprintf(whole, sizeof(whole), "%s%s%s", a.user, a.detail != NULL ? "+" : "",
		    a.detail != NULL ? a.detail : "");
		assert_str("local", text, a.local, whole);
		ck_assert((a.detail == NULL) == (a.original_detail == NULL));
		ck_assert(a.domain != NULL || strchr(text, '@') == NULL);
		snprintf(whole, sizeof(whole), "%s%s%s", a.local, a.domain != NULL ? "@" : "",
		    a.domain != NULL ? a.domain : "");
		if (strlen(whole) <= ADDRESS_MAX) {
			ck_assert_msg(address_parse(&b, whole, &err) == 0, "%s", err.text);
			assert_str("local", text, b.local, a.local);
			assert_str("user", text, b.user, a.user);
			assert_str("detail", text, b.detail, a.detail);
			assert_str("original detail", text, b.original_detail, a.detail);
			assert_str("domain", text, b.domain, a.domain);
			address_free(&b);
		}
		address_free(&a);
	}
	ck_assert_int_gt(taken, ROUNDS / 20);
}
END_TEST

/* RFC 5321 4.1.2 read backwards; "" where that is not possible. */
static void
unquote(char *out, const char *text)
{
	if (*text != '"') {
		strcpy(out, text);
		return;
	}
	for (text++; *text != '"' && *text != '\0'; text++) {
		if (*text == '\\')
			text++;
		*out++ = *text;
	}
	*out = '\0';
	ck_assert_msg(strcmp(text, "\"") == 0, "behind the quote: %s", text);
}

START_TEST(quoting_can_be_undone)
{
	char text[RANDOM_MAX], back[RANDOM_MAX];

	for (int i = 0; i < ROUNDS; i++) {
		char *got;

		random_text(text);
		got = address_quote_local(text);
		if (strpbrk(text, "\n\x7f") != NULL) {
			ck_assert_ptr_null(got);
			continue;
		}
		ck_assert_ptr_nonnull(got);
		unquote(back, got);
		assert_str("unquoting", text, back, text);
		ck_assert(*got == '"' || strpbrk(got, " \",<>@[]\\:") == NULL);
		free(got);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("address");
	TCase *tables = tcase_create("tables"), *properties = tcase_create("properties");

	tcase_add_loop_test(tables, parse, 0, COUNT(parsed));
	tcase_add_loop_test(tables, refuse, 0, COUNT(refused));
	tcase_add_test(tables, limits);
	tcase_add_loop_test(tables, fold_domain, 0, COUNT(domains));
	tcase_add_test(tables, fold_part);
	tcase_add_loop_test(tables, quote, 0, COUNT(quoted));
	suite_add_tcase(suite, tables);

	tcase_set_timeout(properties, 600); /* under valgrind, on a busy machine */
	tcase_add_test(properties, local_is_idempotent);
	tcase_add_test(properties, all_characters);
	tcase_add_test(properties, local_ignores_spelling);
	tcase_add_test(properties, domain_is_idempotent);
	tcase_add_test(properties, parse_is_idempotent);
	tcase_add_test(properties, quoting_can_be_undone);
	suite_add_tcase(suite, properties);

	return suite_run(suite);
}
