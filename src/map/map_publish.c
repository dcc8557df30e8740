/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text and compiled map together. Everything is ready beside the old files before the first is
 * renamed. The order of the renames is such that a crash between two of them errs to the safe side:
 * a text newer than its map is noticed, and a domain that sendmail still sends to us without a
 * mapping is deferred.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map_digest.h"
#include "map_file.h"
#include "map_prepare.h"

/* The last moment to say no. */
static int
announce(const struct map_source *source, const unsigned char *digest, struct err *err)
{
	return source->announce == NULL ? 0 : source->announce(source->announce_arg, digest, err);
}

/* All lines of a text of which only a part was taken apart. */
static int
read_all(struct map_source **out, const struct map_source *source, const struct map_order *order,
    struct err *err)
{
	const struct buf *text = map_source_text(source);

	if (text == NULL)
		return err_set(err, ENOMEM, "read %s", source->path);
	return map_source_parse(
	    out, source->path, text->data, text->len, order->complain, order->arg, err);
}

static int
prepare_whole(struct map_prepared *out, const struct map_source *source, struct table_source *info,
    const struct map_order *order, struct err *err)
{
	struct map_source *all;
	int failed;

	if (source->part == NULL)
		return map_prepare_whole(out, source, info, order, err);
	if (read_all(&all, source, order, err) == -1)
		return -1;
	info->mappings = all->count;
	failed = map_prepare_whole(out, all, info, order, err);
	map_source_free(all);
	return failed;
}

static int
compile(const struct map_source *source, const struct map_order *order, struct err *err)
{
	struct table_source info = source->info;
	struct map_prepared prepared;

	info.mappings = source->count;
	if (prepare_whole(&prepared, source, &info, order, err) == -1)
		return -1;
	if (announce(source, info.digest, err) == -1) {
		map_prepared_discard(&prepared);
		return -1;
	}
	return map_prepared_publish(&prepared, err);
}

int
map_compile(const struct map_source *source, const char *domains_path, gid_t gid, mode_t mode,
    map_account_fn *account, map_complain_fn *complain, void *arg, struct err *err)
{
	struct map_order order = { domains_path, gid, mode, account, complain, arg };

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
	else if (fstat(old, &st) == 0 && io_read_all(old, MAP_TEXT_MAX, &text) == 0 &&
	         io_replace(path, text.data, text.len, 0644, &ignored) == 0) {
		struct timespec times[2] = { st.st_atim, st.st_mtim };

		utimensat(AT_FDCWD, path, times, 0);
	}
	buf_free(&text);
}

static int
publish_both(
    struct io_stage *text, struct map_prepared *prepared, const char *path, struct err *err)
{
	int old = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), failed;
	ino_t compiled = compiled_inode(path);

	if (old == -1 && errno != ENOENT) {
		failed = err_set(err, errno, "open %s", path);
		io_stage_discard(text);
		map_prepared_discard(prepared);
		return failed;
	}
	failed = io_stage_publish(text, err);
	if (failed == 0)
		failed = map_prepared_publish(prepared, err);
	else
		map_prepared_discard(prepared);
	/* Once the new map is there its text must stay, whatever failed behind. */
	if (failed == -1 && compiled_inode(path) == compiled)
		restore(path, old);
	if (old != -1)
		close(old);
	if (failed == -1)
		errno = err->num;
	return failed;
}

/* Make the compiled map ready: from the one that is there, or from the whole text. */
static int
prepare(struct map_prepared *out, const struct map_source *source, struct table_source *info,
    const struct map_order *order, struct err *err)
{
	if (map_prepare_patch(out, source, info, order))
		return 0;
	return prepare_whole(out, source, info, order, err);
}

int
map_check(const struct map_source *source, map_account_fn *account, map_complain_fn *complain,
    void *arg, struct err *err)
{
	struct map_order order = { .account = account, .complain = complain, .arg = arg };
	struct map_source *all;
	int failed;

	if (source->part == NULL)
		return map_check_whole(source, &order, err);
	if (read_all(&all, source, &order, err) == -1)
		return -1;
	failed = map_check_whole(all, &order, err);
	map_source_free(all);
	return failed;
}

/* The new text beside the old one, and what is to be said of it. *fd is to be flushed. */
static int
stage_text(struct io_stage *stage, int *fd, struct table_source *info,
    const struct map_source *source, struct err *err)
{
	struct stat st;

	if (io_stage_begin(stage, source->path, 0644, fd, err) == -1)
		return -1;
	if (map_source_write(source, *fd, info, err) == 0) {
		if (fstat(*fd, &st) == 0) {
			info->mtime_sec = st.st_mtim.tv_sec;
			info->mtime_nsec = (int32_t)st.st_mtim.tv_nsec;
			return 0;
		}
		err_set(err, errno, "stat %s", stage->beside);
	}
	close(*fd);
	io_stage_discard(stage);
	errno = err->num;
	return -1;
}

int
map_publish(const struct map_source *source, const char *domains_path, gid_t gid, mode_t mode,
    map_account_fn *account, map_complain_fn *complain, void *arg, struct err *err)
{
	struct map_order order = { domains_path, gid, mode, account, complain, arg };
	struct table_source info = { .mappings = source->count };
	struct map_prepared prepared;
	struct io_stage stage;
	int fd, failed;

	if (!source->edited)
		return compile(source, &order, err);
	if (source->errors > 0)
		return map_prepare_whole(&prepared, source, &info, &order, err); /* says why not */
	if (stage_text(&stage, &fd, &info, source, err) == -1)
		return -1;
	if (prepare(&prepared, source, &info, &order, err) == -1) {
		close(fd);
		io_stage_discard(&stage);
		return -1;
	}
	/* By now most of it is on the disk. */
	failed = io_stage_end(&stage, fd, NULL, err);
	if (failed == 0 && (failed = announce(source, info.digest, err)) == -1)
		io_stage_discard(&stage);
	if (failed == -1) {
		map_prepared_discard(&prepared);
		errno = err->num;
		return -1;
	}
	return publish_both(&stage, &prepared, source->path, err);
}
