/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `mailpeek verify` can find, and the way of what it found from the process that read a
 * mailbox.
 */
#include "findings.h"

#include <stdio.h>
#include <string.h>

#include "mailpeek.h"

_Static_assert(FAULT_NO_OFFSET == FOUND_WHOLE, "an offset is a place");

const struct found_kind findings_kinds[FINDINGS] = {
	[FAULT_SYMBOLIC_LINK] = { "symbolic-link", SEVERITY_ERROR,
	    "A symbolic link stands in the place of a mailbox or of a part of it; it is not "
	    "followed, and mail waits.",
	    "Put the mailbox itself there, or change the account's mailbox location." },
	[FAULT_WRONG_TYPE] = { "wrong-type", SEVERITY_ERROR,
	    "Something that is neither the file nor the directory that belongs there; mail waits.",
	    "Move it away, or change the account's mailbox location." },
	[FAULT_WRONG_FORMAT] = { "wrong-format", SEVERITY_ERROR,
	    "A file that does not begin with a From_ line, or a directory without new and cur.",
	    "See what wrote it; if its begin is damaged, mend it or move the file away." },
	[FAULT_WRONG_OWNER] = { "wrong-owner", SEVERITY_ERROR,
	    "A mailbox, or a part of it, that does not belong to its account; mail waits, or the "
	    "account cannot read it.",
	    "Give it to the account with chown." },
	[FAULT_WRONG_MODE] = { "wrong-mode", SEVERITY_ERROR,
	    "A mailbox that everybody may write to, or its account may not; mail waits.",
	    "Set the mode with chmod: 0600 for a file, 0700 for a directory." },
	[FAULT_EXPOSED] = { "exposed", SEVERITY_WARNING,
	    "Mail that every user of this host may read.",
	    "Take the right to read from others with chmod o-rwx." },
	[FAULT_HARD_LINKS] = { "hard-links", SEVERITY_ERROR,
	    "An mbox that has a second name, which may be anybody's; mail waits.",
	    "Find the other name with find -inum, and remove one of them." },
	[FAULT_UNREADABLE] = { "unreadable", SEVERITY_ERROR,
	    "A mailbox, or a part of it, that its own account may not read.",
	    "Look at owner and mode of it and of the directories above it." },
	[FAULT_TORN_TAIL] = { "torn-tail", SEVERITY_ERROR,
	    "The last message of an mbox is cut off, and nobody is writing it.",
	    "virtmda completes the line before it appends; what is missing has to be sent "
	    "again." },
	[FAULT_OPEN_END] = { "open-end", SEVERITY_WARNING,
	    "The last message of an mbox has no empty line behind it: it is cut off at the end of "
	    "a line, or a program wrote it that leaves that line out.",
	    "See whether the message is whole; virtmda puts the line before what it appends." },
	[FAULT_GLUED_MESSAGE] = { "glued-message", SEVERITY_ERROR,
	    "Another message begins within a message, which readers show as one or as two.",
	    "Insert an empty line before the offset, under the mailbox's locks." },
	[FAULT_BAD_FROM_LINE] = { "bad-from-line", SEVERITY_ERROR,
	    "A message whose From_ line cannot be read; it hides in the message before it.",
	    "Mend the line: From, sender, and a date as in Thu Jan  1 00:00:00 1970." },
	[FAULT_UNQUOTED_FROM] = { "unquoted-from", SEVERITY_NOTE,
	    "A line of text begins with From and a blank and is not quoted; careless readers begin "
	    "a message there.",
	    "Nothing for virtmda's sake, which quotes what it writes; see who else delivers." },
	[FAULT_WRONG_LENGTH] = { "wrong-length", SEVERITY_WARNING,
	    "A Content-Length that does not lead to the message's end; readers that believe it see "
	    "other messages.",
	    "Remove the header, or the message was cut off." },
	[FAULT_STALE_LOCK] = { "stale-lock", SEVERITY_WARNING,
	    "A lock file whose owner is dead; others than virtmda may wait for it.",
	    "Nothing: the next delivery removes it. Or remove it." },
	[FAULT_OLD_LOCK] = { "old-lock", SEVERITY_ERROR,
	    "A lock file of which it cannot be proven that its owner is dead; mail waits for it.",
	    "See whether its owner lives and what it does, then remove the file." },
	[FAULT_LOCKED] = { "locked", SEVERITY_NOTE,
	    "Somebody is writing; the last message was left out.", "Ask again." },
	[FAULT_NUL_RUN] = { "nul-run", SEVERITY_ERROR,
	    "A run of NULs that no mail holds: a block that did not reach the disk before a crash.",
	    "What stood there is lost; remove the message, or the NULs, under the mailbox's "
	    "locks." },
	[FAULT_OPEN_PARTS] = { "open-parts", SEVERITY_NOTE,
	    "A message of several parts without the line that ends them: it is cut off, or was "
	    "sent so.",
	    "See whether the message is whole; what is missing has to be sent again." },
	[FAULT_EMPTY_MESSAGE] = { "empty-message", SEVERITY_ERROR,
	    "A message file without a byte: it did not reach the disk before a crash, or a disk "
	    "was full.",
	    "Remove it." },
	[FAULT_WRONG_SIZE] = { "wrong-size", SEVERITY_WARNING,
	    "A message file that has another size than its name says: it is cut off, was edited, "
	    "or counts wrong for the quota.",
	    "Look at the message; rename the file without ,S= if it is whole." },
	[FAULT_DUPLICATE_NAME] = { "duplicate-name", SEVERITY_WARNING,
	    "Two files of one message name, of which readers may show only one.",
	    "Compare them; remove one, or give it another name." },
	[FAULT_STRANGE_ENTRY] = { "strange-entry", SEVERITY_WARNING,
	    "Something among the messages that is no file; it is not read.",
	    "Move it out of the Maildir." },
	[FAULT_OLD_TMP] = { "old-tmp", SEVERITY_WARNING,
	    "A file in tmp older than 36 hours, of a delivery that was never completed.",
	    "Nothing: a delivery removes it. Or remove it." },
	[FAULT_QUOTA_DRIFT] = { "quota-drift", SEVERITY_WARNING,
	    "A maildirsize that does not have the sums of the messages.",
	    "Remove the file: whoever needs it counts anew." },
	[FAULT_BAD_MAILDIRSIZE] = { "bad-maildirsize", SEVERITY_WARNING,
	    "A maildirsize that cannot be read; it counts as not there.",
	    "Remove the file: whoever needs it counts anew." },
	[FINDING_COULD_NOT_TELL] = { "could-not-tell", SEVERITY_ERROR,
	    "A mailbox that could not be looked at, or not to its end.",
	    "Mend what the text names, and verify again." },
};

