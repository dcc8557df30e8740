/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A worker process becomes the account, counts, and sends a record of fixed size through a pipe;
 * the parent, which may be root, opens nothing of the account's. A worker that dies on a mailbox
 * costs that mailbox's row and no other: the next worker goes on behind it. Accounts that share
 * uid and gid (a host's virtual users) share a worker.
 */
#include "survey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"

/* What a worker sends of one mailbox. */
struct record {
	int failed; /* then `why` counts, else `summary` */
	struct mailbox_summary summary;
	struct err why;
};

/* ---- the list -------------------------------------------------------------------------------- */

struct list {
	const struct settings *settings;
	struct survey_entry *entries;
	size_t count, room;
	struct err err;
};

static int
copy_account(struct account *to, const struct account *from)
{
	*to = *from;
	to->name = strdup(from->name);
	to->home = strdup(from->home);
	to->mailbox = from->mailbox != NULL ? strdup(from->mailbox) : NULL;
	to->quota_rule = NULL; /* nobody asks for it yet */
	if (to->name != NULL && to->home != NULL &&
	    (from->mailbox == NULL) == (to->mailbox == NULL))
		return 0;
	account_free(to);
	return -1;
}

/* Accounts that this process could not become, and why not. */
static void
note_forbidden(const struct settings *settings, struct survey_entry *entry)
{
	const uid_t self = geteuid();

	if (entry->account.uid == 0 || entry->account.uid < settings->min_uid)
		err_set(&entry->why, 0, "no mail: uid is below min_uid");
	else if (self != 0 && entry->account.uid != self)
		err_set(&entry->why, 0, "another user's");
	else
		return;
	entry->state = SURVEY_FORBIDDEN;
}

static int
add_account(void *arg, const struct account *account)
{
	struct list *list = arg;
	struct survey_entry *entry;
	struct err err;

	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : 2 * list->room;

		entry = reallocarray(list->entries, room, sizeof(*entry));
		if (entry == NULL)
			return 1;
		list->entries = entry;
		list->room = room;
	}
	entry = &list->entries[list->count];
	memset(entry, 0, sizeof(*entry));
	if (copy_account(&entry->account, account) == -1)
		return 1;
	list->count++;
	note_forbidden(list->settings, entry);
	if (peek_locate(list->settings, account, &entry->mailbox, &err) == -1 &&
	    entry->state != SURVEY_FORBIDDEN)
		entry->why = err;
	return 0;
}

int
survey_accounts(
    const struct settings *settings, struct survey_entry **out, size_t *count, struct err *err)
{
	struct list list = { .settings = settings };
	struct accounts *accounts;
	int rc = accounts_open(
	    &accounts, settings->accounts, settings->accounts_canary, geteuid() == 0, err);

	if (rc == -1)
		return -1;
	rc = accounts_each(accounts, add_account, &list, err);
	accounts_close(accounts);
	if (rc == 1)
		rc = err_set(err, ENOMEM, "accounts");
	if (rc == -1) {
		survey_free(list.entries, list.count);
		return -1;
	}
	*out = list.entries;
	*count = list.count;
	return 0;
}

void
survey_free(struct survey_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		account_free(&entries[i].account);
		mailbox_free(&entries[i].mailbox);
	}
	free(entries);
}

/* ---- the worker ------------------------------------------------------------------------------ */

static void
count_one(const struct survey_entry *entry, const struct err *barred, struct record *out)
{
	memset(out, 0, sizeof(*out));
	if (barred != NULL) {
		out->failed = 1;
		out->why = *barred;
	} else {
		out->failed = mailbox_summarise(
		    &entry->mailbox, entry->account.uid, &out->summary, &out->why);
	}
}

/* Count entries of one uid and gid, and tell the parent. Ends the process. */
static _Noreturn void
work(const struct settings *settings, const struct survey_entry *entries, size_t count, int out)
{
	struct record record;
	struct err err;
	bool barred;

	/* What the parent has open (the accounts file's index, for one) is not the account's. */
	if (dup2(out, STDERR_FILENO + 1) == -1)
		_exit(1);
	closefrom(STDERR_FILENO + 2);
	barred = account_become(&entries[0].account, settings->min_uid, &err) == -1;
	for (size_t i = 0; i < count; i++) {
		count_one(&entries[i], barred ? &err : NULL, &record);
		if (io_write_all(STDERR_FILENO + 1, &record, sizeof(record)) == -1)
			_exit(1);
	}
	_exit(0);
}

