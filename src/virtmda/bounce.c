/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A multipart/report (RFC 6522): a text for people, a group of fields for each refused member, and
 * the message or its header. What comes from outside stands in it as printable text on lines of
 * its own, so that nobody writes fields or parts of it.
 */
#include "bounce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "text.h"

void
bounce_init(struct bounce *bounce)
{
	static const char digits[] = "0123456789abcdef";
	char *at = bounce->boundary;

	*bounce = (struct bounce){ 0 };
	at = stpcpy(at, "=_virtmda_");
	for (int i = 0; i < 32; i++)
		*at++ = digits[arc4random_uniform(16)];
	*at = '\0';
}

bool
bounce_is_wanted(const char *sender, const char *notify)
{
	if (*sender == '\0')
		return false;
	for (const char *p = notify; p != NULL && *p != '\0';) {
		size_t len = strcspn(p, ",");

		if (text_is_word("FAILURE", p, len))
			return true;
		p += len + (p[len] == ',');
	}
	return notify == NULL || *notify == '\0';
}

/* ---- in parts ---------------------------------------------------------------------------------
 */

static int
add_top(struct buf *out, const struct bounce *bounce)
{
	return text_vis_between(out, "From: Mail Delivery Subsystem <MAILER-DAEMON@", bounce->host,
	           ">\n") == -1 ||
	               text_vis_between(out, "To: <", bounce->to, ">\n") == -1 ||
	               buf_addf(out,
	                   "Subject: Returned mail: not delivered to everybody\n"
	                   "Auto-Submitted: auto-replied\n"
	                   "MIME-Version: 1.0\n"
	                   "Content-Type: multipart/report; report-type=delivery-status;\n"
	                   "\tboundary=\"%s\"\n"
	                   "\nThis is a report in MIME format.\n\n",
	                   bounce->boundary) == -1
	           ? -1
	           : 0;
}

static int
add_boundary(struct buf *out, const struct bounce *bounce, const char *type)
{
	return buf_addf(out, "--%s\nContent-Type: %s\n", bounce->boundary, type);
}

static int
add_text_part(struct buf *out, const struct bounce *bounce)
{
	if (add_boundary(out, bounce, "text/plain; charset=utf-8") == -1 ||
	    text_vis_between(out, "Content-Transfer-Encoding: 8bit\n\nYour message to <",
	        bounce->original, ">\nwas passed on, but these addresses refused it:\n\n") == -1)
		return -1;
	for (size_t i = 0; i < bounce->nmembers; i++)
		if (bounce->members[i].refusal.code != 0 &&
		    (text_vis_between(out, "  <", bounce->members[i].address, ">\n") == -1 ||
		        text_vis_between(out, "    ", bounce->members[i].refusal.text, "\n") == -1))
			return -1;
	return buf_adds(out, "\nAll others have it. Nothing more will be tried.\n\n");
}

static int
add_member(struct buf *out, const struct bounce *bounce, const struct submission_member *member)
{
	const struct smtp_reply *refusal = &member->refusal;

	if (bounce->orcpt != NULL &&
	    text_vis_between(out, "Original-Recipient: ", bounce->orcpt, "\n") == -1)
		return -1;
	return text_vis_between(out, "Final-Recipient: rfc822; ", member->address, "\n") == -1 ||
	               buf_addf(out, "Action: failed\nStatus: %s\n",
	                   refusal->status[0] == '5' ? refusal->status : "5.0.0") == -1 ||
	               text_vis_between(out, "Diagnostic-Code: smtp; ", refusal->text, "\n\n") == -1
	           ? -1
	           : 0;
}

static int
add_status_part(struct buf *out, const struct bounce *bounce)
{
	if (add_boundary(out, bounce, "message/delivery-status") == -1 ||
	    (bounce->envid != NULL &&
	        text_vis_between(out, "\nOriginal-Envelope-Id: ", bounce->envid, "") == -1) ||
	    text_vis_between(out, "\nReporting-MTA: dns; ", bounce->host, "\n\n") == -1)
		return -1;
	for (size_t i = 0; i < bounce->nmembers; i++)
		if (bounce->members[i].refusal.code != 0 &&
		    add_member(out, bounce, &bounce->members[i]) == -1)
			return -1;
	return 0;
}

static int
add_message_head(struct buf *out, const struct bounce *bounce)
{
	return add_boundary(
	           out, bounce, bounce->whole ? "message/rfc822" : "text/rfc822-headers") == -1
	           ? -1
	           : buf_adds(out, "Content-Transfer-Encoding: 8bit\n\n");
}

/* ---- the message, or its header ---------------------------------------------------------------
 */

struct head {
	message_sink *sink;
	void *arg;
	bool line_is_empty; /* so far */
	bool over;
};

/* Passes on what stands before the first empty line. */
static int
only_header(void *arg, const void *data, size_t len, struct err *err)
{
	const unsigned char *p = data;
	struct head *head = arg;
	size_t n;

	if (head->over)
		return 0;
	for (n = 0; n < len && !(p[n] == '\n' && head->line_is_empty); n++)
		if (p[n] != '\r')
			head->line_is_empty = p[n] == '\n';
	head->over = n < len;
	return n == 0 ? 0 : head->sink(head->arg, data, n, err);
}

static int
write_message(const struct bounce *bounce, message_sink *sink, void *sink_arg, struct err *err)
{
	const struct message_envelope envelope = { .sender = "" };
	struct head head = { .sink = sink, .arg = sink_arg, .line_is_empty = true };

	if (bounce->whole)
		return message_write(
		    bounce->message, MESSAGE_FORWARD, &envelope, sink, sink_arg, err);
	return message_write(bounce->message, MESSAGE_FORWARD, &envelope, only_header, &head, err);
}

int
bounce_content(void *arg, message_sink *sink, void *sink_arg, struct err *err)
{
	const struct bounce *bounce = arg;
	struct buf out = BUF_INIT;
	int result = -1;

	if (add_top(&out, bounce) == -1 || add_text_part(&out, bounce) == -1 ||
	    add_status_part(&out, bounce) == -1 || add_message_head(&out, bounce) == -1) {
		err_set(err, ENOMEM, "write a bounce");
		goto out;
	}
	if (sink(sink_arg, out.data, out.len, err) == -1 ||
	    write_message(bounce, sink, sink_arg, err) == -1)
		goto out;
	buf_clear(&out);
	if (buf_addf(&out, "\n--%s--\n", bounce->boundary) == -1)
		err_set(err, ENOMEM, "write a bounce");
	else
		result = sink(sink_arg, out.data, out.len, err);
out:
	buf_free(&out);
	return result;
}
