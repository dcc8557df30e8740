/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All formats are brought into one form, a text of the map in memory, and read by the code that
 * reads the map: so an import can hold nothing that a build would refuse, and one duplicate is
 * like the other. Each line of that text remembers the line it was made from.
 */
#include "intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "progress.h"
#include "virtmap.h"

#define INPUT_MAX 0x7fffffff /* bytes, as of the map */

struct intake_row { /* one line of the text */
	struct intake_place place;
	size_t at; /* in the text */
};

struct intake_domain {
	struct intake_place place;
	char *key; /* "@domain", folded */
	int sure;
};

struct intake_fault {
	size_t row;
	char *why;
};

static int
no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "import");
}

static void
refuse(struct intake *intake, struct intake_place place, const char *why)
{
	speech_complain(&intake->refused, place.file, place.line, why);
}

/* ---- the sink ------------------------------------------------------------------------------ */

static void
sink_refuse(void *arg, const char *file, size_t line, const char *why)
{
	refuse(arg, (struct intake_place){ file, line }, why);
}

static int
holds_control(struct format_span span)
{
	for (size_t i = 0; i < span.len; i++)
		if (((unsigned char)span.at[i] < 0x20 && span.at[i] != '\t') || span.at[i] == 0x7f)
			return 1;
	return 0;
}

/* As it was written, unless the map's text would need it in quotes. */
static int
is_plain(struct format_span key)
{
	if (*key.at == '#')
		return 0;
	for (size_t i = 0; i < key.len; i++)
		if (strchr(" \t\"\\", key.at[i]) != NULL)
			return 0;
	return 1;
}

/* 1 added; 0 with err: no key of the map; -1 with err. */
static int
add_key(struct buf *text, struct format_span key, struct err *err)
{
	char *copy, *folded = NULL;
	int rc = 1;

	if (is_plain(key))
		return buf_add(text, key.at, key.len) == 0 ? 1 : no_memory(err);
	if ((copy = strndup(key.at, key.len)) == NULL)
		return no_memory(err);
	if ((folded = map_key_fold(copy, err)) == NULL)
		rc = err->num == ENOMEM ? -1 : 0;
	else if (format_add_key(text, folded) == -1)
		rc = no_memory(err);
	free(folded);
	free(copy);
	return rc;
}

/* The array with room for one more behind the `n` items of `size` bytes. NULL: no memory, and the
 * array as it was. */
static void *
with_room(void *array, size_t n, size_t *room, size_t size)
{
	size_t more = *room + *room / 2 + 64;

	if (n < *room)
		return array;
	if ((array = reallocarray(array, more, size)) != NULL)
		*room = more;
	return array;
}

static int
add_row(struct intake *intake, struct intake_place place, struct format_span key,
    struct format_span target, struct err *err)
{
	struct buf *text = &intake->text;
	size_t before = text->len;
	struct intake_row *rows =
	    with_room(intake->rows, intake->nrows, &intake->rows_room, sizeof(*rows));
	int rc;

	if (rows == NULL)
		return no_memory(err);
	if (PROGRESS_DUE(intake->nrows))
		progress_tell("reading the import", intake->nrows, 0);
	intake->rows = rows;
	if ((rc = add_key(text, key, err)) == -1)
		return -1;
	if (rc == 0) {
		text->len = before;
		refuse(intake, place, err->text);
		return 0;
	}
	if (buf_addc(text, '\t') == -1 || buf_add(text, target.at, target.len) == -1 ||
	    buf_addc(text, '\n') == -1)
		return no_memory(err);
	rows[intake->nrows++] = (struct intake_row){ place, before };
	return 0;
}

static int
sink_mapping(void *arg, const char *file, size_t line, struct format_span key,
    struct format_span target, struct err *err)
{
	struct intake_place place = { file, line };
	const char *why = NULL;

	key = format_trim(key);
	target = format_trim(target);
	if (key.len == 0)
		why = "there is no key";
	else if (target.len == 0)
		why = "there is no target";
	else if (holds_control(key) || holds_control(target))
		why = "a key or target holds a control character";
	if (why == NULL)
		return add_row(arg, place, key, target, err);
	refuse(arg, place, why);
	return 0;
}

