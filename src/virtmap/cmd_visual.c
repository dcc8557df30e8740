/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap edit: the text in the caller's editor, as vipw does it. The map stays locked meanwhile,
 * and a second one is told at once by whom. What was written is checked before it is published;
 * what cannot be published is offered again, and never lost without being asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "editor.h"
#include "io.h"

#define TEXT_MAX 0x7fffffff /* bytes */

/* ---- the copy ------------------------------------------------------------------------------ */

/* Beside the map, where only those who may change it can put a file; 0600. Its name, malloc'ed, or
 * NULL with err. */
static char *
make_copy(const struct editor *editor, struct err *err)
{
	const struct buf *text = map_source_text(editor->source);
	char *name;
	int fd, failed;

	if (text == NULL ||
	    asprintf(&name, "%s.edit.XXXXXX", editor->virtmap->settings->map) == -1) {
		err_set(err, ENOMEM, "edit");
		return NULL;
	}
	if ((fd = mkostemp(name, O_CLOEXEC)) == -1) {
		err_set(err, errno, "create %s", name);
		free(name);
		return NULL;
	}
	failed = io_write_all(fd, text->data, text->len);
	if (failed == -1)
		err_set(err, errno, "write %s", name);
	if (close(fd) == -1 && failed == 0)
		failed = err_set(err, errno, "close %s", name);
	if (failed == 0)
		return name;
	unlink(name);
	free(name);
	return NULL;
}

/* Editors replace the file as often as they write into it: by name, then. */
static int
read_copy(struct buf *out, const char *name, struct err *err)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), failed;

	buf_clear(out);
	if (fd == -1)
		return err_set(err, errno, "open %s", name);
	failed = io_read_all(fd, TEXT_MAX, out);
	if (failed == -1)
		err_set(err, errno, "read %s", name);
	close(fd);
	return failed;
}

/* ---- the editor ---------------------------------------------------------------------------- */

static const char *
editor_command(void)
{
	const char *command = getenv("VISUAL");

	if (command == NULL || *command == '\0')
		command = getenv("EDITOR");
	return command == NULL || *command == '\0' ? "vi" : command;
}

/* In the child: through the shell, since people set EDITOR to a command with options. */
static void
run_child(const char *command, const char *name)
{
	char *script;

	if (asprintf(&script, "%s \"$@\"", command) != -1)
		execl("/bin/sh", "sh", "-c", script, command, name, (char *)NULL);
	_exit(127);
}

/* Its wait status, or -1 with err. What the keyboard sends meanwhile is meant for the editor. */
static int
run_editor(const char *name, struct err *err)
{
	const char *command = editor_command();
	void (*old_int)(int), (*old_quit)(int);
	int status = 0, rc;
	pid_t pid;

	fflush(stdout);
	old_int = signal(SIGINT, SIG_IGN);
	old_quit = signal(SIGQUIT, SIG_IGN);
	if ((pid = fork()) == 0) {
		signal(SIGINT, old_int);
		signal(SIGQUIT, old_quit);
		signal(SIGPIPE, SIG_DFL);
		run_child(command, name);
	}
	do
		rc = pid == -1 ? -1 : waitpid(pid, &status, 0);
	while (pid != -1 && rc == -1 && errno == EINTR);
	if (rc == -1)
		err_set(err, errno, "start %s", command);
	signal(SIGINT, old_int);
	signal(SIGQUIT, old_quit);
	if (rc != -1 && status != 0)
		rc = err_set(err, 0, "%s ended with %s %d", command,
		    WIFEXITED(status) ? "status" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return rc == -1 ? -1 : 0;
}

/* ---- what came of it ----------------------------------------------------------------------- */

/* The edited text as the source, if it could be published. */
static enum status
take_text(struct editor *editor, const struct buf *text)
{
	struct map_source *source;
	struct err err;

	editor->complaints = 0;
	if (map_source_parse(&source, editor->virtmap->settings->map, text->data, text->len,
	        speech_complain, &editor->complaints, &err) == -1)
		return speech_fail(&err);
	editor_replace(editor, source);
	return map_source_errors(source) > 0 ? STATUS_DATA : editor_check(editor);
}

/* On a terminal: again? */
static int
ask_again(void)
{
	char answer[64];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return -1;
	for (;;) {
		fputs("(e)dit again, or (t)hrow away what was written? ", stderr);
		if (fgets(answer, sizeof(answer), stdin) == NULL)
			return -1;
		if (*answer == 'e' || *answer == 'E')
			return 1;
		if (*answer == 't' || *answer == 'T')
			return 0;
	}
}

static bool
is_other(const struct buf *text, const struct buf *old)
{
	return text->len != old->len ||
	       (text->len > 0 && memcmp(text->data, old->data, text->len) != 0);
}

/* Edit until it is good or given up. *keep: the copy is a person's work, not to be lost. */
static enum status
edit_text(struct editor *editor, const char *name, struct buf *text, int *keep, int *changed)
{
	const struct buf *old = map_source_text(editor->source);
	enum status status;
	struct err err, unread;
	int again;

	do {
		bool ended_well = run_editor(name, &err) == 0;
		bool is_read = read_copy(text, name, ended_well ? &err : &unread) == 0;

		*changed = !is_read || is_other(text, old);
		if (!ended_well || !is_read) {
			/* Whether what was written is worth anything they alone know. */
			*keep = *changed;
			speech_fail(&err);
			return STATUS_NOT_SO;
		}
		if (!*changed)
			return STATUS_OK;
		if ((status = take_text(editor, text)) == STATUS_OK)
			return STATUS_OK;
		old = map_source_text(editor->before);
		again = ask_again();
	} while (again == 1);
	*keep = again == -1;
	return status;
}

static enum status
publish(struct editor *editor, int *keep)
{
	enum status status = editor_publish(editor);
	long n;

	if (status != STATUS_OK) {
		*keep = 1;
		return status;
	}
	if ((n = editor_tell(editor)) == 0)
		speech_say(stdout, "no mapping changed, only the text around them");
	return n == -1 ? STATUS_LATER : STATUS_OK;
}

static enum status
edit(struct editor *editor)
{
	struct buf text = BUF_INIT;
	struct err err;
	char *name = make_copy(editor, &err);
	int keep = 0, changed = 0;
	enum status status;

	if (name == NULL)
		return speech_fail(&err);
	status = edit_text(editor, name, &text, &keep, &changed);
	if (status == STATUS_OK && !changed)
		speech_say(stdout, "%s: unchanged", editor->virtmap->settings->map);
	else if (status == STATUS_OK)
		status = publish(editor, &keep);
	if (keep)
		speech_say(stderr, "virtmap: what was written is kept in %s", name);
	else
		unlink(name);
	buf_free(&text);
	free(name);
	return status;
}

enum status
cmd_visual(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	enum editor_mode mode = strchr(options, 'n') != NULL ? EDITOR_READ : EDITOR_AT_ONCE;
	struct editor editor;
	enum status status = editor_open(&editor, virtmap, mode, 1);

	(void)argc;
	(void)argv;
	if (status == STATUS_OK)
		status = edit(&editor);
	editor_close(&editor);
	return status;
}
