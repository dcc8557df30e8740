/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The LMTP engine: what it answers, what it asks for, and that neither depends on how the bytes
 * come in. Every conversation of the table is held in one piece, byte by byte, cut in two at every
 * place, and broken off at every place.
 */
#include <check.h>
#include <stdio.h>

#include "../../src/virtmda/lmtp_data.h"
#include "../../src/virtmda/lmtp_path.h"
#include "../../src/virtmda/reply.h"
#include "lmtp_tool.h"
#include "suite.h"

static const struct lmtp_limits limits = { .recipients = 3, .errors = 4, .message_size = 100 };

#define GREETING "220 host.example LMTP virtmda\r\n"
#define LHLO                                                                                       \
	"250-host.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n"        \
	"250-SMTPUTF8\r\n250 SIZE 100\r\n"
#define HELLO "LHLO me\r\n"
#define SIXTY "0123456789012345678901234567890123456789012345678901234567\r\n"
#define MAIL  "MAIL FROM:<a@b>\r\n"
#define RCPT  "RCPT TO:<joe@d>\r\n"
#define OK    "250 2.1.0 sender ok\r\n"
#define ROK   "250 2.1.5 recipient ok\r\n"
#define GO    "354 end with CRLF.CRLF\r\n"
#define DONE  "250 2.0.0 delivered 1\r\n"
#define BYE   "221 2.0.0 bye\r\n"

