/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From an account's name to its mailbox, with the account's rights. The accounts are asked with
 * the caller's rights, the mailbox is not even looked at before root's are gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mailpeek.h"

int
peek_locate(const struct settings *settings, const struct account *account, struct mailbox *out,
    struct err *err)
{
	const char *spec = account->mailbox != NULL ? account->mailbox : settings->mailbox;

	return mailbox_locate(out, spec, account->name, account->home, err);
}

enum status
peek_unknown(const char *name)
{
	if (strchr(name, '@') != NULL)
		speech_complain("no account %s: for an address, \"virtmap resolve %s\" says which "
		                "account gets its mail",
		    name, name);
	else
		speech_complain("no account %s", name);
	return STATUS_NO_USER;
}

static enum status
find(const struct settings *settings, const char *name, struct account *out)
{
	struct accounts *accounts = NULL;
	struct err err;
	int found = -1;

	if (accounts_open(&accounts, settings->accounts, settings->accounts_canary, geteuid() == 0,
	        &err) == 0)
		found = accounts_find(accounts, name, out, &err);
	accounts_close(accounts);
	if (found == 0)
		return peek_unknown(name);
	if (found == -1) {
		speech_complain("%s", err.text);
		return STATUS_LATER;
	}
	return STATUS_OK;
}

int
peek_folder(struct mailbox *mailbox, const char *name, struct err *err)
{
	char *dotted, *path;
	int rc;

	if (strcasecmp(name, "INBOX") == 0)
		return 0;
	if (mailbox->format != MAILBOX_MAILDIR) {
		err_set(err, 0, "%s is an mbox, and has no folders", mailbox->path);
		return err->num = EINVAL, -1;
	}
	if ((dotted = strdup(name)) == NULL)
		return err_set(err, ENOMEM, "folder %s", name);
	for (char *p = dotted; (p = strchr(p, '/')) != NULL;)
		*p = '.';
	rc = mailbox_choose_folder(mailbox, dotted, err);
	free(dotted);
	if (rc == -1)
		return -1;
	if (mailbox->folder == NULL) {
		err_set(err, 0, "\"%s\" is no folder's name", name);
		return err->num = EINVAL, -1;
	}
	if (asprintf(&path, "%s/%s", mailbox->path, mailbox->folder) == -1)
		return err_set(err, ENOMEM, "folder %s", name);
	free(mailbox->path);
	free(mailbox->folder);
	mailbox->path = path;
	mailbox->folder = NULL;
	return 0;
}

/* A mailbox that is missing is empty, a folder that is missing is a mistake. */
static enum status
choose_folder(struct mailbox *mailbox, const char *name, const char *folder)
{
	struct err err;

	if (folder == NULL)
		return STATUS_OK;
	if (peek_folder(mailbox, folder, &err) == -1) {
		speech_complain("%s", err.text);
		return err.num == EINVAL ? STATUS_USAGE : STATUS_LATER;
	}
	if (access(mailbox->path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return STATUS_OK;
	speech_complain("no folder %s in the mailbox of %s", folder, name);
	return STATUS_NO_INPUT;
}

enum status
peek_enter(
    const struct settings *settings, const char *name, const char *folder, struct mailbox *out)
{
	struct account account = { 0 };
	enum status status = find(settings, name, &account);
	struct err err;

	if (status != STATUS_OK)
		return status;
	if (peek_locate(settings, &account, out, &err) == -1) {
		speech_complain("%s", err.text);
		status = err.num == ENOMEM ? STATUS_LATER : STATUS_CONFIG;
	} else if (account_become(&account, settings->min_uid, &err) == -1) {
		speech_complain("%s", err.text);
		status = err.num == EPERM ? STATUS_FORBIDDEN : STATUS_LATER;
	} else {
		status = choose_folder(out, name, folder);
	}
	if (status != STATUS_OK)
		mailbox_free(out);
	account_free(&account);
	return status;
}

static int
read_number(const char *text, const char *what, size_t *out)
{
	const char *why;
	long long number = strtonum(text, 1, INT64_MAX, &why);

	*out = (size_t)number;
	if (why == NULL && strspn(text, "0123456789") == strlen(text))
		return 0;
	speech_complain("\"%s\" is no %s", text, what);
	return -1;
}

int
peek_number(const char *text, size_t *out)
{
	return read_number(text, "message number", out);
}

int
peek_count(const char *text, size_t *out)
{
	return read_number(text, "number", out);
}
