/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Paths and parameters. A path is read as RFC 5321 4.1.2 has it. If that fails it is what stands
 * between '<' and the first '>' behind which there is nothing but parameters: sendmail, asked to
 * strip quotes (F=s), sends <a b@d>, <a"b@d> and <|prog@d>, and these are people of the map, too.
 */
#include "lmtp_path.h"

#include <stdbool.h>
#include <string.h>

#include "text.h"

/* ---- parameters -------------------------------------------------------------------------------
 */

static bool
is_keyword_char(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c == '-' && !first);
}

/* One parameter "KEYWORD" or "KEYWORD=VALUE": pointers into the text. */
struct parameter {
	const char *name, *value; /* value NULL: none */
	size_t name_len, value_len;
};

/* The next parameter behind blanks. 1, 0 at the end, -1 malformed. */
static int
next_parameter(const char **text, struct parameter *out)
{
	const char *p = *text + strspn(*text, " ");

	*out = (struct parameter){ .name = p };
	if (*p == '\0')
		return 0;
	while (is_keyword_char(*p, p == out->name))
		p++;
	out->name_len = (size_t)(p - out->name);
	if (*p == '=') {
		out->value = ++p;
		/* No blank, no control character, no '='; UTF-8 may be in an ORCPT (RFC 6533). */
		while ((unsigned char)*p > ' ' && *p != '=' && *p != 127)
			p++;
		out->value_len = (size_t)(p - out->value);
		if (out->value_len == 0)
			return -1;
	}
	if (out->name_len == 0 || (*p != ' ' && *p != '\0'))
		return -1;
	*text = p;
	return 1;
}

static bool
are_parameters(const char *text)
{
	struct parameter ignored;
	int got;

	if (*text != '\0' && *text != ' ')
		return false;
	while ((got = next_parameter(&text, &ignored)) == 1)
		continue;
	return got == 0;
}

static bool
take_nothing(struct lmtp_parameters *out, const struct parameter *p)
{
	(void)out, (void)p;
	return true;
}

static bool
take_size(struct lmtp_parameters *out, const struct parameter *p)
{
	if (p->value == NULL ||
	    p->value_len > 19) /* 20 digits are RFC 1870's, and 64 bits'; 19 do */
		return false;
	out->size = 0;
	for (size_t i = 0; i < p->value_len; i++) {
		if (p->value[i] < '0' || p->value[i] > '9')
			return false;
		out->size = 10 * out->size + (uint64_t)(p->value[i] - '0');
	}
	return true;
}

static bool
take_body(struct lmtp_parameters *out, const struct parameter *p)
{
	(void)out;
	return p->value != NULL && (text_is_word("7BIT", p->value, p->value_len) ||
	                               text_is_word("8BITMIME", p->value, p->value_len));
}

static bool
take_utf8(struct lmtp_parameters *out, const struct parameter *p)
{
	out->notice.utf8 = 1;
	return p->value == NULL;
}

static bool
take_ret(struct lmtp_parameters *out, const struct parameter *p)
{
	if (p->value != NULL)
		lmtp_notice_ret(&out->notice, p->value, p->value_len);
	return p->value != NULL;
}

static bool
take_envid(struct lmtp_parameters *out, const struct parameter *p)
{
	if (p->value != NULL)
		lmtp_notice_envid(&out->notice, p->value, p->value_len);
	return p->value != NULL;
}

static bool
take_notify(struct lmtp_parameters *out, const struct parameter *p)
{
	if (p->value != NULL)
		lmtp_notice_notify(&out->notice, p->value, p->value_len);
	return p->value != NULL;
}

static bool
take_orcpt(struct lmtp_parameters *out, const struct parameter *p)
{
	if (p->value != NULL)
		lmtp_notice_orcpt(&out->notice, p->value, p->value_len);
	return p->value != NULL;
}

static const struct {
	const char *name;
	bool of_mail;
	bool (*take)(struct lmtp_parameters *out, const struct parameter *p);
} known[] = {
	{ "SIZE", true, take_size },     /* RFC 1870 */
	{ "BODY", true, take_body },     /* RFC 6152 */
	{ "SMTPUTF8", true, take_utf8 }, /* RFC 6531 */
	{ "AUTH", true, take_nothing },  /* RFC 4954 */
	{ "RET", true, take_ret }, /* RFC 3461, as those below: not offered, but some send it */
	{ "ENVID", true, take_envid },
	{ "NOTIFY", false, take_notify },
	{ "ORCPT", false, take_orcpt },
};

/* RFC 5321 4.1.1.11 has 555 for a parameter that is not known; wrong syntax is 501. */
static int
refuse(struct outcome *refusal, const char *code, const struct parameter *p, const char *why)
{
	int len = p->name_len > 64 ? 64 : (int)p->name_len;

	outcome_reject(refusal, "5.5.4", "%.*s%s%s", len, p->name, len == 0 ? "" : ": ", why);
	outcome_reply(refusal, code);
	return -1;
}