static const struct {
	const char *name, *in, *replies, *calls;
} talks[] = {
	{ "a message", HELLO MAIL RCPT "DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n",
	    GREETING LHLO OK ROK GO DONE BYE,
	    "begin <a@b>\nrecipient <joe@d>\nSubject: x\n\nhello\ndeliver\n" },
	{ "one reply for each accepted recipient, in order",
	    HELLO MAIL RCPT "RCPT TO:<nobody@d>\r\nRCPT TO:<full@d>\r\nRCPT TO:<ann@d>\r\n"
	                    "RCPT TO:<robert@d>\r\nRCPT TO:<trouble@d>\r\nDATA\r\nx\r\n.\r\n",
	    GREETING LHLO OK ROK
	    "550 5.1.1 no such user: nobody@d\r\n452 4.2.2 mailbox full\r\n" ROK
	    "550 5.7.1 go away\r\n451 4.3.0 no decision was reached\r\n" GO DONE
	    "452 4.3.1 disk full\r\n",
	    "begin <a@b>\nrecipient <joe@d>\nrecipient <nobody@d>\nrecipient <full@d>\n"
	    "recipient <ann@d>\nrecipient <robert@d>\nrecipient <trouble@d>\nx\ndeliver\n" },
	{ "two messages in one session",
	    HELLO MAIL RCPT "DATA\r\n1\r\n.\r\n" MAIL RCPT "DATA\r\n2\r\n.\r\nquit\r\n",
	    GREETING LHLO OK ROK GO DONE OK ROK GO DONE BYE,
	    "begin <a@b>\nrecipient <joe@d>\n1\ndeliver\nbegin <a@b>\nrecipient <joe@d>\n2\n"
	    "deliver\n" },
	/* Together they are larger than one may be. */
	{ "two messages of sixty bytes",
	    HELLO MAIL RCPT "DATA\r\n" SIXTY ".\r\n" MAIL RCPT "DATA\r\n" SIXTY ".\r\n",
	    GREETING LHLO OK ROK GO DONE OK ROK GO DONE, NULL },
	{ "an empty message", HELLO MAIL RCPT "DATA\r\n.\r\n", GREETING LHLO OK ROK GO DONE,
	    "begin <a@b>\nrecipient <joe@d>\ndeliver\n" },
	{ "dots", HELLO MAIL RCPT "DATA\r\n..\r\n.x\r\n...\r\nx.\r\n.\r\n",
	    GREETING LHLO OK ROK GO DONE,
	    "begin <a@b>\nrecipient <joe@d>\n.\nx\n..\nx.\ndeliver\n" },
	{ "what is not the end",
	    HELLO MAIL RCPT "DATA\r\n\n.\n\r\nx\n.\r\n\r.\r\n\r\n.\n.\r\r\n\r\r\n.\r.\r\n.\r\n",
	    GREETING LHLO OK ROK GO DONE,
	    "begin <a@b>\nrecipient <joe@d>\n\n.\n\nx\n.\n\r.\n\n\n.\r\n\r\n\r.\ndeliver\n" },
	{ "commands within a message stay there",
	    HELLO MAIL RCPT "DATA\r\nx\n.\nMAIL FROM:<evil@b>\r\n.\nRSET\r\n.\r\n",
	    GREETING LHLO OK ROK GO DONE,
	    "begin <a@b>\nrecipient <joe@d>\nx\n.\nMAIL FROM:<evil@b>\n\nRSET\ndeliver\n" },
	{ "the null sender, and all parameters",
	    HELLO "mail from: <> SIZE=99 BODY=8BITMIME smtputf8 AUTH=<> RET=HDRS ENVID=q+2Bz\r\n"
	          "rcpt to: <joe@d> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;j>o+40d\r\nDATA\r\n.\r\n",
	    GREETING LHLO OK ROK GO DONE,
	    "begin <> utf8 ret=HDRS envid=q+2Bz\n"
	    "recipient <joe@d> notify=SUCCESS,FAILURE "
	    "orcpt=rfc822;j>o+40d\ndeliver\n" },
	{ "too large by its own word",
	    HELLO "MAIL FROM:<a@b> SIZE=101\r\n" RCPT MAIL RCPT "RSET\r\n",
	    GREETING LHLO "552 5.3.4 message too large for this system\r\n"
	                  "503 5.5.1 say MAIL first\r\n" OK ROK "250 2.0.0 ok\r\n",
	    "begin <a@b>\nrecipient <joe@d>\nreset\n" },
	{ "too large in fact: read to the end, refused to each",
	    HELLO MAIL RCPT RCPT "DATA\r\n"
	                         "0123456789012345678901234567890123456789\r\n"
	                         "0123456789012345678901234567890123456789\r\n"
	                         "0123456789012345678901234567890123456789\r\n.\r\nNOOP\r\n",
	    GREETING LHLO OK ROK ROK GO "552 5.3.4 message too large for this system\r\n"
	                                "552 5.3.4 message too large for this system\r\n"
	                                "250 2.0.0 ok\r\n",
	    NULL },
	{ "too many recipients", HELLO MAIL RCPT RCPT RCPT RCPT "DATA\r\n.\r\n",
	    GREETING LHLO OK ROK ROK ROK "452 4.5.3 too many recipients\r\n" GO DONE
	                                 "452 4.3.1 disk full\r\n250 2.0.0 delivered 3\r\n",
	    NULL },
	{ "too many errors", HELLO "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n",
	    GREETING LHLO "500 5.5.1 command not known\r\n500 5.5.1 command not known\r\n"
	                  "500 5.5.1 command not known\r\n500 5.5.1 command not known\r\n"
	                  "500 5.5.1 command not known\r\n421 4.7.0 too many errors\r\n",
	    "" },
	{ "who is not known is no error",
	    HELLO MAIL "RCPT TO:<n1@d>\r\nRCPT TO:<n2@d>\r\nRCPT TO:<n3@d>\r\nRCPT TO:<n4@d>\r\n"
	               "RCPT TO:<n5@d>\r\nDATA\r\n",
	    GREETING LHLO OK "550 5.1.1 no such user: n1@d\r\n550 5.1.1 no such user: n2@d\r\n"
	                     "550 5.1.1 no such user: n3@d\r\n550 5.1.1 no such user: n4@d\r\n"
	                     "550 5.1.1 no such user: n5@d\r\n503 5.5.1 no valid recipients\r\n",
	    NULL },
	{ "out of order", MAIL RCPT "DATA\r\n" HELLO "DATA\r\n",
	    GREETING "503 5.5.1 say LHLO first\r\n503 5.5.1 say MAIL first\r\n"
	             "503 5.5.1 no valid recipients\r\n" LHLO "503 5.5.1 no valid recipients\r\n",
	    "" },
	{ "one sender at a time", HELLO MAIL MAIL RCPT,
	    GREETING LHLO OK "503 5.5.1 there is a sender already\r\n" ROK,
	    "begin <a@b>\nrecipient <joe@d>\n" },
	{ "LHLO begins anew", HELLO MAIL RCPT HELLO "DATA\r\n",
	    GREETING LHLO OK ROK LHLO "503 5.5.1 no valid recipients\r\n",
	    "begin <a@b>\nrecipient <joe@d>\nreset\n" },
	{ "QUIT in the middle", HELLO MAIL "QUIT\r\nNOOP\r\n", GREETING LHLO OK BYE,
	    "begin <a@b>\nreset\n" },
	{ "not SMTP", "HELO me\r\nEHLO me\r\nLHLO\r\n",
	    GREETING "500 5.5.1 this is LMTP: say LHLO\r\n500 5.5.1 this is LMTP: say LHLO\r\n"
	             "501 5.5.4 LHLO needs a name\r\n",
	    "" },
	{ "not HTTP", "POST / HTTP/1.1\r\n" HELLO MAIL, GREETING "500 5.5.1 command not known\r\n",
	    "" },
	{ "BDAT and what it brings", HELLO MAIL RCPT "BDAT 9 LAST\r\nRSET\r\n",
	    GREETING LHLO OK ROK "502 5.5.1 BDAT is not offered\r\n",
	    "begin <a@b>\nrecipient <joe@d>\n" },
	{ "VRFY",
	    "VRFY joe@d\r\nVRFY <n@d>\r\nVRFY trouble@d\r\nVRFY\r\nVRFY <joe@d> NOTIFY=NEVER\r\n",
	    GREETING ROK "550 5.1.1 no such user: n@d\r\n"
	                 "252 2.0.0 cannot tell now, but will try to deliver\r\n"
	                 "501 5.1.3 VRFY needs an address\r\n501 5.1.3 VRFY needs an address\r\n",
	    "verify <joe@d>\nverify <n@d>\nverify <trouble@d>\n" },
	{ "NOOP, HELP, RSET", "NOOP\r\nnoop  anything\r\nHELP\r\nRSET\r\nRSET x\r\n",
	    GREETING "250 2.0.0 ok\r\n250 2.0.0 ok\r\n"
	             "214 2.0.0 LHLO MAIL RCPT DATA RSET NOOP VRFY QUIT: RFC 2033, virtmda(8)\r\n"
	             "250 2.0.0 ok\r\n501 5.5.4 RSET has no argument\r\n",
	    "" },
	{ "line ends", "NOOP\nNOOP\r\nNO\rOP\r\n\r\n",
	    GREETING "500 5.5.2 lines end with CRLF\r\n250 2.0.0 ok\r\n"
	             "500 5.5.2 a command may not hold NUL or CR\r\n"
	             "500 5.5.1 command not known\r\n",
	    "" },
	{ "bad arguments",
	    HELLO "MAIL\r\nMAIL FROM:\r\nMAIL FROM:<a@b> SIZE=x\r\nMAIL FROM:<a@b> FOO=1\r\n",
	    GREETING LHLO
	    "501 5.5.2 MAIL FROM:<address>\r\n501 5.1.7 no address in angle brackets\r\n"
	    "501 5.5.4 SIZE: no such value\r\n555 5.5.4 FOO: no such parameter\r\n",
	    "" },
	{ "bad values of MAIL",
	    HELLO "MAIL FROM:<a@b> SIZE=\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\n"
	          "MAIL FROM:<a@b> SMTPUTF8=1\r\nMAIL FROM:<a@b> RET\r\n",
	    GREETING LHLO "501 5.5.4 SIZE: malformed parameter\r\n501 5.5.4 BODY: no such value\r\n"
	                  "501 5.5.4 SMTPUTF8: no such value\r\n501 5.5.4 RET: no such value\r\n",
	    "" },
	{ "sizes",
	    HELLO "MAIL FROM:<a@b> SIZE=9223372036854775808\r\nMAIL FROM:<a@b> "
	          "SIZE=18446744073709551617\r\n"
	          "MAIL FROM:<a@b> SIZE=0000000000000000100\r\n",
	    GREETING LHLO "552 5.3.4 message too large for this system\r\n"
	                  "501 5.5.4 SIZE: no such value\r\n" OK,
	    "begin <a@b>\n" },
	{ "parameters twice",
	    HELLO "MAIL FROM:<a@b> SIZE=1 size=1\r\nMAIL FROM:<a@b> SMTPUTF8 SMTPUTF8\r\n"
	          "MAIL FROM:<a@b> RET=X RET=FULL\r\n",
	    GREETING LHLO "501 5.5.4 size: more than once\r\n501 5.5.4 SMTPUTF8: more than once\r\n"
	                  "501 5.5.4 RET: more than once\r\n",
	    "" },
	{ "no parameters of MAIL",
	    HELLO "MAIL FROM:<a@b> FOO\r\nMAIL FROM:<a@b> NOTIFY=NEVER\r\n"
	          "MAIL FROM:<a@b>SIZE=1\r\nMAIL FROM:<> =\r\n",
	    GREETING LHLO
	    "555 5.5.4 FOO: no such parameter\r\n555 5.5.4 NOTIFY: no such parameter\r\n"
	    "501 5.1.7 no address in angle brackets\r\n501 5.5.4 malformed parameter\r\n",
	    "" },
	{ "bad parameters of RCPT, and one whose value is ignored",
	    HELLO MAIL
	    "RCPT TO:<joe@d> NOTIFY=NEVER NOTIFY=NEVER\r\nRCPT TO:<joe@d> ORCPT\r\n"
	    "RCPT TO:<joe@d> AUTH=x\r\nRCPT TO:<joe@d> ORCPT==\r\nRCPT TO:<joe@d> NOTIFY=X\r\n",
	    GREETING LHLO OK
	    "501 5.5.4 NOTIFY: more than once\r\n501 5.5.4 ORCPT: no such value\r\n"
	    "555 5.5.4 AUTH: no such parameter\r\n501 5.5.4 ORCPT: malformed parameter\r\n" ROK,
	    "begin <a@b>\nrecipient <joe@d>\n" },
	{ "bad recipients", HELLO MAIL "RCPT TO:<>\r\nRCPT TO:<joe@d> SIZE=1\r\nRCPT joe@d\r\n",
	    GREETING LHLO OK "501 5.1.3 nobody is no recipient\r\n"
	                     "555 5.5.4 SIZE: no such parameter\r\n501 5.5.2 RCPT TO:<address>\r\n",
	    "begin <a@b>\n" },
};

