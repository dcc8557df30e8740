/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parent of an LMTP session and a front that was taken over: what it may ask it is answered,
 * and whatever else it sends ends the session, with nothing delivered and no descriptor kept.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/virtmda/journal.h"
#include "../../src/virtmda/lmtp_front.h"
#include "../../src/virtmda/lmtp_server.h"
#include "../../src/virtmda/parcel.h"
#include "../../src/virtmda/process.h"
#include "io.h"
#include "map.h"
#include "message.h"
#include "suite.h"

#define JOE  4242
#define TEXT "Subject: x\n\nhello\n"
#define ALL  (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static char all_of_it[64]; /* made and removed by main: a test that fails cleans up nothing */
static char top[80];
static struct settings settings;
static struct err err;

/* In the front: a failed check must reach the parent as a status. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, err.text);     \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void
complain(void *arg, const char *path, size_t line, const char *why)
{
	(void)arg;
	ck_abort_msg("%s:%zu: %s", path, line, why);
}

static void
compile(void)
{
	struct map_source *source;

	ck_assert_msg(
	    map_source_read(&source, settings.map, 0, complain, NULL, &err) == 0, "%s", err.text);
	ck_assert_msg(map_compile(source, NULL, (gid_t)-1, 0644, NULL, complain, NULL, &err) == 0,
	    "%s", err.text);
	map_source_free(source);
}

static void
setup(void)
{
	uid_t uid = geteuid() == 0 ? JOE : geteuid();
	gid_t gid = geteuid() == 0 ? JOE : getegid();
	char text[1024];

	snprintf(top, sizeof(top), "%s/XXXXXX", all_of_it);
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0755), 0);
	snprintf(text, sizeof(text), "joe:x:%lu:%lu::%s/joe::\n", (unsigned long)uid,
	    (unsigned long)gid, top);
	put("accounts", text);
	put("virtmaps", "joe@d.example joe\nvoid@d.example discard:\n");
	snprintf(text, sizeof(text),
	    "map = %s/virtmaps\ndomains = %s/domains\naccounts = passwd-file:%s/accounts\n"
	    "aliases = none\nmailbox = maildir:~/Maildir\nlog = %s/log\nspool_directory = %s\n"
	    "lmtp_recipients = 3\n",
	    top, top, top, top, top);
	put("conf", text);
	snprintf(text, sizeof(text), "%s/joe", top);
	ck_assert_int_eq(mkdir(text, 0700), 0);
	ck_assert_int_eq(chown(text, uid, gid), 0);
	snprintf(text, sizeof(text), "%s/conf", top);
	ck_assert_msg(settings_load(&settings, text, NULL, 0, &err) == 0, "%s", err.text);
	/* The system's log would stay open, which is not the descriptor that is looked for here. */
	journal_destination(settings.log);
	compile();
	process_hold();
	process_forget_starter();
}

static void
teardown(void)
{
	settings_free(&settings);
}