static int
sink_domain(
    void *arg, const char *file, size_t line, struct format_span domain, int sure, struct err *err)
{
	struct intake *intake = arg;
	struct intake_domain *domains, *added;
	char *key;

	if (holds_control(domain)) {
		refuse(intake, (struct intake_place){ file, line },
		    "the domain holds a control character");
		return 0;
	}
	domains =
	    with_room(intake->domains, intake->ndomains, &intake->domains_room, sizeof(*domains));
	if (domains != NULL)
		intake->domains = domains;
	if (domains == NULL || asprintf(&key, "@%.*s", (int)domain.len, domain.at) == -1)
		return no_memory(err);
	added = &domains[intake->ndomains];
	*added = (struct intake_domain){ { file, line }, map_key_fold(key, err), sure };
	free(key);
	if (added->key != NULL) {
		intake->ndomains++;
		return 0;
	}
	if (err->num == ENOMEM)
		return -1;
	refuse(intake, added->place, err->text);
	return 0;
}

/* ---- what the map refuses ------------------------------------------------------------------ */

/* map_complain_fn. Without memory the fault has no words, and is told as such. */
static void
note_fault(void *arg, const char *path, size_t line, const char *why)
{
	struct intake *intake = arg;
	struct intake_fault fault = { line - 1, strdup(why) };

	(void)path;
	if (fault.why == NULL || buf_add(&intake->faults, &fault, sizeof(fault)) == -1) {
		free(fault.why);
		refuse(intake, intake->rows[line - 1].place, why);
	}
}

/* A line that came twice: is it the same both times, or which line was first? */
static const char *
judge_twin(const struct intake *intake, const struct intake_fault *fault, struct buf *why)
{
	const char *text = (const char *)intake->text.data + intake->rows[fault->row].at;
	const char *tab = strchr(text, '\t'), *end = strchr(tab, '\n');
	char *key = strndup(text, (size_t)(tab - text));
	const struct map_entry *first = NULL;
	struct intake_place place;
	struct err err;

	if (key != NULL && strstr(fault->why, " is already mapped in line ") != NULL)
		first = map_source_find(intake->staged, key, &err);
	free(key);
	if (first == NULL || first->line == 0 || first->line > fault->row)
		return fault->why;
	if (strlen(first->target) == (size_t)(end - tab - 1) &&
	    memcmp(first->target, tab + 1, strlen(first->target)) == 0)
		return NULL;
	place = intake_place_of(intake, first);
	if (buf_addf(
	        why, "%s is already mapped in %s:%zu", first->folded, place.file, place.line) == -1)
		return fault->why;
	return buf_cstr(why) != NULL ? buf_cstr(why) : fault->why;
}

static void
tell_faults(struct intake *intake)
{
	size_t n = intake->faults.len / sizeof(struct intake_fault);
	struct buf words = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		struct intake_fault fault;
		const char *why;

		memcpy(&fault, intake->faults.data + i * sizeof(fault), sizeof(fault));
		buf_clear(&words);
		if ((why = judge_twin(intake, &fault, &words)) != NULL)
			refuse(intake, intake->rows[fault.row].place, why);
		free(fault.why);
	}
	buf_free(&words);
	buf_free(&intake->faults);
}

/* ---- domains that were only declared ------------------------------------------------------- */

/* The domains of all mappings, as keys "@domain". */
static int
collect_names(struct map_source *names, const struct map_source *staged, struct err *err)
{
	struct buf key = BUF_INIT;
	const char *last = "", *string;
	int failed = 0;

	for (size_t i = 0; failed == 0 && i < map_source_count(staged); i++) {
		const struct map_entry *entry = map_source_entry(staged, i);
		const char *domain = entry != NULL ? strrchr(entry->folded, '@') : NULL;

		if (entry == NULL)
			failed = no_memory(err);
		if (domain == NULL || domain[1] == '\0' || strcmp(domain, last) == 0)
			continue;
		last = domain;
		buf_clear(&key);
		if (buf_adds(&key, domain) == -1 || (string = buf_cstr(&key)) == NULL)
			failed = no_memory(err);
		else if (map_source_add(names, string, "x", err) == -1 && err->num != EEXIST)
			failed = -1;
	}
	buf_free(&key);
	return failed;
}

static int
settle_domain(struct intake *intake, struct map_source *names, const struct intake_domain *domain,
    struct err *err)
{
	if (map_source_find(names, domain->key, err) != NULL)
		return 0;
	if (err->num != 0)
		return -1;
	if (domain->sure)
		return map_source_add(intake->staged, domain->key, FORMAT_DECLARED, err) == -1 ||
		               map_source_add(names, domain->key, "x", err) == -1
		           ? -1
		           : 0;
	refuse(intake, domain->place,
	    "a local name, or a domain without addresses: for a domain, add "
	    "@domain " FORMAT_DECLARED);
	return 0;
}

