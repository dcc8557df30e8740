/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the text to what is asked at every delivery. Everything is checked, written and
 * flushed beside the old files before the first is renamed. The order of the renames is such that a
 * crash between two of them errs to the safe side: a text newer than its map is noticed, and
 * a domain that sendmail still sends to us without a mapping is deferred.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "map_cycle.h"
#include "map_digest.h"
#include "map_domains.h"
#include "map_file.h"
#include "map_key.h"
#include "map_source.h"

#define DOMAINS_MAX 0x7fffffff /* bytes of an old domains file that are compared */

/* What is ready to be renamed into place. */
struct prepared {
	struct table_builder *builder;
	struct io_stage domains; /* zeroed: the domains file stays as it is */
};

static void
discard(struct prepared *prepared)
{
	table_build_abort(prepared->builder);
	io_stage_discard(&prepared->domains);
	prepared->builder = NULL;
}

/* ---- the table --------------------------------------------------------------------------------
 */

static int
add_mapping(struct table_builder *builder, const struct map_line *line, struct map_arena *groups,
    struct err *err)
{
	char scratch[MAP_KEY_ROOM];
	const char *group = map_key_group(line->folded, scratch);

	if (group == scratch &&
	    (group = map_arena_string(groups, scratch, strlen(scratch))) == NULL)
		return err_set(err, ENOMEM, "compile %.100s", line->folded);
	return table_build_add(
	    builder, group, line->folded, line->text + line->target_off, line->target_len, err);
}

static int
add_keys(struct table_builder *builder, const struct map_source *source,
    const struct map_domains *domains, struct map_arena *groups, struct err *err)
{
	uint32_t line = MAP_LINE_NONE;

	while ((line = map_source_next(source, line)) != MAP_LINE_NONE)
		if (source->lines[line].folded != NULL &&
		    add_mapping(builder, &source->lines[line], groups, err) == -1)
			return -1;
	for (size_t i = 0; i < domains->count; i++) {
		const char *domain = domains->names[i];

		/* A .parent is a mark of its own. */
		if (*domain != '.' && table_build_add(builder, domain, domain, "", 0, err) == -1)
			return -1;
	}
	return 0;
}

static int
prepare_table(struct table_builder **out, const struct map_source *source,
    const struct map_domains *domains, const struct table_source *info, gid_t gid, mode_t mode,
    struct err *err)
{
	struct map_arena groups = { NULL }; /* must live until finish has written them */
	char *path = map_file_path(source->path);
	int failed;

	if (path == NULL)
		return err_set(err, ENOMEM, "compile %s", source->path);
	failed = table_build_begin(out, path, source->count + domains->count, err);
	free(path);
	if (failed == 0)
		failed = add_keys(*out, source, domains, &groups, err);
	if (failed == 0)
		failed = table_build_finish(*out, info, gid, mode, err);
	map_arena_free(&groups);
	return failed;
}

/* ---- the domains file -------------------------------------------------------------------------
 */

/* Does the file hold this already? A file that cannot be read is written anew. */
static int
is_current(const char *path, const struct buf *text)
{
	struct buf old = BUF_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), same;

	if (fd == -1)
		return 0;
	same = io_read_all(fd, DOMAINS_MAX, &old) == 0 && old.len == text->len &&
	       (text->len == 0 || memcmp(old.data, text->data, text->len) == 0);
	close(fd);
	buf_free(&old);
	return same;
}

static int
prepare_domains(
    struct io_stage *out, const char *path, const struct map_domains *domains, struct err *err)
{
	struct buf text = BUF_INIT;
	int failed = 0;

	if (path == NULL)
		return 0;
	if (map_domains_text(domains, &text) == -1)
		failed = err_set(err, ENOMEM, "write %s", path);
	else if (!is_current(path, &text))
		failed = io_stage(out, path, text.data, text.len, 0644, NULL, err);
	buf_free(&text);
	return failed;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

struct order {
	const char *domains_path;
	gid_t gid;
	mode_t mode;
	map_account_fn *account;
	map_complain_fn *complain;
	void *arg;
};

static int
check_chains(const struct map_source *source, const struct map_domains *domains,
    const struct order *order, struct err *err)
{
	size_t found;

	if (map_cycle_check(
	        source, domains, order->account, order->complain, order->arg, &found, err) == -1)
		return err_prefix(err, "%s", source->path);
	if (found == 0)
		return 0;
	return err_set(
	    err, 0, "%s: %zu mapping%s without an end", source->path, found, found == 1 ? "" : "s");
}

/* What stands in the way of a map from this source? On success *domains is the caller's. */
static int
check(struct map_domains *domains, const struct map_source *source, const struct order *order,
    struct err *err)
{
	int failed;