/* ---- collecting ------------------------------------------------------------------------------ */

static void
keep(struct findings *findings, unsigned which, const char *path, uint64_t offset, const char *text)
{
	if (found_add(&findings->list, which, path, offset, text) == -1)
		speech_no_memory();
}

void
findings_add(
    struct findings *findings, unsigned which, const char *path, uint64_t offset, const char *text)
{
	if (findings->told[which]++ < FINDINGS_MAX)
		keep(findings, which, path, offset, text);
}

void
findings_close(struct findings *findings, const char *path)
{
	char text[64];

	for (unsigned i = 0; i < FINDINGS; i++) {
		if (findings->told[i] <= FINDINGS_MAX)
			continue;
		snprintf(text, sizeof(text), "%zu more of them", findings->told[i] - FINDINGS_MAX);
		keep(findings, i, path, FOUND_WHOLE, text);
	}
}

void
findings_free(struct findings *findings)
{
	found_free(&findings->list);
	*findings = (struct findings){ 0 };
}

/* ---- through a pipe -------------------------------------------------------------------------- */

/* Path and text stand behind it, each with its NUL. */
struct head {
	uint64_t offset;
	uint32_t which;
	uint32_t zero; /* no byte of it undefined */
};

void
findings_write(const struct findings *findings, struct buf *out)
{
	for (size_t i = 0; i < findings->list.n; i++) {
		const struct found *f = &findings->list.found[i];
		const struct head head = { .offset = f->place, .which = f->which };

		if (buf_add(out, &head, sizeof(head)) == -1 ||
		    buf_add(out, f->path, strlen(f->path) + 1) == -1 ||
		    buf_add(out, f->text, strlen(f->text) + 1) == -1)
			speech_no_memory();
	}
}

/* The string at *at, which is moved behind it, or NULL: it has no end. */
static const char *
take_string(const struct buf *in, size_t *at)
{
	const unsigned char *string = in->data + *at;
	const unsigned char *end = memchr(string, '\0', in->len - *at);

	if (end == NULL)
		return NULL;
	*at += (size_t)(end - string) + 1;
	return (const char *)string;
}

static int
read_finding(struct findings *findings, const struct buf *in, size_t *at)
{
	struct head head;
	const char *path, *text;

	if (in->len - *at < sizeof(head))
		return -1;
	memcpy(&head, in->data + *at, sizeof(head));
	*at += sizeof(head);
	if (head.which >= FINDINGS || head.zero != 0 || (path = take_string(in, at)) == NULL ||
	    (text = take_string(in, at)) == NULL)
		return -1;
	/* findings_close adds one to those that findings_add keeps. */
	if (findings->told[head.which]++ > FINDINGS_MAX)
		return -1;
	keep(findings, head.which, path, head.offset, text);
	return 0;
}

int
findings_read(struct findings *findings, const struct buf *in)
{
	for (size_t at = 0; at < in->len;) {
		if (read_finding(findings, in, &at) == -1) {
			findings_free(findings);
			return -1;
		}
	}
	return 0;
}