static int
settle_domains(struct intake *intake, struct err *err)
{
	struct map_source *names;
	int failed;

	if (intake->ndomains == 0)
		return 0;
	if (map_source_parse(&names, "import", "", 0, NULL, NULL, err) == -1)
		return -1;
	failed = collect_names(names, intake->staged, err);
	for (size_t i = 0; failed == 0 && i < intake->ndomains; i++)
		failed = settle_domain(intake, names, &intake->domains[i], err);
	map_source_free(names);
	return failed;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int
read_all(struct buf *out, const char *path, struct err *err)
{
	int fd =
	    strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int failed = 0;

	if (fd == -1)
		return err_set(err, errno, "open %s", path);
	if (io_read_all(fd, INPUT_MAX, out) == -1)
		failed = err_set(err, errno, "read %s", path);
	else if (buf_cstr(out) == NULL)
		failed = no_memory(err);
	if (fd != STDIN_FILENO)
		close(fd);
	return failed;
}

static int
read_file(struct intake *intake, const struct format *format, const char *path, struct err *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* spreadsheets put it in front */
	const struct format_sink sink = { intake, sink_mapping, sink_domain, sink_refuse };
	struct format_input input = { .name = path };
	struct buf bytes = BUF_INIT;
	int failed = read_all(&bytes, path, err);

	if (failed == 0) {
		input.text = (const char *)bytes.data;
		input.len = bytes.len;
		if (bytes.len >= 3 && memcmp(bytes.data, mark, 3) == 0) {
			input.text += 3;
			input.len -= 3;
		}
		failed = format->read(&input, &sink, err);
	}
	buf_free(&bytes);
	return failed;
}

/* Those parts that are there; at least one. */
static int
read_parts(struct intake *intake, const struct format *format, const char *path, struct err *err)
{
	size_t n = 0;
	bool found = false;

	while (format->parts[n] != NULL)
		n++;
	if ((intake->names = calloc(n, sizeof(*intake->names))) == NULL)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		char *name;

		if (asprintf(&name, "%s/%s", path, format->parts[i]) == -1)
			return no_memory(err);
		intake->names[intake->nnames++] = name;
		if (access(name, F_OK) == -1 && errno == ENOENT)
			continue;
		if (read_file(intake, format, name, err) == -1)
			return -1;
		found = true;
	}
	return found ? 0
	             : err_set(err, ENOENT, "%s: neither %s nor %s is there", path,
	                   format->parts[0], format->parts[1]);
}

int
intake_read(struct intake *out, const struct format *format, const char *path, struct err *err)
{
	struct stat st;
	int is_directory = format->parts != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	memset(out, 0, sizeof(*out));
	if ((is_directory ? read_parts : read_file)(out, format, path, err) == -1)
		return -1;
	if (buf_cstr(&out->text) == NULL)
		return no_memory(err);
	if (map_source_parse(
	        &out->staged, "import", out->text.data, out->text.len, note_fault, out, err) == -1)
		return -1;
	tell_faults(out);
	return settle_domains(out, err);
}

struct intake_place
intake_place_of(const struct intake *intake, const struct map_entry *entry)
{
	if (entry->line != 0)
		return intake->rows[entry->line - 1].place;
	for (size_t i = 0; i < intake->ndomains; i++)
		if (strcmp(intake->domains[i].key, entry->folded) == 0)
			return intake->domains[i].place;
	return (struct intake_place){ NULL, 0 };
}

void
intake_free(struct intake *intake)
{
	for (size_t i = 0; i < intake->ndomains; i++)
		free(intake->domains[i].key);
	for (size_t i = 0; i < intake->nnames; i++)
		free(intake->names[i]);
	for (size_t i = 0; i < intake->faults.len / sizeof(struct intake_fault); i++) {
		struct intake_fault fault;

		memcpy(&fault, intake->faults.data + i * sizeof(fault), sizeof(fault));
		free(fault.why);
	}
	free(intake->names);
	free(intake->domains);
	free(intake->rows);
	buf_free(&intake->faults);
	buf_free(&intake->text);
	map_source_free(intake->staged);
}