static void
ck_is(const char *name, struct buf *is, const char *wanted)
{
	const char *text = buf_cstr(is);

	ck_assert_msg(strcmp(text, wanted) == 0, "%s: \"%s\", not \"%s\"", name, text, wanted);
}

static void
ck_talk(size_t i, const struct recording *r)
{
	struct buf replies = r->replies, calls = r->calls;

	(void)r;
	ck_assert_uint_eq(replies.len, strlen(talks[i].replies));
	ck_assert_mem_eq(replies.data, talks[i].replies, replies.len);
	if (talks[i].calls != NULL) {
		ck_assert_uint_eq(calls.len, strlen(talks[i].calls));
		if (calls.len > 0)
			ck_assert_mem_eq(calls.data, talks[i].calls, calls.len);
	}
}

START_TEST(talks_as_the_table_says)
{
	struct recording r;

	recording_start(&r, &limits);
	recording_feed(&r, talks[_i].in, strlen(talks[_i].in));
	ck_is(talks[_i].name, &r.replies, talks[_i].replies);
	if (talks[_i].calls != NULL)
		ck_is(talks[_i].name, &r.calls, talks[_i].calls);
	recording_end(&r);
}
END_TEST

START_TEST(pieces_change_nothing)
{
	const char *in = talks[_i].in;
	size_t len = strlen(in);
	struct recording r;

	recording_start(&r, &limits);
	for (size_t at = 0; at < len; at++)
		recording_feed(&r, in + at, 1);
	ck_talk((size_t)_i, &r);
	recording_end(&r);
	for (size_t cut = 1; cut < len; cut++) {
		recording_start(&r, &limits);
		recording_feed(&r, in, cut);
		recording_feed(&r, in + cut, len - cut);
		ck_talk((size_t)_i, &r);
		recording_end(&r);
	}
}
END_TEST

