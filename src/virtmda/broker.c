/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The broker: a worker with the account's rights asks, its root parent answers. A request has
 * one size, one kind out of seven and no name in it, so that there is nothing to parse; whoever
 * takes over a worker can lock and unlock the one mailbox of its present job, and that is all.
 */
#include "broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mail_directory.h"
#include "parcel.h"
#include "process.h"

enum request_kind {
	REQUEST_STILL_WANTED,
	REQUEST_CREATE_MAILBOX,
	REQUEST_CREATE_DOTLOCK,
	REQUEST_DROP_DOTLOCK,
	REQUEST_REMOVE_DOTLOCK,
	REQUEST_CREATE_SAVED,
	REQUEST_REPORT /* the last word; not answered */
};

struct request {
	enum request_kind kind;
	union {
		struct {
			size_t len;
			unsigned char bytes[BROKER_CONTENT_MAX];
		} content;
		struct {
			dev_t dev;
			ino_t ino;
		} inode;
		struct report report;
	};
};

struct answer_parcel {
	struct err err; /* num 0 and no text: done */
	int failed;
};

struct broker {
	struct mail_directory *directory; /* NULL: nothing in there is ours to do (Maildir) */
};

/* ---- the parent's side ------------------------------------------------------------------------
 */

int
broker_new(struct broker **out, const struct mailbox *mailbox, const struct account *account,
    struct err *err)
{
	struct broker *broker = calloc(1, sizeof(*broker));

	*out = NULL;
	if (broker == NULL)
		return err_set(err, ENOMEM, "mailbox %s", mailbox->path);
	if (mailbox->format == MAILBOX_MBOX && mail_directory_new(&broker->directory, mailbox->path,
	                                           account->uid, account->gid, err) == -1) {
		free(broker);
		return -1;
	}
	*out = broker;
	return 0;
}

void
broker_free(struct broker *broker)
{
	if (broker == NULL)
		return;
	mail_directory_free(broker->directory);
	free(broker);
}

static int
nobody(struct err *err)
{
	return err_set(err, EACCES, "the account may not write in the mail directory");
}

/* Do what is asked. 0, a descriptor to hand over, or -1. */
static int
act(struct broker *broker, const struct request *request, struct err *err)
{
	struct mail_directory *directory = broker->directory;

	if (request->kind == REQUEST_STILL_WANTED)
		return process_still_wanted(err) == -1 ? -1 : 0;
	if (directory == NULL)
		return err_set(err, EPERM, "not a mailbox in a mail directory");
	if (!process_is_root())
		return nobody(err);
	switch (request->kind) {
	case REQUEST_CREATE_MAILBOX:
		return mail_directory_create_mailbox(directory, err);
	case REQUEST_CREATE_SAVED:
		return mail_directory_create_saved(directory, err);
	case REQUEST_CREATE_DOTLOCK:
		if (request->content.len > sizeof(request->content.bytes))
			return err_set(err, EMSGSIZE, "dotlock");
		return mail_directory_create_dotlock(
		    directory, request->content.bytes, request->content.len, err);
	case REQUEST_DROP_DOTLOCK:
		return mail_directory_drop_dotlock(directory, err);
	case REQUEST_REMOVE_DOTLOCK:
		return mail_directory_remove_dotlock(
		    directory, request->inode.dev, request->inode.ino, err);
	default:
		return err_set(err, EPROTO, "unknown request");
	}
}

/* A worker that cannot be answered gives up, and its report, or its end, comes all the same. */
static void
answer(struct broker *broker, int socket, const struct request *request)
{
	struct answer_parcel parcel;
	struct err unsent;
	int result;

	memset(&parcel, 0, sizeof(parcel));
	result = act(broker, request, &parcel.err);
	parcel.failed = result == -1;
	if (parcel_send(socket, &parcel, sizeof(parcel), result > 0 ? result : -1, &unsent) == -1)
		shutdown(socket, SHUT_WR); /* or it would wait for ever */
	if (result > 0)
		close(result);
}

/* Its dotlock has served. One that stays is stale when the worker has ended. */
static void
end_delivery(struct broker *broker, struct report *report)
{
	struct mailbox_receipt *receipt = &report->receipt;
	struct err err;

	if (broker->directory == NULL || mail_directory_drop_dotlock(broker->directory, &err) == 0)
		return;
	receipt->note[sizeof(receipt->note) - 1] = '\0'; /* nobody has looked at it yet */
	receipt_note(receipt, "%s", err.text);
}

int
broker_serve(struct broker *broker, int socket, struct report *report, struct err *err)
{
	struct request request;
	int got = parcel_receive(socket, &request, sizeof(request), NULL, err);

	if (got == -1)
		return -1;
	if (got == 0)
		return err_set(err, 0, "the delivering process ended without a word");
	if (request.kind != REQUEST_REPORT) {
		answer(broker, socket, &request);
		return 0;
	}
	*report = request.report;
	end_delivery(broker, report);
	return 1;
}

/* ---- the worker's side ------------------------------------------------------------------------
 */