/* ---- the parent ------------------------------------------------------------------------------ */

static bool
is_for_worker(const struct survey_entry *entry)
{
	return entry->state == SURVEY_FAILED && entry->mailbox.path != NULL;
}

/* How many entries from the first one on can share a worker. */
static size_t
run_length(const struct survey_entry *entries, size_t count)
{
	size_t n = 1;

	while (n < count && is_for_worker(&entries[n]) &&
	       entries[n].account.uid == entries[0].account.uid &&
	       entries[n].account.gid == entries[0].account.gid)
		n++;
	return n;
}

/* One whole record: 1, 0 at the end, -1 with errno. Half a record is the end too. */
static int
read_record(int fd, struct record *out)
{
	size_t have = 0;

	while (have < sizeof(*out)) {
		ssize_t n = io_read(fd, (char *)out + have, sizeof(*out) - have);

		if (n <= 0)
			return (int)n;
		have += (size_t)n;
	}
	return 1;
}

static void
note_record(struct survey_entry *entry, struct record *record)
{
	/* It comes from a process with less rights: a text that does not end is not printed. */
	record->why.text[sizeof(record->why.text) - 1] = '\0';
	if (record->failed == 0 && record->summary.health <= MAILBOX_HARD_LINKED) {
		entry->state = SURVEY_DONE;
		entry->summary = record->summary;
		return;
	}
	entry->state = record->why.num == EPERM ? SURVEY_FORBIDDEN : SURVEY_FAILED;
	entry->why = record->why;
}

static void
note_death(struct survey_entry *entry, pid_t worker)
{
	int status;

	while (waitpid(worker, &status, 0) == -1)
		if (errno != EINTR) {
			err_set(&entry->why, errno, "wait for the worker");
			return;
		}
	if (WIFSIGNALED(status))
		err_set(
		    &entry->why, 0, "the worker that read it ended by signal %d", WTERMSIG(status));
	else
		err_set(&entry->why, 0, "the worker that read it ended early");
}

/* Start a worker on these entries: its process id and *out, the end to read from; or -1 with err.
 */
static pid_t
start(const struct settings *settings, const struct survey_entry *entries, size_t count, int *out,
    struct err *err)
{
	int ends[2];
	pid_t worker;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_set(err, errno, "pipe");
	/* What stdio holds would be printed by both. */
	fflush(stdout);
	worker = fork();
	if (worker == 0)
		work(settings, entries, count, ends[1]);
	close(ends[1]);
	if (worker == -1) {
		close(ends[0]);
		return err_set(err, errno, "fork");
	}
	*out = ends[0];
	return worker;
}

/* Have these entries filled, as far as one worker comes: how many are, at least one. */
static size_t
run_worker(const struct settings *settings, struct survey_entry *entries, size_t count,
    void (*done)(void *arg, const struct survey_entry *entry), void *arg)
{
	struct record record;
	size_t n = 0;
	int from = -1;
	pid_t worker = start(settings, entries, count, &from, &entries[0].why);

	if (worker == -1) {
		done(arg, &entries[0]);
		return 1;
	}
	while (n < count && read_record(from, &record) == 1) {
		note_record(&entries[n], &record);
		done(arg, &entries[n++]);
	}
	close(from);
	if (n < count) {
		note_death(&entries[n], worker);
		done(arg, &entries[n++]);
	} else {
		waitpid(worker, NULL, 0);
	}
	return n;
}

void
survey_run(const struct settings *settings, struct survey_entry *entries, size_t count,
    void (*done)(void *arg, const struct survey_entry *entry), void *arg)
{
	for (size_t i = 0; i < count;) {
		if (is_for_worker(&entries[i])) {
			i += run_worker(
			    settings, entries + i, run_length(entries + i, count - i), done, arg);
		} else {
			done(arg, &entries[i++]);
		}
	}
}
