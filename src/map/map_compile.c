/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the text to what is asked at every delivery: the whole of it, or the little of it that has
 * changed. Everything is checked, written and flushed beside the old files before the first is
 * renamed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_cycle.h"
#include "map_domains.h"
#include "map_file.h"
#include "map_key.h"
#include "map_leads.h"
#include "map_prepare.h"

void
map_prepared_discard(struct map_prepared *prepared)
{
	int saved = errno;

	table_build_abort(prepared->builder);
	io_stage_discard(&prepared->domains);
	map_patch_free(&prepared->patch);
	prepared->builder = NULL;
	errno = saved;
}

/* ---- the table --------------------------------------------------------------------------------
 */

static int
add_mapping(struct table_builder *builder, const struct map_line *line, struct arena *groups,
    struct err *err)
{
	char scratch[MAP_KEY_ROOM];
	const char *group = map_key_group(line->folded, scratch);

	if (group == scratch && (group = arena_string(groups, scratch, strlen(scratch))) == NULL)
		return err_set(err, ENOMEM, "compile %.100s", line->folded);
	return table_build_add(
	    builder, group, line->folded, line->text + line->target_off, line->target_len, err);
}

static int
add_keys(struct table_builder *builder, const struct map_source *source, struct arena *groups,
    struct err *err)
{
	uint32_t line = MAP_LINE_NONE;

	while ((line = map_source_next(source, line)) != MAP_LINE_NONE)
		if (source->lines[line].folded != NULL &&
		    add_mapping(builder, &source->lines[line], groups, err) == -1)
			return -1;
	return 0;
}

/* What else the compiled map tells: the domains, how many left sides name each, and which mappings
 * lead to it. */
static int
add_marks(struct table_builder *builder, const struct map_domains *domains,
    const struct map_leads *leads, struct err *err)
{
	for (size_t i = 0; i < domains->count; i++) {
		const struct map_domain *domain = &domains->all[i];

		/* A .parent is a mark of its own. */
		if (*domain->name != '.' &&
		    table_build_add(builder, domain->name, domain->name,
		        (const char *)&domain->lines, sizeof(domain->lines), err) == -1)
			return -1;
	}
	for (size_t i = 0; i < leads->count; i++) {
		const struct map_lead *lead = &leads->all[i];

		if (table_build_add(
		        builder, lead->mark + 1, lead->mark, lead->keys, lead->len, err) == -1)
			return -1;
	}
	return 0;
}

static int
prepare_table(struct table_builder **out, const struct map_source *source,
    const struct map_domains *domains, const struct table_source *info, gid_t gid, mode_t mode,
    struct err *err)
{
	struct arena groups = { NULL }; /* must live until finish has written them */
	struct map_leads leads;
	char *path = map_file_path(source->path);
	int failed;

	if (map_leads_collect(&leads, source) == -1 || path == NULL) {
		failed = err_set(err, ENOMEM, "compile %s", source->path);
	} else {
		size_t keys = source->count + domains->count + leads.count;

		failed = table_build_begin(out, path, keys, err);
	}
	free(path);
	if (failed == 0)
		failed = add_keys(*out, source, &groups, err);
	if (failed == 0)
		failed = add_marks(*out, domains, &leads, err);
	if (failed == 0)
		failed = table_build_finish(*out, info, gid, mode, err);
	arena_free(&groups);
	map_leads_free(&leads);
	return failed;
}

/* ---- the domains file -------------------------------------------------------------------------
 */

