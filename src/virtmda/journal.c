/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log line. Written after the outcome is settled, so a log that fails changes nothing.
 * Whatever came from outside (addresses, Message-Id, file names, reasons) is made one safe
 * line by text_vis: nobody forges a second log line.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "text.h"

static const char *destination = "syslog";
static const char *id = "NOQUEUE";
static struct timespec begun;

void
journal_start(void)
{
	if (clock_gettime(CLOCK_MONOTONIC, &begun) == -1)
		begun = (struct timespec){ 0 };
}

void
journal_destination(const char *log)
{
	destination = log;
}

void
journal_queue_id(const char *queue_id)
{
	id = queue_id;
}

/* ---- where to -------------------------------------------------------------------------------- */

static int
write_line(int fd, const char *stamp, const char *line)
{
	struct buf out = BUF_INIT;
	int result = -1;

	/* One write: lines of processes that log at the same time stay whole (O_APPEND). */
	if (buf_addf(&out, "%svirtmda[%ld]: %s\n", stamp, (long)getpid(), line) == 0)
		result = io_write_all(fd, out.data, out.len);
	buf_free(&out);
	return result;
}

static int
write_file(const char *path, const char *line)
{
	char stamp[32] = "";
	time_t now = time(NULL);
	struct tm utc;
	int fd =
	    open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);
	int result;

	if (fd == -1)
		return -1;
	if (gmtime_r(&now, &utc) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ ", &utc);
	result = write_line(fd, stamp, line);
	close(fd);
	return result;
}

/* A datagram without a date, which every syslogd then writes itself; syslog(3) reads the time zone
 * for it, and waits for a syslogd that does not read. Mail must not wait for its log. */
