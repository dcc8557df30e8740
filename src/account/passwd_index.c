/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writing the index of a passwd-file: only of a text without a fault, so that its "no" is worth as
 * much as the text's own.
 */
#include <errno.h>
#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "passwd_file.h"
#include "passwd_survey.h"
#include "source.h"
#include "table.h"

#define CLOCK_STEP 20000000L /* nanoseconds; file times move in ticks of 1 to 10 ms */

/* A change in the same tick of the file system's clock as the one before would leave no trace in
 * the times. So wait until the text is older than a tick; whoever changes it later is seen. */
static void
let_settle(const struct stat *st)
{
	struct timespec now, pause = { 0, CLOCK_STEP };

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - st->st_ctim.tv_sec <= 1 && now.tv_sec >= st->st_ctim.tv_sec)
		nanosleep(&pause, NULL);
}

static int
digest(int fd, const char *path, unsigned char out[32], struct err *err)
{
	unsigned char piece[16384];
	SHA2_CTX sum;
	off_t at = 0;
	ssize_t n;

	SHA256Init(&sum);
	while ((n = pread(fd, piece, sizeof(piece), at)) > 0) {
		SHA256Update(&sum, piece, (size_t)n);
		at += n;
	}
	if (n == -1)
		return err_set(err, errno, "read %s", path);
	SHA256Final(out, &sum);
	return 0;
}

static int
add_all(struct table_builder *builder, const struct passwd_survey *survey,
    const struct passwd_file_identity *identity, struct arena *wheres, struct err *err)
{
	int rc = table_build_add(builder, PASSWD_FILE_IDENTITY, PASSWD_FILE_IDENTITY,
	    identity->text, strlen(identity->text), err);

	for (size_t i = 0; rc == 0 && i < survey->n; i++) {
		const struct passwd_entry *entry = &survey->entries[i];
		char where[48], *kept;
		int len =
		    snprintf(where, sizeof(where), "%jd %zu", (intmax_t)entry->offset, entry->len);

		if ((kept = arena_string(wheres, where, (size_t)len)) == NULL)
			rc = err_set(err, ENOMEM, "index of %s", survey->path);
		else
			rc = table_build_add(
			    builder, entry->folded, entry->folded, kept, (size_t)len, err);
	}
	return rc;
}

static int
write_index(const struct passwd_survey *survey, int fd, const struct stat *st,
    const struct passwd_file_identity *identity, struct err *err)
{
	struct table_source source = { .size = (uint64_t)st->st_size,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (int32_t)st->st_mtim.tv_nsec,
		.mappings = survey->n };
	struct arena wheres = { NULL }; /* must live until commit has written them */
	struct table_builder *builder;
	char path[PATH_MAX];
	int failed;

	if (passwd_file_index_path(path, survey->path, err) == -1 ||
	    digest(fd, survey->path, source.digest, err) == -1 ||
	    passwd_file_unchanged(fd, survey->path, identity, err) == -1 ||
	    table_build_begin(&builder, path, survey->n + 1, err) == -1)
		return -1;
	/* Who may read the text may read the index, and nobody else: it repeats the names. */
	if ((failed = add_all(builder, survey, identity, &wheres, err)) == -1)
		table_build_abort(builder);
	else
		failed = table_build_commit(builder, &source,
		    geteuid() == 0 ? st->st_gid : (gid_t)-1, st->st_mode & 0644, err);
	arena_free(&wheres);
	return failed;
}

static void
keep_first(void *arg, const char *path, size_t line, const char *why)
{
	struct err *first = arg;

	if (first->text[0] == '\0')
		err_set(first, 0, "%s:%zu: %s", path, line, why);
}

int
passwd_file_index(const char *path, int trusted, struct err *err)
{
	struct err first = { 0, "" };
	struct passwd_survey survey = { .path = path, .complain = keep_first, .arg = &first };
	struct passwd_file_identity identity;
	struct stat st;
	int rc, fd = passwd_file_open_text(path, trusted, &st, err);

	if (fd == -1)
		return -1;
	let_settle(&st);
	passwd_file_identify(&st, &identity);
	rc = passwd_survey_read(&survey, fd, err);
	if (rc == 0 && survey.faults > 0) {
		*err = first;
		rc = -1;
	}
	if (rc == 0)
		rc = write_index(&survey, fd, &st, &identity, err);
	close(fd);
	passwd_survey_free(&survey);
	return rc;
}