/* Does the file hold this already? A file that cannot be read is written anew. */
static int
is_current(const char *path, const struct buf *text)
{
	struct buf old = BUF_INIT;
	int same = map_domains_read(&old, path) == 0 && old.len == text->len &&
	           (text->len == 0 || memcmp(old.data, text->data, text->len) == 0);

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

static int
check_chains(const struct map_source *source, const struct map_domains *domains,
    const struct map_order *order, struct err *err)
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

/* What stands in the way of a map from this source? All of it: lines that are not understood do not
 * hide circles of others. On success *domains is the caller's. */
static int
check(struct map_domains *domains, const struct map_source *source, const struct map_order *order,
    struct err *err)
{
	int failed = map_domains_collect(domains, source);

	if (failed == -1)
		err_set(err, ENOMEM, "compile %s", source->path);
	else
		failed = check_chains(source, domains, order, err);
	if (source->errors > 0 && (failed == 0 || err->num == 0))
		failed = err_set(err, 0, "%s: %zu malformed line%s", source->path, source->errors,
		    source->errors == 1 ? "" : "s");
	if (failed == -1)
		map_domains_free(domains);
	return failed;
}

int
map_check_whole(const struct map_source *source, const struct map_order *order, struct err *err)
{
	struct map_domains domains;

	if (check(&domains, source, order, err) == -1)
		return -1;
	map_domains_free(&domains);
	return 0;
}

int
map_prepare_whole(struct map_prepared *out, const struct map_source *source,
    const struct table_source *info, const struct map_order *order, struct err *err)
{
	struct table_source whole = *info;
	struct map_domains domains;
	int failed;

	memset(out, 0, sizeof(*out));
	if (check(&domains, source, order, err) == -1)
		return -1;
	whole.note = map_domains_sum(&domains);
	failed = prepare_domains(&out->domains, order->domains_path, &domains, err);
	if (failed == 0)
		failed = prepare_table(
		    &out->builder, source, &domains, &whole, order->gid, order->mode, err);
	map_domains_free(&domains);
	if (failed == -1)
		map_prepared_discard(out);
	return failed;
}

/* ---- a few of them ----------------------------------------------------------------------------
 */

/* Nothing here is told as an error: the table that is there may be damaged, also in a page that is
 * only copied, and compiling the whole text mends that, or says what else is wrong. */

/* The domains file that goes with the patch. 1 done, 0 not possible. */
static int
patch_domains(struct map_prepared *out, const struct map_order *order)
{
	struct buf text = BUF_INIT;
	struct err err;
	bool changed;
	int can;

	if (order->domains_path == NULL)
		return 1;
	can = map_patch_domains(&out->patch, order->domains_path, &text, &changed);
	if (can && changed)
		can = io_stage(&out->domains, order->domains_path, text.data, text.len, 0644, NULL,
		          &err) == 0;
	buf_free(&text);
	return can;
}

/* 1 done, 0 not possible or not worth it. */
static int
patch_table(struct map_prepared *out, const struct map_source *source,
    const struct table_source *info, const struct map_order *order)
{
	const struct map_cells *cells = &out->patch.cells;
	char *path = map_file_path(source->path);
	struct err err;
	int can;

	if (path == NULL)
		return 0;
	can = table_build_from(&out->builder, path, map_file_table(out->patch.map),
	          map_cells_changed(cells), order->gid, order->mode, &err) == 1 &&
	      map_cells_build(cells, out->builder, &err) == 0 &&
	      table_build_finish(out->builder, info, order->gid, order->mode, &err) == 0;
	free(path);
	return can;
}

int
map_prepare_patch(struct map_prepared *out, const struct map_source *source,
    const struct table_source *info, const struct map_order *order)
{
	struct table_source now = *info;

	memset(out, 0, sizeof(*out));
	if (map_patch_make(&out->patch, source, order->account, order->arg) == 0)
		return 0;
	now.note = out->patch.sum;
	if (patch_domains(out, order) && patch_table(out, source, &now, order))
		return 1;
	map_prepared_discard(out);
	return 0;
}

/* ---- showing it --------------------------------------------------------------------------------
 */

/* The map first: a domain that is only in the file is deferred, one that is only in the map would
 * be refused by sendmail. */
int
map_prepared_publish(struct map_prepared *prepared, struct err *err)
{
	struct table_builder *builder = prepared->builder;
	int failed;

	prepared->builder = NULL;
	failed = table_build_publish(builder, err);
	if (failed == 0 && prepared->domains.path != NULL)
		failed = io_stage_publish(&prepared->domains, err);
	map_prepared_discard(prepared);
	return failed;
}