/* descriptor NULL: none is expected. */
static int
ask(int socket, const struct request *request, int *descriptor, struct err *err)
{
	struct answer_parcel parcel;
	int got;

	if (parcel_send(socket, request, sizeof(*request), -1, err) == -1)
		return -1;
	got = parcel_receive(socket, &parcel, sizeof(parcel), descriptor, err);
	if (got == -1) {
		/* The answer may still come; it must not be taken for that to another question. */
		shutdown(socket, SHUT_RD);
		errno = err->num;
		return -1;
	}
	if (got == 0)
		return err_set(err, ECONNRESET, "the parent process is gone");
	if (!parcel.failed)
		return 0;
	*err = parcel.err;
	errno = err->num;
	return -1;
}

static int
ask_descriptor(int socket, const struct request *request, struct err *err)
{
	int descriptor;

	if (ask(socket, request, &descriptor, err) == -1)
		return -1;
	if (descriptor == -1)
		return err_set(err, EPROTO, "the parent process sent no descriptor");
	return descriptor;
}

static int
ask_file(int socket, enum request_kind kind, struct err *err)
{
	struct request request;

	memset(&request, 0, sizeof(request));
	request.kind = kind;
	return ask_descriptor(socket, &request, err);
}

static int
ask_create_mailbox(void *arg, struct err *err)
{
	return ask_file(*(int *)arg, REQUEST_CREATE_MAILBOX, err);
}

static int
ask_create_saved(void *arg, struct err *err)
{
	return ask_file(*(int *)arg, REQUEST_CREATE_SAVED, err);
}

static int
ask_create_dotlock(void *arg, const void *content, size_t len, struct err *err)
{
	struct request request;

	memset(&request, 0, sizeof(request));
	if (len > sizeof(request.content.bytes))
		return err_set(err, EMSGSIZE, "dotlock");
	request.kind = REQUEST_CREATE_DOTLOCK;
	request.content.len = len;
	memcpy(request.content.bytes, content, len);
	return ask(*(int *)arg, &request, NULL, err);
}

static int
ask_drop_dotlock(void *arg, struct err *err)
{
	struct request request;

	memset(&request, 0, sizeof(request));
	request.kind = REQUEST_DROP_DOTLOCK;
	return ask(*(int *)arg, &request, NULL, err);
}

static int
ask_remove_dotlock(void *arg, dev_t dev, ino_t ino, struct err *err)
{
	struct request request;

	memset(&request, 0, sizeof(request));
	request.kind = REQUEST_REMOVE_DOTLOCK;
	request.inode.dev = dev;
	request.inode.ino = ino;
	return ask(*(int *)arg, &request, NULL, err);
}

static int
ask_still_wanted(void *arg, struct err *err)
{
	const int *socket = arg;
	struct request request;
	int wanted = process_still_wanted(err);
	char byte;

	if (wanted == -1)
		return -1;
	/* A parent that was killed has closed its end. */
	if (wanted == 0 && recv(*socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		return err_set(err, ECONNRESET, "the parent process is gone");
	if (wanted == 0)
		return 0;
	memset(&request, 0, sizeof(request));
	request.kind = REQUEST_STILL_WANTED;
	return ask(*socket, &request, NULL, err);
}

void
broker_proxy(struct mailbox_broker *out, int *socket)
{
	*out = (struct mailbox_broker){
		.arg = socket,
		.create_mailbox = ask_create_mailbox,
		.create_dotlock = ask_create_dotlock,
		.drop_dotlock = ask_drop_dotlock,
		.remove_dotlock = ask_remove_dotlock,
		.create_saved = ask_create_saved,
		.still_wanted = ask_still_wanted,
	};
}

int
broker_report(int socket, const struct report *report, struct err *err)
{
	struct request request;

	memset(&request, 0, sizeof(request));
	request.kind = REQUEST_REPORT;
	request.report = *report;
	return parcel_send(socket, &request, sizeof(request), -1, err);
}

/* ---- nobody to ask ----------------------------------------------------------------------------
 */

static int
none_create(void *arg, struct err *err)
{
	(void)arg;
	return nobody(err);
}

static int
none_create_dotlock(void *arg, const void *content, size_t len, struct err *err)
{
	(void)arg, (void)content, (void)len;
	return nobody(err);
}

static int
none_drop_dotlock(void *arg, struct err *err)
{
	(void)arg, (void)err;
	return 0;
}

static int
none_remove_dotlock(void *arg, dev_t dev, ino_t ino, struct err *err)
{
	(void)arg, (void)dev, (void)ino;
	return nobody(err);
}

static int
none_still_wanted(void *arg, struct err *err)
{
	(void)arg;
	return process_still_wanted(err);
}

const struct mailbox_broker broker_none = {
	.create_mailbox = none_create,
	.create_dotlock = none_create_dotlock,
	.drop_dotlock = none_drop_dotlock,
	.remove_dotlock = none_remove_dotlock,
	.create_saved = none_create,
	.still_wanted = none_still_wanted,
};
