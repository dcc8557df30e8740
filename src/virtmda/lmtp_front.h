/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the LMTP front may ask of its parent, and the parent's answer: blocks of fixed size
 * (parcel.h). The front has no rights and parses what strangers send, so the parent believes
 * nothing in here that it has not looked at.
 */
#ifndef VIRTMDA_LMTP_FRONT_H
#define VIRTMDA_LMTP_FRONT_H

#include <stdint.h>
#include <sys/types.h>

#include "address.h"
#include "lmtp_notice.h"
#include "outcome.h"
#include "settings.h"

enum lmtp_request_kind {
	LMTP_REQUEST_BEGIN,     /* address: the sender. Not answered */
	LMTP_REQUEST_RECIPIENT, /* address: may it have the message? Delivered: it may */
	LMTP_REQUEST_VERIFY,    /* the same, but nothing follows from it */
	LMTP_REQUEST_SPOOL,   /* a file for a message too large for memory: comes with the answer */
	LMTP_REQUEST_DELIVER, /* the message comes with it, sealed, or is in that file. One answer
	                         for each accepted recipient, in their order */
	LMTP_REQUEST_RESET    /* not answered */
};

struct lmtp_request {
	enum lmtp_request_kind kind;
	char address[ADDRESS_MAX + 1];
	uint64_t size;             /* BEGIN: bytes that the client announced, 0 none */
	struct lmtp_notice notice; /* BEGIN, RECIPIENT */
};

struct lmtp_answer {
	struct outcome outcome;
};

/* The front: speak LMTP on standard input and output, ask over `socket`, until the client is gone
 * or has said QUIT. For a process of its own, which it ends; as root it first gives up all rights.
 * parent: the process that answers. */
_Noreturn void lmtp_front(const struct settings *settings, int socket, pid_t parent);

#endif