/* A client that is gone has been told the beginning of the same, and no message was delivered whose
 * end has not come. */
START_TEST(breaks_off_anywhere)
{
	const char *in = talks[_i].in;
	size_t len = strlen(in);

	for (size_t cut = 0; cut < len; cut++) {
		struct recording r;
		size_t ends = 0;

		recording_start(&r, &limits);
		recording_feed(&r, in, cut);
		ck_assert_uint_le(r.replies.len, strlen(talks[_i].replies));
		ck_assert_mem_eq(r.replies.data, talks[_i].replies, r.replies.len);
		for (size_t at = 0; at + 5 <= cut; at++)
			ends += memcmp(in + at, "\r\n.\r\n", 5) == 0;
		ck_assert_uint_le(r.transactions, ends);
		recording_end(&r);
	}
}
END_TEST

/* However it comes: what is beyond the limit is not even passed on. */
START_TEST(too_large_is_not_delivered)
{
	static const char begin[] = HELLO MAIL RCPT "DATA\r\n", end[] = "\r\n.\r\n";
	static char text[20000];

	memset(text, 'x', sizeof(text));
	for (size_t step = 1; step <= sizeof(text); step *= 5) {
		struct recording r;

		recording_start(&r, &limits);
		recording_feed(&r, begin, strlen(begin));
		for (size_t at = 0; at < sizeof(text); at += step)
			recording_feed(
			    &r, text + at, step < sizeof(text) - at ? step : sizeof(text) - at);
		recording_feed(&r, end, strlen(end));
		ck_assert_uint_eq(r.transactions, 0);
		ck_assert_uint_le(
		    r.calls.len, strlen("begin <a@b>\nrecipient <joe@d>\nreset\n") + 100);
		ck_assert_ptr_nonnull(strstr(buf_cstr(&r.calls), "reset\n"));
		recording_end(&r);
	}
}
END_TEST