/* `seen`: a bit for each that was there already. */
static int
take_parameter(struct lmtp_parameters *out, const struct parameter *p, bool is_mail, unsigned *seen,
    struct outcome *refusal)
{
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].of_mail != is_mail ||
		    !text_is_word(known[i].name, p->name, p->name_len))
			continue;
		if ((*seen & 1U << i) != 0)
			return refuse(refusal, "501", p, "more than once");
		*seen |= 1U << i;
		if (!known[i].take(out, p))
			return refuse(refusal, "501", p, "no such value");
		return 0;
	}
	return refuse(refusal, "555", p, "no such parameter");
}

int
lmtp_parameters_read(
    struct lmtp_parameters *out, const char *text, int is_mail, struct outcome *refusal)
{
	struct parameter p;
	unsigned seen = 0;
	int got;

	*out = (struct lmtp_parameters){ 0 };
	while ((got = next_parameter(&text, &p)) == 1)
		if (take_parameter(out, &p, is_mail != 0, &seen, refusal) == -1)
			return -1;
	return got == 0 ? 0 : refuse(refusal, "501", &p, "malformed parameter");
}

/* ---- paths ------------------------------------------------------------------------------------
 */

/* What an address is put together in; too long is seen at the end. */
struct writer {
	char *out;
	size_t len; /* also beyond ADDRESS_MAX */
};

static void
put(struct writer *w, char c)
{
	if (w->len < ADDRESS_MAX)
		w->out[w->len] = c;
	w->len++;
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

static bool
is_atom_char(char c)
{
	return !is_control(c) && c != ' ' && strchr("<>()[]\\,;:@\"", c) == NULL;
}

/* "@a,@b:" in front of an address means nothing any more (RFC 5321, appendix C). NULL: malformed.
 */
static const char *
skip_route(const char *p)
{
	while (*p == '@') {
		p++;
		if (*p == '[')
			p += strcspn(p, "]>");
		p += strcspn(p, ",:> ");
		if (*p == ',')
			p++;
		else
			return *p == ':' ? p + 1 : NULL;
	}
	return NULL;
}

static const char *
read_quoted(const char *p, struct writer *w)
{
	for (; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (is_control(*p)) /* the end, too */
			return NULL;
		put(w, *p);
	}
	return p + 1;
}

static const char *
read_local(const char *p, struct writer *w)
{
	const char *start = p;

	if (*p == '"')
		return read_quoted(p + 1, w);
	while (is_atom_char(*p))
		put(w, *p++);
	return p > start ? p : NULL;
}

static const char *
read_domain(const char *p, struct writer *w)
{
	const char *start = p;

	if (*p == '[') {
		while (*p != ']' && !is_control(*p) && *p != ' ' && *p != '>')
			put(w, *p++);
		if (*p != ']')
			return NULL;
		put(w, *p++);
		return p;
	}
	/* Underscores and all: whether there is such a domain is for the map to say. */
	while (is_atom_char(*p))
		put(w, *p++);
	return p > start ? p : NULL;
}

/* The path's '>': behind it, NULL if it is none. */
static const char *
read_end(const char *p)
{
	return *p == '>' && (p[1] == ' ' || p[1] == '\0') ? p + 1 : NULL;
}

/* Behind '<'; the result is behind '>', NULL if it is not as RFC 5321 has it. */
static const char *
read_strictly(const char *p, struct writer *w)
{
	w->len = 0;
	if (*p == '>')
		return read_end(p);
	if (*p == '@' && (p = skip_route(p)) == NULL)
		return NULL;
	if ((p = read_local(p, w)) == NULL)
		return NULL;
	if (*p == '@') {
		put(w, *p++);
		if ((p = read_domain(p, w)) == NULL)
			return NULL;
	}
	return read_end(p);
}

static const char *
read_as_it_is(const char *start, struct writer *w)
{
	const char *p = start;

	w->len = 0;
	while (*p != '\0' && !(*p == '>' && are_parameters(p + 1)) && !is_control(*p))
		p++;
	if (*p != '>' || *start == '>') /* "<>" is the null sender's, whatever follows */
		return NULL;
	while (start < p)
		put(w, *start++);
	return p + 1;
}

int
lmtp_path_read(struct lmtp_path *out, const char *text, const char **rest, const char **why)
{
	struct writer w = { out->address, 0 };

	*why = "no address in angle brackets";
	if (*text != '<')
		return -1;
	*rest = read_strictly(text + 1, &w);
	if (*rest == NULL || !are_parameters(*rest))
		*rest = read_as_it_is(text + 1, &w);
	/* A path all the same; what is wrong is said of the parameters. */
	if (*rest == NULL)
		*rest = read_strictly(text + 1, &w);
	if (*rest == NULL)
		return -1;
	*why = "address too long";
	if (w.len > ADDRESS_MAX)
		return -1;
	out->address[w.len] = '\0';
	return 0;
}
