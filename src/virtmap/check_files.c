/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap check: the files beside the text. The compiled map is compared with the text mapping by
 * mapping, which reads every page of it; the list of domains name by name; and all of them,
 * with the directories above, are looked at for who may write them.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "history.h"
#include "io.h"

/* ---- the compiled map ------------------------------------------------------------------------ */

/* What err says of the compiled map. */
static void
map_is_bad(struct check *check, const char *path, const struct err *err)
{
	if (err->num == ENOENT)
		findings_add(&check->findings, FINDING_NOT_COMPILED, path, 0, "%s", err->text);
	else if (err->num != EPERM) /* said with the other files that are not trusted */
		findings_add(&check->findings,
		    err->num == EACCES || err->num == ENOMEM ? FINDING_COULD_NOT_TELL
		                                             : FINDING_DAMAGED_MAP,
		    path, 0, "%s", err->text);
}

/* The digests say whether it should be the same, the mappings whether it is. */
static void
check_content(struct check *check, struct map *map, const char *path)
{
	unsigned char digest[MAP_DIGEST_SIZE];
	struct err err;
	int same = 1;

	map_source_digest(check->source, digest);
	if (memcmp(digest, map_digest(map), sizeof(digest)) != 0) {
		findings_add(&check->findings, FINDING_STALE_MAP, check->virtmap->settings->map, 0,
		    "was changed and not compiled; addresses as targets are not looked at");
		return;
	}
	if (map_source_errors(check->source) == 0)
		same = map_is_of(map, check->source, &err);
	if (same == 0)
		err_set(&err, 0, "has other mappings than the text that it was compiled from");
	if (same != 1)
		map_is_bad(check, path, &err);
	check->is_current = same == 1;
}

static void
check_mode(struct check *check, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return; /* said by whoever opened it, if it has to be there */
	if ((st.st_mode & 07777) != check->mode)
		findings_add(&check->findings, FINDING_FILE_MODE, path, 0, "mode is %04o, not %04o",
		    st.st_mode & 07777, check->mode);
	else if (check->gid != (gid_t)-1 && st.st_gid != check->gid)
		findings_add(&check->findings, FINDING_FILE_MODE, path, 0, "group is %lu, not %s",
		    (unsigned long)st.st_gid, check->virtmap->settings->map_group);
}

static void
check_compiled(struct check *check, const char *path, const char *base)
{
	struct map *map;
	struct err err;

	if (map_open(&map, check->virtmap->settings->map, check->virtmap->trusted, &err) == -1) {
		map_is_bad(check, path, &err);
		return;
	}
	check_mode(check, path);
	check_mode(check, base);
	check_content(check, map, path);
	map_close(map);
}

/* ---- the list of domains ----------------------------------------------------------------------
 */

/* How many of the list's names the map has; the first that it has not is told. */
static size_t
compare_names(struct check *check, const char *path, char *text)
{
	size_t known = 0;
	char *rest = text, *name;
	bool told = false;

	while ((name = strsep(&rest, "\n")) != NULL) {
		if (*name == '\0')
			continue;
		if (check_domains_find(check, name) != NULL)
			known++;
		else if (!told)
			findings_add(&check->findings, FINDING_DOMAINS_FILE, path, 0,
			    "has %.300s, which is not in the map", name);
		told |= check_domains_find(check, name) == NULL;
	}
	return known;
}

static void
check_list(struct check *check)
{
	const char *path = check->virtmap->settings->domains;
	struct buf text = BUF_INIT;
	struct err err;
	char *string;
	size_t known;

	if (io_read_file(path, false, MAP_TEXT_MAX, &text, &err) == -1) {
		findings_add(&check->findings, FINDING_DOMAINS_FILE, path, 0, "%s", err.text);
	} else if ((string = buf_cstr(&text)) == NULL) {
		check->findings.no_memory = true;
	} else if (map_source_errors(check->source) == 0 &&
	           (known = compare_names(check, path, string)) < check->ndomains) {
		findings_add(&check->findings, FINDING_DOMAINS_FILE, path, 0,
		    "lacks %zu domain%s of the map", check->ndomains - known,
		    check->ndomains - known == 1 ? "" : "s");
	}
	buf_free(&text);
}

/* ---- who may write ----------------------------------------------------------------------------
 */

/* Each is said once: the files share their directories. */
static void
distrust(struct check *check, enum finding which, const char *path, const char *why)
{
	if (!findings_have(&check->findings, which, why))
		findings_add(&check->findings, which, path, 0, "%s", why);
}

/* Root: by the rule of those who refuse. */
static void
check_as_root(struct check *check, const char *path)
{
	struct err err;
	int fd = io_open_trusted(path, NULL, &err);

	if (fd != -1)
		close(fd);
	else if (err.num == EPERM)
		distrust(check, FINDING_UNTRUSTED_FILE, path, err.text);
}

/* Others may use what they like, but not what everybody writes. */
static void
check_one(struct check *check, const char *path)
{
	struct stat st;
	char *why;

	if (stat(path, &st) == -1 || (st.st_mode & S_IWOTH) == 0 ||
	    (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0))
		return;
	if (asprintf(&why, "%s can be written by everybody", path) == -1) {
		check->findings.no_memory = true;
		return;
	}
	distrust(check, FINDING_FILE_MODE, path, why);
	free(why);
}

static void
check_writers(struct check *check, const char *path)
{
	char part[PATH_MAX];

	if (check->virtmap->trusted) {
		check_as_root(check, path);
		return;
	}
	for (const char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;)
		if ((size_t)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path) <
		    sizeof(part))
			check_one(check, part);
	check_one(check, path);
}

/* Who did what is for those who may change the map, and so is keeping others from it. */
static void
check_private(struct check *check, const char *path)
{
	struct stat st;

	check_writers(check, path);
	if (lstat(path, &st) == 0 && (st.st_mode & 077) != 0)
		findings_add(&check->findings, FINDING_FILE_MODE, path, 0, "mode is %04o, not 0600",
		    st.st_mode & 07777);
}

static void
check_all_writers(struct check *check, const char *compiled, const char *base)
{
	static const char *const private[] = { ".lock", ".log" };
	const struct settings *settings = check->virtmap->settings;
	const char *accounts = strchr(settings->accounts, '/');
	char path[PATH_MAX];

	check_writers(check, check->virtmap->settings_path);
	check_writers(check, settings->map);
	check_writers(check, compiled);
	check_writers(check, base);
	check_writers(check, settings->domains);
	if (accounts != NULL) {
		check_writers(check, accounts);
		if ((size_t)snprintf(path, sizeof(path), "%s.gdbm", accounts) < sizeof(path))
			check_writers(check, path);
	}
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s%s", settings->map, private[i]) <
		    sizeof(path))
			check_private(check, path);
	for (int number = 1; number <= HISTORY_FILES; number++)
		if ((size_t)snprintf(path, sizeof(path), "%s.log.%d", settings->map, number) <
		    sizeof(path))
			check_private(check, path);
}

/* ---- all of it ------------------------------------------------------------------------------- */

void
check_files(struct check *check)
{
	char compiled[PATH_MAX],
	    base[PATH_MAX]; /* which is there after small edits of large maps */

	/* settings_table.c has seen to the length. */
	snprintf(compiled, sizeof(compiled), "%s.gdbm", check->virtmap->settings->map);
	snprintf(base, sizeof(base), "%s.gdbm.base", check->virtmap->settings->map);
	check_compiled(check, compiled, base);
	check_list(check);
	check_all_writers(check, compiled, base);
}