/* A command would be another one without what is behind its NUL. */
START_TEST(nul_in_a_command)
{
	static const char in[] = HELLO "NOOP\0X\r\nVRFY joe@d\0\r\nMAIL FROM:<>\0 FOO\r\n";
	struct recording r;

	recording_start(&r, &limits);
	recording_feed(&r, in, sizeof(in) - 1);
	ck_is("NUL", &r.replies,
	    GREETING LHLO "500 5.5.2 a command may not hold NUL or CR\r\n"
	                  "500 5.5.2 a command may not hold NUL or CR\r\n"
	                  "500 5.5.2 a command may not hold NUL or CR\r\n");
	ck_assert_uint_eq(r.calls.len, 0);
	recording_end(&r);
}
END_TEST

START_TEST(long_lines)
{
	static char line[3 * LMTP_LINE_MAX];
	struct recording r;

	/* The longest that is taken, one byte more, and much more. */
	static const size_t lengths[] = { LMTP_LINE_MAX, LMTP_LINE_MAX + 1, sizeof(line) };

	for (size_t i = 0; i < 3; i++) {
		memset(line, 'x', sizeof(line));
		memcpy(line, "NOOP ", 5);
		memcpy(line + lengths[i] - 2, "\r\n", 2);
		for (size_t step = 1; step <= sizeof(line); step *= 5) {
			recording_start(&r, &limits);
			for (size_t at = 0; at < lengths[i]; at += step)
				recording_feed(
				    &r, line + at, step < lengths[i] - at ? step : lengths[i] - at);
			recording_feed(&r, "NOOP\r\n", 6);
			ck_is("long line", &r.replies,
			    i == 0 ? GREETING "250 2.0.0 ok\r\n250 2.0.0 ok\r\n"
			           : GREETING "500 5.5.2 line too long\r\n250 2.0.0 ok\r\n");
			recording_end(&r);
		}
	}
}
END_TEST

/* CVE-2000-0319: a line that fills the buffer and then a dot. */
START_TEST(dots_behind_lines_of_any_length)
{
	static const struct lmtp_limits none = { .recipients = 1, .errors = 1 };
	static char line[70000];

	memset(line, 'x', sizeof(line));
	for (size_t len = 2040; len < sizeof(line); len += len < 2060 ? 1 : 16381) {
		struct recording r;

		recording_start(&r, &none);
		recording_feed(&r, HELLO MAIL RCPT "DATA\r\n", strlen(HELLO MAIL RCPT "DATA\r\n"));
		recording_feed(&r, line, len);
		recording_feed(&r, ".\r\nRSET\r\n.\r\n", 12);
		ck_assert_uint_eq(r.transactions, 1);
		ck_assert_msg(memmem(r.calls.data, r.calls.len, "x.\nRSET\ndeliver\n", 16) != NULL,
		    "%zu", len);
		recording_end(&r);
	}
}
END_TEST