	if (source->errors > 0)
		return err_set(err, 0, "%s: %zu malformed line%s", source->path, source->errors,
		    source->errors == 1 ? "" : "s");
	if ((failed = map_domains_collect(domains, source)) == -1)
		err_set(err, ENOMEM, "compile %s", source->path);
	if (failed == 0)
		failed = check_chains(source, domains, order, err);
	if (failed == -1)
		map_domains_free(domains);
	return failed;
}

int
map_check(const struct map_source *source, map_account_fn *account, map_complain_fn *complain,
    void *arg, struct err *err)
{
	struct order order = { .account = account, .complain = complain, .arg = arg };
	struct map_domains domains;

	if (check(&domains, source, &order, err) == -1)
		return -1;
	map_domains_free(&domains);
	return 0;
}

static int
prepare(struct prepared *out, const struct map_source *source, const struct table_source *info,
    const struct order *order, struct err *err)
{
	struct map_domains domains;
	int failed;

	memset(out, 0, sizeof(*out));
	if (check(&domains, source, order, err) == -1)
		return -1;
	failed = prepare_domains(&out->domains, order->domains_path, &domains, err);
	if (failed == 0)
		failed = prepare_table(
		    &out->builder, source, &domains, info, order->gid, order->mode, err);
	map_domains_free(&domains);
	if (failed == -1)
		discard(out);
	return failed;
}

/* The map first: a domain that is only in the file is deferred, one that is only in the map would
 * be refused by sendmail. */
static int
publish(struct prepared *prepared, struct err *err)
{
	struct table_builder *builder = prepared->builder;
	int failed;

	prepared->builder = NULL;
	failed = table_build_publish(builder, err);
	if (failed == 0 && prepared->domains.path != NULL)
		failed = io_stage_publish(&prepared->domains, err);
	discard(prepared);
	return failed;
}

/* The last moment to say no. */
static int
announce(const struct map_source *source, const unsigned char *digest, struct err *err)
{
	return source->announce == NULL ? 0 : source->announce(source->announce_arg, digest, err);
}

static int
compile(const struct map_source *source, const struct order *order, struct err *err)
{
	struct table_source info = source->info;
	struct prepared prepared;

	info.mappings = source->count;
	if (prepare(&prepared, source, &info, order, err) == -1)
		return -1;
	if (announce(source, info.digest, err) == -1) {
		discard(&prepared);
		return -1;
	}
	return publish(&prepared, err);
}

int
map_compile(const struct map_source *source, const char *domains_path, gid_t gid, mode_t mode,
    map_account_fn *account, map_complain_fn *complain, void *arg, struct err *err)
{
	struct order order = { domains_path, gid, mode, account, complain, arg };

	if (source->edited) {
		err_set(err, 0, "%s: has changes that are not written", source->path);
		errno = err->num = EINVAL;
		return -1;
	}
	return compile(source, &order, err);
}

/* ---- text and map together --------------------------------------------------------------------
 */

/* Which file is the compiled map at this moment? 0: none. */
static ino_t
compiled_inode(const char *source_path)
{
	char *path = map_file_path(source_path);
	struct stat st;
	ino_t inode = path != NULL && stat(path, &st) == 0 ? st.st_ino : 0;

	free(path);
	return inode;
}

/* Put the text back of which `old` is still open; -1: there was none. The times too, or the map
 * that did not change would look stale. */
static void
restore(const char *path, int old)
{
	struct buf text = BUF_INIT;
	struct err ignored; /* there is a first reason, and it is told */
	struct stat st;

	if (old == -1)
		unlink(path);
	else if (fstat(old, &st) == 0 && io_read_all(old, MAP_FILE_TEXT_MAX, &text) == 0 &&
	         io_replace(path, text.data, text.len, 0644, &ignored) == 0) {
		struct timespec times[2] = { st.st_atim, st.st_mtim };

		utimensat(AT_FDCWD, path, times, 0);
	}
	buf_free(&text);
}

static int
publish_both(struct io_stage *text, struct prepared *prepared, const char *path, struct err *err)
{
	int old = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), failed;
	ino_t compiled = compiled_inode(path);

	if (old == -1 && errno != ENOENT) {
		failed = err_set(err, errno, "open %s", path);
		io_stage_discard(text);
		discard(prepared);
		return failed;
	}
	failed = io_stage_publish(text, err);
	if (failed == 0)
		failed = publish(prepared, err);
	else
		discard(prepared);
	/* Once the new map is there its text must stay, whatever failed behind. */
	if (failed == -1 && compiled_inode(path) == compiled)
		restore(path, old);
	if (old != -1)
		close(old);
	if (failed == -1)
		errno = err->num;
	return failed;
}

int
map_publish(const struct map_source *source, const char *domains_path, gid_t gid, mode_t mode,
    map_account_fn *account, map_complain_fn *complain, void *arg, struct err *err)
{
	struct order order = { domains_path, gid, mode, account, complain, arg };
	const struct buf *text;
	struct table_source info = { .mappings = source->count };
	struct prepared prepared;
	struct io_stage stage;
	struct stat st;

	if (!source->edited)
		return compile(source, &order, err);
	if (source->errors > 0)
		return prepare(&prepared, source, &info, &order, err); /* says why not */
	if ((text = map_source_text(source)) == NULL)
		return err_set(err, ENOMEM, "write %s", source->path);
	if (io_stage(&stage, source->path, text->data, text->len, 0644, &st, err) == -1)
		return -1;
	info.size = text->len;
	info.mtime_sec = st.st_mtim.tv_sec;
	info.mtime_nsec = (int32_t)st.st_mtim.tv_nsec;
	map_digest_of(info.digest, text->data, text->len);
	if (prepare(&prepared, source, &info, &order, err) == -1) {
		io_stage_discard(&stage);
		return -1;
	}
	if (announce(source, info.digest, err) == -1) {
		io_stage_discard(&stage);
		discard(&prepared);
		errno = err->num;
		return -1;
	}
	return publish_both(&stage, &prepared, source->path, err);
}