static int
send_datagram(int fd, const void *data, size_t len)
{
	struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	const struct timespec pause = { .tv_nsec = 20000000 };

	for (int attempt = 0; attempt < 10; attempt++) {
		if (sendto(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&log,
		        sizeof(log)) != -1)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0; /* lost: syslog(3) would hang */
}

/* The socket is connected to nobody, so it serves for every line, whichever syslogd runs by then;
 * only this process logs, none that it forks. -1: syslog(3) may know another way. */
static int
send_to_syslog(int priority, const char *line)
{
	static int fd = -1;
	struct buf out = BUF_INIT;
	int result = -1;

	if (fd == -1)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (buf_addf(&out, "<%d>virtmda[%ld]: %s", LOG_MAIL | priority, (long)getpid(), line) == 0)
		result = send_datagram(fd, out.data, out.len);
	buf_free(&out);
	return result;
}

static void
emit(int priority, const char *line)
{
	if (strcmp(destination, "stderr") == 0 && write_line(STDERR_FILENO, "", line) == 0)
		return;
	if (destination[0] == '/' && write_file(destination, line) == 0)
		return;
	if (send_to_syslog(priority, line) == -1) {
		openlog("virtmda", LOG_PID, LOG_MAIL);
		syslog(priority, "%s", line);
	}
}

/* ---- the line ----------------------------------------------------------------------------------
 */

/* What is known of the message. */
static int
add_message(struct buf *out, const struct report *report)
{
	if (report->size > 0 &&
	    buf_addf(out, ", size=%llu", (unsigned long long)report->size) == -1)
		return -1;
	return report->message_id[0] == '\0'
	           ? 0
	           : text_vis_between(out, ", msgid=", report->message_id, "");
}

static int
add_handover(struct buf *out, const struct recipient *recipient)
{
	return buf_adds(out, ", relay=sendmail") == -1
	           ? -1
	           : add_message(out, &recipient->handover->report);
}

/* What the address stands for. */
static int
add_answer(struct buf *out, const struct answer *answer)
{
	if (answer->kind == ANSWER_ALIAS)
		return text_vis_between(out, ", alias=", answer->name, "");
	if (answer->kind == ANSWER_ACCOUNT && answer->account.name != NULL)
		return text_vis_between(out, ", account=", answer->account.name, "");
	for (size_t i = 0; i < answer->naddresses; i++)
		if (text_vis_between(out, i == 0 ? ", forward=" : ",", answer->addresses[i], "") ==
		    -1)
			return -1;
	return 0;
}

static int
add_copy(struct buf *out, const struct copy *copy)
{
	const struct mailbox_receipt *receipt = &copy->report.receipt;
	const char *format =
	    copy->mailbox.format == MAILBOX_MBOX ? ", mailbox=mbox:" : ", mailbox=maildir:";

	if (text_vis_between(out, format, copy->mailbox.path, "") == -1)
		return -1;
	if (receipt->folder[0] != '\0' &&
	    text_vis_between(out, ", folder=", receipt->folder, "") == -1)
		return -1;
	if (receipt->name[0] != '\0' && text_vis_between(out, ", file=", receipt->name, "") == -1)
		return -1;
	if (add_message(out, &copy->report) == -1)
		return -1;
	if (receipt->lock_wait_ms > 0 &&
	    buf_addf(out, ", lockwait=%ums", receipt->lock_wait_ms) == -1)
		return -1;
	if (receipt->note[0] != '\0' && text_vis_between(out, ", repair=", receipt->note, "") == -1)
		return -1;
	return 0;
}

/* What sendmail would say, so that what reads its log can read ours. */
static int
add_status(struct buf *out, const struct recipient *recipient)
{
	const struct outcome *outcome = plan_outcome(recipient);
	const char *stat = "Deferred: ";

	if (buf_addf(out, ", dsn=%s, stat=", outcome->status) == -1)
		return -1;
	if (outcome->class == OUTCOME_DELIVERED && recipient->handover != NULL)
		return text_vis_between(out, "Forwarded (", outcome->text, ")");
	if (outcome->class == OUTCOME_DELIVERED)
		return buf_adds(
		    out, strcmp(outcome->text, "discarded") == 0 ? "Discarded" : "Delivered");
	if (outcome->class == OUTCOME_REJECTED)
		stat = outcome->nouser ? "User unknown: " : "Service unavailable: ";
	return text_vis_between(out, stat, outcome->text, "");
}

int
journal_line(
    struct buf *out, const struct recipient *recipient, const char *sender, unsigned long delay_ms)
{
	const struct answer *answer = &recipient->answer;
	unsigned long seconds = delay_ms / 1000;

	if (text_vis_between(out, "to=<", recipient->original, ">") == -1 ||
	    text_vis_between(out, ", from=<", sender, ">") == -1)
		return -1;
	if (answer->match != NULL && text_vis_between(out, ", match=", answer->match, "") == -1)
		return -1;
	if (add_answer(out, answer) == -1)
		return -1;
	if (recipient->copy != NULL && add_copy(out, recipient->copy) == -1)
		return -1;
	if (recipient->handover != NULL && add_handover(out, recipient) == -1)
		return -1;
	if (answer->warning != NULL &&
	    text_vis_between(out, ", warning=", answer->warning, "") == -1)
		return -1;
	if (buf_addf(out, ", delay=%02lu:%02lu:%02lu.%03lu", seconds / 3600, seconds / 60 % 60,
	        seconds % 60, delay_ms % 1000) == -1)
		return -1;
	return add_status(out, recipient);
}

static unsigned long
elapsed_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		return 0;
	return (unsigned long)((now.tv_sec - begun.tv_sec) * 1000 +
	                       (now.tv_nsec - begun.tv_nsec) / 1000000);
}

void
journal_recipient(const struct recipient *recipient, const char *sender)
{
	const struct outcome *outcome = plan_outcome(recipient);
	struct buf line = BUF_INIT;

	if (text_vis_between(&line, "", id, ": ") == 0 &&
	    journal_line(&line, recipient, sender, elapsed_ms()) == 0 && buf_cstr(&line) != NULL)
		emit(outcome->class == OUTCOME_DEFERRED ? LOG_WARNING : LOG_INFO, buf_cstr(&line));
	buf_free(&line);
}

void
journal_complaint(const char *text)
{
	struct buf line = BUF_INIT;

	if (text_vis_between(&line, "", id, ": stat=Deferred: ") == 0 &&
	    text_vis_between(&line, "", text, "") == 0 && buf_cstr(&line) != NULL)
		emit(LOG_ERR, buf_cstr(&line));
	buf_free(&line);
}