START_TEST(ends_from_this_side)
{
	struct recording r;

	recording_start(&r, &limits);
	recording_feed(&r, HELLO MAIL RCPT "DATA\r\nhalf", strlen(HELLO MAIL RCPT "DATA\r\nhalf"));
	lmtp_end(r.lmtp, "4.4.2", "idle too long");
	lmtp_end(r.lmtp, "4.4.2", "idle too long");
	ck_assert(lmtp_is_over(r.lmtp));
	recording_feed(&r, "\r\n.\r\n", 5);
	ck_is("end", &r.replies, GREETING LHLO OK ROK GO "421 4.4.2 idle too long\r\n");
	ck_assert_uint_eq(r.transactions, 0);
	recording_end(&r);
}
END_TEST

/* ---- paths -------------------------------------------------------------------------------------
 */

static const struct {
	const char *text, *address, *rest; /* address NULL: refused */
} paths[] = {
	{ "<joe@d>", "joe@d", "" },
	{ "<>", "", "" },
	{ "<> SIZE=1", "", " SIZE=1" },
	{ "<joe>", "joe", "" },
	{ "<Postmaster>", "Postmaster", "" },
	{ "<joe@d> SIZE=1 BODY=7BIT", "joe@d", " SIZE=1 BODY=7BIT" },
	{ "<@a.example,@b:joe@d>", "joe@d", "" },
	{ "<@[IPv6:1::2]:joe@d>", "joe@d", "" },
	{ "<\"joe smith\"@d>", "joe smith@d", "" },
	{ "<\"a\\\"b\\\\c\"@d>", "a\"b\\c@d", "" },
	{ "<\"a>b\"@d>", "a>b@d", "" },
	{ "<\"a@b\"@d>", "a@b@d", "" },
	{ "<\"\"@d>", "@d", "" },
	{ "<joe@my_host.under_score>", "joe@my_host.under_score", "" },
	{ "<joe@[192.0.2.1]>", "joe@[192.0.2.1]", "" },
	{ "<joe+x@d.>", "joe+x@d.", "" },
	{ "<-oops@d>", "-oops@d", "" },
	{ "<j\303\266rg@\303\266.example>", "j\303\266rg@\303\266.example", "" },
	/* As sendmail sends what it has taken the quotes off. */
	{ "<a b@d>", "a b@d", "" },
	{ "<a\"b@d>", "a\"b@d", "" },
	{ "<|/bin/sh -c x@d>", "|/bin/sh -c x@d", "" },
	{ "<a,b@d>", "a,b@d", "" },
	{ "<a> b@d>", "a> b@d", "" },
	{ "<a b@d> ORCPT=rfc822;a+20b@d", "a b@d", " ORCPT=rfc822;a+20b@d" },
	{ "<a b@d> ORCPT=rfc822;x>", "a b@d", " ORCPT=rfc822;x>" },
	{ "<.a..b.@d>", ".a..b.@d", "" },
	/* And what is none. */
	{ "", NULL, NULL },
	{ "joe@d", NULL, NULL },
	{ "<", NULL, NULL },
	{ "<joe@d", NULL, NULL },
	{ "<joe@d>x", NULL, NULL },
	{ "<>x", NULL, NULL },
	{ "<>>", NULL, NULL },
	{ "<joe\t@d>", NULL, NULL },
	{ "<\"joe\001\"@d>", NULL, NULL },
	{ "<joe\177@d>", NULL, NULL },
	{ "<joe@d>A=x", NULL, NULL },
	/* Whose parameters are for lmtp_parameters_read to refuse. */
	{ "<joe@d> =x", "joe@d", " =x" },
	{ "<> A=", "", " A=" },
};

