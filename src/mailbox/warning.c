/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "Your mailbox is getting full", written into the inbox itself: no mailer has a part in it, so
 * that it cannot bounce, loop or be answered. At most once in 24 hours, by the time of a stamp
 * file, which is set before the message is written: what fails on the way is not tried again the
 * same day. The message takes room like any other and is counted, but not refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "io.h"
#include "lock.h"

#define EVERY        (24 * 3600) /* seconds */
#define TEMPLATE_MAX 65536       /* bytes */

static const char standard[] =
    "From: Mail delivery <postmaster@%h>\n"
    "To: %u\n"
    "Subject: Your mailbox is %p%% full\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "\n"
    "Your mailbox on %h holds %q.\n"
    "\n"
    "When it is full, no more mail can be delivered to it. Please delete messages that\n"
    "you no longer need; those in the folder for deleted messages count, too.\n"
    "\n"
    "This message comes at most once a day.\n";

/* ---- once a day ---------------------------------------------------------------------- */

/* 1 it is time, and the stamp says so to everybody else; 0 not now; -1 with err. */
static int
take_turn(const struct warning_way *way, struct err *err)
{
	struct stat st;
	int turn = 0, fd = openat(way->dirfd, way->stamp,
	                  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

	if (fd == -1)
		return err_set(err, errno, "open %s/%s", way->dir, way->stamp);
	if (fstat(fd, &st) == -1)
		turn = err_set(err, errno, "stat %s/%s", way->dir, way->stamp);
	else if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		turn = err_set(err, 0, "%s/%s is no plain file", way->dir, way->stamp);
	/* Whoever has the lock is about to warn. An empty stamp was made just now. */
	else if (lock_fcntl(fd) == 1 && fstat(fd, &st) == 0 &&
	         (st.st_size == 0 || st.st_mtim.tv_sec + EVERY <= time(NULL)))
		turn = 1;
	if (turn == 1 && pwrite(fd, "\n", 1, 0) != 1)
		turn = err_set(err, errno, "write %s/%s", way->dir, way->stamp);
	close(fd);
	return turn;
}

/* ---- the text ------------------------------------------------------------------------ */

/* The administrator's template, or the text built in. 0, or -1 with err. */
static int
read_template(const char *path, struct buf *out, struct err *err)
{
	if (*path != '\0')
		return io_read_file(path, true, TEMPLATE_MAX, out, err);
	return buf_adds(out, standard) == -1 ? err_set(err, errno, "quota warning") : 0;
}

static int
add_variable(
    struct buf *out, char c, const struct mailbox_delivery *delivery, const struct quota *used)
{
	struct utsname names;

	switch (c) {
	case 'u':
		return buf_adds(out, delivery->warning.account);
	case 'h':
		return buf_adds(out, uname(&names) == 0 ? names.nodename : "localhost");
	case 'p':
		return buf_addf(out, "%u", quota_percent(&delivery->quota, used));
	case 'q':
		return quota_describe(out, &delivery->quota, used);
	case '%':
		return buf_addc(out, '%');
	default:
		return buf_addc(out, '%') == -1 || buf_addc(out, (unsigned char)c) == -1 ? -1 : 0;
	}
}

/* Date, Message-Id and what keeps robots from answering stand first; RFC 3834 5. */
static int
add_head(struct buf *out)
{
	char date[64];
	time_t now = time(NULL);
	struct tm utc;
	struct utsname names;

	if (gmtime_r(&now, &utc) == NULL ||
	    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &utc) == 0)
		strlcpy(date, "Thu, 01 Jan 1970 00:00:00 +0000", sizeof(date));
	return buf_addf(out,
	    "Date: %s\nMessage-Id: <quotawarn.%lld.%ld@%s>\nAuto-Submitted: auto-generated\n"
	    "Precedence: bulk\n",
	    date, (long long)now, (long)getpid(),
	    uname(&names) == 0 ? names.nodename : "localhost");
}

static int
fill_in(struct buf *out, const struct buf *template, const struct mailbox_delivery *delivery,
    const struct quota *used)
{
	if (add_head(out) == -1)
		return -1;
	for (size_t i = 0; i < template->len; i++) {
		unsigned char c = template->data[i];
		int failed = c == '%' && i + 1 < template->len
		                 ? add_variable(out, (char)template->data[++i], delivery, used)
		                 : buf_addc(out, c);

		if (failed == -1)
			return -1;
	}
	return 0;
}

/* ---- the message --------------------------------------------------------------------- */

static int
make_message(struct message **out, const struct buf *text, struct err *err)
{
	int failed, fd = memfd_create("quota warning", MFD_CLOEXEC);

	if (fd == -1)
		return err_set(err, errno, "memfd_create");
	if (io_write_all(fd, text->data, text->len) == -1 || lseek(fd, 0, SEEK_SET) == -1)
		failed = err_set(err, errno, "quota warning");
	else
		failed = message_read(out, fd, "/", err);
	close(fd);
	return failed;
}

static int
put_in_inbox(const struct mailbox_delivery *delivery, const struct warning_way *way,
    const struct buf *text, struct err *err)
{
	struct mailbox_delivery warning = *delivery;
	struct message *message;
	int failed;

	if (make_message(&message, text, err) == -1)
		return -1;
	warning.message = message;
	warning.envelope =
	    (struct message_envelope){ .sender = "", .date = delivery->envelope.date };
	warning.quota = (struct quota){ 0 };
	warning.warning.percent = 0;
	failed = way->put(way->mailbox, &warning, err);
	message_free(message);
	return failed;
}

bool
warning_is_due(const struct mailbox_delivery *delivery, const struct quota *used)
{
	return delivery->warning.percent != 0 &&
	       quota_percent(&delivery->quota, used) >= delivery->warning.percent;
}

void
warning_give(const struct mailbox_delivery *delivery, const struct quota *used,
    const struct warning_way *way, struct mailbox_receipt *receipt)
{
	struct buf template = BUF_INIT, text = BUF_INIT;
	struct err err;
	int turn = take_turn(way, &err);

	if (turn == 1 && read_template(delivery->warning.template, &template, &err) == -1) {
		receipt_note(receipt, "quota warning: %s", err.text);
		buf_clear(&template);
		read_template("", &template, &err);
	}
	if (turn == 1 && fill_in(&text, &template, delivery, used) == -1)
		turn = err_set(&err, errno, "no memory");
	if (turn == 1)
		turn = put_in_inbox(delivery, way, &text, &err) == -1 ? -1 : 1;
	if (turn == 1)
		receipt_note(receipt, "warned that the mailbox is %u%% full",
		    quota_percent(&delivery->quota, used));
	else if (turn == -1)
		receipt_note(receipt, "quota warning: %s", err.text);
	buf_free(&template);
	buf_free(&text);
}