static int
entries(const char *where)
{
	char path[128];
	const struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", top, where);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static int
descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Run `front` in a process of its own and answer it. What lmtp_answer_front said. */
static int
answer(void (*front)(int socket))
{
	int sockets[2], status, before = descriptors(), said;
	pid_t pid;

	ck_assert_int_eq(parcel_pair(sockets, &err), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(sockets[0]);
		front(sockets[1]);
		_exit(0);
	}
	close(sockets[1]);
	said = lmtp_answer_front(&settings, sockets[0], &err);
	close(sockets[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "front: status %x", status);
	ck_assert_int_eq(descriptors(), before);
	return said;
}

/* ---- the front's side ---------------------------------------------------------------------------
 */

static void
ask(int socket, enum lmtp_request_kind kind, const char *address, int descriptor)
{
	struct lmtp_request request;

	memset(&request, 0, sizeof(request));
	request.kind = kind;
	strlcpy(request.address, address, sizeof(request.address));
	MUST(parcel_send(socket, &request, sizeof(request), descriptor, &err) == 0);
}

static void
hear(int socket, enum outcome_class class, const char *status, int *descriptor)
{
	struct lmtp_answer told;

	MUST(parcel_receive(socket, &told, sizeof(told), descriptor, &err) == 1);
	if (told.outcome.class != class || strcmp(told.outcome.status, status) != 0) {
		fprintf(stderr, "%s %s, not %s\n", told.outcome.status, told.outcome.text, status);
		_exit(1);
	}
}

static int
memory(const char *text, int seals)
{
	int fd = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	MUST(fd != -1 && io_write_all(fd, text, strlen(text)) == 0);
	MUST(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static void
begin(int socket)
{
	ask(socket, LMTP_REQUEST_BEGIN, "a@b", -1);
	ask(socket, LMTP_REQUEST_RECIPIENT, "joe@d.example", -1);
	hear(socket, OUTCOME_DELIVERED, "2.1.5", NULL);
}

static void
good_front(int socket)
{
	int file, spool;

	ask(socket, LMTP_REQUEST_VERIFY, "joe@d.example", -1);
	hear(socket, OUTCOME_DELIVERED, "2.1.5", NULL);
	ask(socket, LMTP_REQUEST_VERIFY, "nobody@d.example", -1);
	hear(socket, OUTCOME_REJECTED, "5.1.1", NULL);
	begin(socket);
	ask(socket, LMTP_REQUEST_RECIPIENT, "nobody@d.example", -1);
	hear(socket, OUTCOME_REJECTED, "5.1.1", NULL);
	ask(socket, LMTP_REQUEST_RECIPIENT, "void@d.example", -1);
	hear(socket, OUTCOME_DELIVERED, "2.1.5", NULL);
	file = memory(TEXT, ALL);
	ask(socket, LMTP_REQUEST_DELIVER, "", file);
	hear(socket, OUTCOME_DELIVERED, "2.0.0", NULL);
	hear(socket, OUTCOME_DELIVERED, "2.0.0", NULL);
	/* A second message, by way of a file. */
	ask(socket, LMTP_REQUEST_RESET, "", -1);
	begin(socket);
	ask(socket, LMTP_REQUEST_SPOOL, "", -1);
	hear(socket, OUTCOME_DEFERRED, "4.3.0", &spool);
	MUST(spool != -1 && io_write_all(spool, TEXT, strlen(TEXT)) == 0);
	ask(socket, LMTP_REQUEST_DELIVER, "", -1);
	hear(socket, OUTCOME_DELIVERED, "2.0.0", NULL);
}

START_TEST(answers_a_front)
{
	ck_assert_msg(answer(good_front) == 0, "%s", err.text);
	ck_assert_int_eq(entries("joe/Maildir/new"), 2);
}
END_TEST

/* Processes that the parent has. */
static int
count_children(pid_t parent)
{
	char path[64], line[256] = "";
	int n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	file = fopen(path, "r");
	MUST(file != NULL);
	if (fgets(line, sizeof(line), file) != NULL)
		for (const char *p = line; *p != '\0'; p++)
			n += *p == ' ';
	fclose(file);
	return n;
}

static void
deliver_one(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", memory(TEXT, ALL));
	hear(socket, OUTCOME_DELIVERED, "2.0.0", NULL);
}

/* One message, silence until there is no process left but this one, and another message. */
static void
slow_front(int socket)
{
	int before = count_children(getppid());

	deliver_one(socket);
	MUST(geteuid() != 0 || count_children(getppid()) == before + 1);
	for (int i = 0; i < 3000 && count_children(getppid()) > before; i++)
		nanosleep(&(const struct timespec){ .tv_nsec = 10000000 }, NULL);
	MUST(count_children(getppid()) == before);
	deliver_one(socket);
}

START_TEST(lets_go_of_workers_that_wait_for_long)
{
	ck_assert_msg(answer(slow_front) == 0, "%s", err.text);
	ck_assert_int_eq(entries("joe/Maildir/new"), 2);
}
END_TEST

/* ---- and what it must not
 * ------------------------------------------------------------------------ */

static void
nothing(int socket)
{
	(void)socket;
}

static void
half_a_block(int socket)
{
	MUST(send(socket, "xy", 2, 0) == 2);
}

static void
too_large_a_block(int socket)
{
	static char noise[sizeof(struct lmtp_request) + 1];

	MUST(send(socket, noise, sizeof(noise), 0) == (ssize_t)sizeof(noise));
}

static void
unknown_kind(int socket)
{
	ask(socket, (enum lmtp_request_kind)77, "a@b", -1);
}

static void
endless_address(int socket)
{
	struct lmtp_request request;

	memset(&request, 'x', sizeof(request));
	request.kind = LMTP_REQUEST_VERIFY;
	MUST(parcel_send(socket, &request, sizeof(request), -1, &err) == 0);
}

static void
control_characters(int socket)
{
	ask(socket, LMTP_REQUEST_BEGIN, "a@b\nX-Evil: yes", -1);
}

/* Values that the front would never have taken, in each of the places. */
static void
ask_noting(int socket, enum lmtp_request_kind kind, const struct lmtp_notice *notice)
{
	struct lmtp_request request;

	memset(&request, 0, sizeof(request));
	request.kind = kind;
	strlcpy(request.address, "joe@d.example", sizeof(request.address));
	request.notice = *notice;
	MUST(parcel_send(socket, &request, sizeof(request), -1, &err) == 0);
}

static void
forged_ret(int socket)
{
	ask_noting(socket, LMTP_REQUEST_BEGIN, &(struct lmtp_notice){ .ret = "NONE" });
}

static void
forged_envid(int socket)
{
	ask_noting(socket, LMTP_REQUEST_BEGIN, &(struct lmtp_notice){ .envid = "x=y" });
}

static void
forged_notify(int socket)
{
	begin(socket);
	ask_noting(
	    socket, LMTP_REQUEST_RECIPIENT, &(struct lmtp_notice){ .notify = "NEVER\r\nRCPT" });
}

static void
forged_orcpt(int socket)
{
	begin(socket);
	ask_noting(
	    socket, LMTP_REQUEST_RECIPIENT, &(struct lmtp_notice){ .orcpt = "rfc822;x RET=FULL" });
}

static void
forged_utf8(int socket)
{
	ask_noting(socket, LMTP_REQUEST_BEGIN, &(struct lmtp_notice){ .utf8 = 2 });
}

static void
endless_notice(int socket)
{
	struct lmtp_notice notice;

	memset(&notice, 'x', sizeof(notice));
	notice.utf8 = 0;
	ask_noting(socket, LMTP_REQUEST_BEGIN, &notice);
}

static void
no_recipient(int socket)
{
	ask(socket, LMTP_REQUEST_BEGIN, "", -1);
	ask(socket, LMTP_REQUEST_RECIPIENT, "", -1);
}

static void
recipient_first(int socket)
{
	ask(socket, LMTP_REQUEST_RECIPIENT, "joe@d.example", -1);
}

static void
too_many_recipients(int socket)
{
	begin(socket);
	for (int i = 0; i < 2; i++) {
		ask(socket, LMTP_REQUEST_RECIPIENT, "void@d.example", -1);
		hear(socket, OUTCOME_DELIVERED, "2.1.5", NULL);
	}
	ask(socket, LMTP_REQUEST_RECIPIENT, "void@d.example", -1);
}

static void
message_for_nobody(int socket)
{
	ask(socket, LMTP_REQUEST_BEGIN, "a@b", -1);
	ask(socket, LMTP_REQUEST_DELIVER, "", memory(TEXT, ALL));
}

static void
message_twice(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_RESET, "", -1);
	ask(socket, LMTP_REQUEST_DELIVER, "", memory(TEXT, ALL));
}

static void
no_message(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", -1);
}

static void
unsealed_message(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", memory(TEXT, 0));
}

static void
half_sealed_message(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", memory(TEXT, ALL & ~F_SEAL_GROW));
}

static void
open_seals(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", memory(TEXT, ALL & ~F_SEAL_SEAL));
}

static void
a_file_of_its_own(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", open("/etc/passwd", O_RDONLY));
}

static void
a_directory(int socket)
{
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", open("/", O_RDONLY));
}

static void
a_pipe(int socket)
{
	int ends[2];

	begin(socket);
	MUST(pipe(ends) == 0);
	ask(socket, LMTP_REQUEST_DELIVER, "", ends[0]);
}

static void
too_much_memory(int socket)
{
	int fd = memory(TEXT, 0);

	MUST(ftruncate(fd, MESSAGE_IN_MEMORY + 1) == 0 && fcntl(fd, F_ADD_SEALS, ALL) == 0);
	begin(socket);
	ask(socket, LMTP_REQUEST_DELIVER, "", fd);
}

static void
two_spools(int socket)
{
	int spool;

	begin(socket);
	ask(socket, LMTP_REQUEST_SPOOL, "", -1);
	hear(socket, OUTCOME_DEFERRED, "4.3.0", &spool);
	ask(socket, LMTP_REQUEST_SPOOL, "", -1);
}

static void
spool_first(int socket)
{
	ask(socket, LMTP_REQUEST_SPOOL, "", -1);
}

static const struct {
	const char *name;
	void (*front)(int socket);
	int num; /* 0: any */
} taken_over[] = {
	{ "half a block", half_a_block, EPROTO },
	{ "too large a block", too_large_a_block, EPROTO },
	{ "an unknown kind", unknown_kind, EPROTO },
	{ "an address without end", endless_address, EPROTO },
	{ "an address with a line end", control_characters, EPROTO },
	{ "a forged RET", forged_ret, EPROTO },
	{ "a forged ENVID", forged_envid, EPROTO },
	{ "a forged NOTIFY", forged_notify, EPROTO },
	{ "a forged ORCPT", forged_orcpt, EPROTO },
	{ "a forged SMTPUTF8", forged_utf8, EPROTO },
	{ "an endless notice", endless_notice, EPROTO },
	{ "no recipient", no_recipient, EPROTO },
	{ "a recipient before the sender", recipient_first, EPROTO },
	{ "too many recipients", too_many_recipients, EPROTO },
	{ "a message for nobody", message_for_nobody, EPROTO },
	{ "a message behind a reset", message_twice, EPROTO },
	{ "no message", no_message, EPROTO },
	{ "a message that can change", unsealed_message, EPROTO },
	{ "a message that can grow", half_sealed_message, EPROTO },
	{ "seals that can be added to", open_seals, EPROTO },
	{ "a file", a_file_of_its_own, EPROTO },
	{ "a directory", a_directory, EPROTO },
	{ "a pipe", a_pipe, EPROTO },
	{ "too much memory", too_much_memory, EPROTO },
	{ "two files", two_spools, EPROTO },
	{ "a file before the sender", spool_first, EPROTO },
};

START_TEST(believes_nothing)
{
	ck_assert_msg(answer(taken_over[_i].front) == -1, "%s", taken_over[_i].name);
	ck_assert_msg(err.num == taken_over[_i].num, "%s: %s", taken_over[_i].name, err.text);
	ck_assert_int_eq(entries("joe/Maildir/new"), 0);
}
END_TEST

START_TEST(silence_is_an_end)
{
	ck_assert_int_eq(answer(nothing), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("virtmda lmtp server");
	TCase *tests = tcase_create("server");
	char command[96];
	int failed;

	strcpy(all_of_it, "/tmp/check_lmtp_server.XXXXXX");
	if (mkdtemp(all_of_it) == NULL)
		return 1;
	chmod(all_of_it, 0755);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, answers_a_front);
	tcase_set_timeout(tests, 40);
	tcase_add_test(tests, lets_go_of_workers_that_wait_for_long);
	tcase_add_loop_test(
	    tests, believes_nothing, 0, (int)(sizeof(taken_over) / sizeof(taken_over[0])));
	tcase_add_test(tests, silence_is_an_end);
	suite_add_tcase(suite, tests);
	failed = suite_run(suite);
	snprintf(command, sizeof(command), "rm -rf %s", all_of_it);
	return system(command) == 0 && failed == 0 ? 0 : 1;
}