START_TEST(reads_paths)
{
	struct lmtp_path path;
	const char *rest = NULL, *why = NULL;
	int result = lmtp_path_read(&path, paths[_i].text, &rest, &why);

	ck_assert_msg(result == (paths[_i].address == NULL ? -1 : 0), "%s", paths[_i].text);
	if (result == -1)
		return;
	ck_assert_str_eq(path.address, paths[_i].address);
	ck_assert_str_eq(rest, paths[_i].rest);
}
END_TEST

static const struct {
	const char *text, *taken; /* parameters of RCPT; notify and orcpt, with a blank between */
} notices[] = {
	{ " NOTIFY=NEVER", "NEVER " },
	{ " NOTIFY=delay,success,failure ORCPT=rfc822;a@b", "delay,success,failure rfc822;a@b" },
	{ " NOTIFY=NEVER,DELAY", " " },
	{ " NOTIFY=DELAY,DELAY", " " },
	{ " NOTIFY=SUCCESS,", " " },
	{ " NOTIFY=,SUCCESS", " " },
	{ " NOTIFY=SUCCESSES", " " },
	{ " ORCPT=rfc822;a+2Bb@d", " rfc822;a+2Bb@d" },
	{ " ORCPT=rfc822;a+2bb@d", " " },
	{ " ORCPT=rfc822;a+2", " " },
	{ " ORCPT=rfc822;", " " },
	{ " ORCPT=;a@b", " " },
	{ " ORCPT=rfc822", " " },
	{ " ORCPT=rfc,822;a@b", " " },
	{ " ORCPT=utf-8;j\303\266rg@d", " " },
};

START_TEST(believes_sound_notices_only)
{
	struct lmtp_parameters parameters;
	struct outcome refusal;
	char taken[600];

	ck_assert_int_eq(lmtp_parameters_read(&parameters, notices[_i].text, 0, &refusal), 0);
	snprintf(taken, sizeof(taken), "%s %s", parameters.notice.notify, parameters.notice.orcpt);
	ck_assert_str_eq(taken, notices[_i].taken);
	ck_assert(lmtp_notice_is_sound(&parameters.notice));
}
END_TEST

START_TEST(notices_have_a_limit)
{
	char text[700] = " ENVID=";
	struct lmtp_parameters parameters;
	struct lmtp_notice notice;
	struct outcome refusal;

	memset(text + 7, 'x', LMTP_ENVID_MAX);
	ck_assert_int_eq(lmtp_parameters_read(&parameters, text, 1, &refusal), 0);
	ck_assert_uint_eq(strlen(parameters.notice.envid), LMTP_ENVID_MAX);
	strcat(text, "x");
	ck_assert_int_eq(lmtp_parameters_read(&parameters, text, 1, &refusal), 0);
	ck_assert_str_eq(parameters.notice.envid, "");
	/* And from a process that lies. */
	memset(&notice, 0, sizeof(notice));
	ck_assert(lmtp_notice_is_sound(&notice));
	strcpy(notice.envid, "a b");
	ck_assert(!lmtp_notice_is_sound(&notice));
	memset(notice.envid, 'x', sizeof(notice.envid));
	ck_assert(!lmtp_notice_is_sound(&notice));
	memset(&notice, 0, sizeof(notice));
	notice.utf8 = 2;
	ck_assert(!lmtp_notice_is_sound(&notice));
	notice.utf8 = 1;
	strcpy(notice.orcpt, "rfc822;a\r\nRCPT TO:<b>");
	ck_assert(!lmtp_notice_is_sound(&notice));
}
END_TEST

START_TEST(long_addresses)
{
	char text[ADDRESS_MAX + 8];
	struct lmtp_path path;
	const char *rest, *why;

	for (size_t len = ADDRESS_MAX; len <= ADDRESS_MAX + 1; len++) {
		memset(text, 'x', sizeof(text));
		text[0] = '<';
		text[10] = '@';
		strcpy(text + 1 + len, ">");
		ck_assert_int_eq(
		    lmtp_path_read(&path, text, &rest, &why), len == ADDRESS_MAX ? 0 : -1);
		if (len == ADDRESS_MAX)
			ck_assert_uint_eq(strlen(path.address), ADDRESS_MAX);
		else
			ck_assert_str_eq(why, "address too long");
	}
}
END_TEST

/* ---- replies -----------------------------------------------------------------------------------
 */

START_TEST(replies)
{
	static const struct {
		enum outcome_class class;
		const char *status, *text, *line;
	} rows[] = {
		{ OUTCOME_DELIVERED, "2.0.0", "delivered", "250 2.0.0 delivered\r\n" },
		{ OUTCOME_REJECTED, "5.1.1", "no", "550 5.1.1 no\r\n" },
		{ OUTCOME_REJECTED, "5.2.2", "full", "552 5.2.2 full\r\n" },
		{ OUTCOME_REJECTED, "5.3.4", "big", "552 5.3.4 big\r\n" },
		{ OUTCOME_REJECTED, "5.7.1", "no", "550 5.7.1 no\r\n" },
		{ OUTCOME_REJECTED, "4.7.1", "no", "451 4.3.0 no\r\n" }, /* contradicts itself */
		{ OUTCOME_DEFERRED, "4.2.2", "full", "452 4.2.2 full\r\n" },
		{ OUTCOME_DEFERRED, "4.3.5", "bad", "451 4.3.5 bad\r\n" },
		{ OUTCOME_DEFERRED, "4.3.0", "a\r\nb\033\303\266", "451 4.3.0 a  b\\^[??\r\n" },
	};
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;

		if (rows[i].class == OUTCOME_DELIVERED)
			outcome_deliver(&outcome, rows[i].status, "%s", rows[i].text);
		else if (rows[i].class == OUTCOME_REJECTED)
			outcome_reject(&outcome, rows[i].status, "%s", rows[i].text);
		else
			outcome_defer(&outcome, rows[i].status, "%s", rows[i].text);
		buf_clear(&line);
		ck_assert_int_eq(reply_add(&line, &outcome), 0);
		ck_assert_str_eq(buf_cstr(&line), rows[i].line);
	}
	buf_free(&line);
}
END_TEST

START_TEST(codes_that_the_map_asks_for)
{
	static const struct {
		const char *status, *code, *line;
	} rows[] = {
		{ "4.2.1", "450", "450 4.2.1 later\r\n" },
		{ "4.2.2", "459", "459 4.2.2 later\r\n" },
		{ "4.2.1", "550", "450 4.2.1 later\r\n" }, /* of another class */
		{ "4.2.1", "421", "450 4.2.1 later\r\n" }, /* the end of the session */
		{ "4.3.0", "421", "451 4.3.0 later\r\n" },
	};
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome;

		outcome_defer(&outcome, rows[i].status, "later");
		outcome_reply(&outcome, rows[i].code);
		buf_clear(&line);
		ck_assert_int_eq(reply_add(&line, &outcome), 0);
		ck_assert_str_eq(buf_cstr(&line), rows[i].line);
	}
	buf_free(&line);
}
END_TEST

START_TEST(long_replies_are_cut)
{
	struct buf line = BUF_INIT;
	char text[2000];

	memset(text, '\001', sizeof(text) - 1); /* becomes three bytes each */
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(reply_line(&line, 550, "5.0.0", text), 0);
	ck_assert_uint_eq(line.len, REPLY_LINE_MAX);
	ck_assert_mem_eq(line.data + REPLY_LINE_MAX - 2, "\r\n", 2);
	buf_free(&line);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmda lmtp");
	TCase *tests = tcase_create("lmtp");

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
	tcase_add_loop_test(tests, talks_as_the_table_says, 0, COUNT(talks));
	tcase_add_loop_test(tests, pieces_change_nothing, 0, COUNT(talks));
	tcase_add_loop_test(tests, breaks_off_anywhere, 0, COUNT(talks));
	tcase_add_test(tests, too_large_is_not_delivered);
	tcase_add_test(tests, nul_in_a_command);
	tcase_add_test(tests, long_lines);
	tcase_add_test(tests, dots_behind_lines_of_any_length);
	tcase_add_test(tests, ends_from_this_side);
	tcase_add_loop_test(tests, reads_paths, 0, COUNT(paths));
	tcase_add_loop_test(tests, believes_sound_notices_only, 0, COUNT(notices));
	tcase_add_test(tests, notices_have_a_limit);
	tcase_add_test(tests, long_addresses);
	tcase_add_test(tests, replies);
	tcase_add_test(tests, codes_that_the_map_asks_for);
	tcase_add_test(tests, long_replies_are_cut);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
