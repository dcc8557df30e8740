/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Other programs' tables of addresses, as virtmap import reads and virtmap export writes them.
 *
 * A format translates: what it hands over means here what it meant there. What has no such meaning
 * is refused, line by line with the reason, and never bent into something like it.
 */
#ifndef VIRTMAP_FORMAT_H
#define VIRTMAP_FORMAT_H

#include <stddef.h>
#include <stdio.h>

#include "buf.h"
#include "err.h"
#include "map.h"

struct format_span { /* bytes, not NUL-ended */
	const char *at;
	size_t len;
};

/* How it is said here that a domain is in the map and nobody in it. */
#define FORMAT_DECLARED "error:nouser User unknown"

/* ---- reading ------------------------------------------------------------------------------- */

/* One file's bytes. The file is read whole; a NUL stands behind the last byte. */
struct format_input {
	const char *name; /* for messages */
	const char *text;
	size_t len;
};

/* What a reader tells. Lines count from 1; a mapping that spans several has its first. mapping and
 * domain: 0, or -1 with err (only ENOMEM), which the reader passes on. */
struct format_sink {
	void *arg;
	/* Any bytes; blanks around them do not count. The receiver checks both. */
	int (*mapping)(void *arg, const char *file, size_t line, struct format_span key,
	    struct format_span target, struct err *err);
	/* A line that only says that mail for this domain comes here. sure: it cannot mean anything
	 * else, so a domain of which nothing else is known becomes @domain FORMAT_DECLARED. */
	int (*domain)(void *arg, const char *file, size_t line, struct format_span domain, int sure,
	    struct err *err);
	/* A line that cannot be carried over, and why. */
	void (*refuse)(void *arg, const char *file, size_t line, const char *why);
};

/* 0, or -1 with err: a failure of the sink, or (err->num 0, "FILE:LINE: why") a text that is not of
 * this format at all. */
typedef int format_read_fn(
    const struct format_input *input, const struct format_sink *sink, struct err *err);

/* ---- writing ------------------------------------------------------------------------------- */

/* All mappings, sorted by domain, then key. */
struct format_sheet {
	const struct map_entry *const *entries;
	size_t count;
	void *arg;
	/* An entry that this format has no words for, and why. */
	void (*refuse)(void *arg, const struct map_entry *entry, const char *why);
};

/* That order, for qsort of the entries. */
int format_compare(const void *a, const void *b);

/* 0, or -1 with err (only ENOMEM). Failures of `to` are for the caller to find. */
typedef int format_write_fn(const struct format_sheet *sheet, FILE *to, struct err *err);

/* ---- the table ----------------------------------------------------------------------------- */

struct format {
	const char *name;
	const char *const *parts; /* names of files when it is a directory, NULL-ended; or NULL */
	format_read_fn *read;
	format_write_fn *write;
};

/* NULL: no such format. */
const struct format *format_find(const char *name);

/* "virtmaps, csv, ...": the names of all. Static. */
const char *format_names(void);

/* format_NAME.c */
format_read_fn format_read_virtmaps, format_read_virtusertable, format_read_postfix,
    format_read_vpopmail, format_read_csv, format_read_json;
format_write_fn format_write_virtmaps, format_write_virtusertable, format_write_postfix,
    format_write_vpopmail, format_write_csv, format_write_json;

/* ---- what several formats need ------------------------------------------------------------- */

/* Lines of a text, one after the other. Begin with { .input = ... }. */
struct format_lines {
	const struct format_input *input;
	size_t at;   /* bytes behind us */
	size_t line; /* number of the line that was returned last */
};

/* 1 with the next line, without its newline; 0 behind the last. */
int format_next_line(struct format_lines *lines, struct format_span *out);

/* Why no text format takes this line: a NUL, CR LF, too long. NULL if nothing is wrong. */
const char *format_bad_line(struct format_span line);

struct format_span format_trim(struct format_span span);       /* blanks at both ends off */
int format_equal(struct format_span span, const char *string); /* without regard to case */

/* Cut "key <blank> rest" at the first blank outside quotes. rest is trimmed, and may be empty. */
void format_split(struct format_span line, struct format_span *key, struct format_span *rest);

/* The '@' in front of the domain, outside quotes; NULL if there is none. */
const char *format_find_at(struct format_span address);

/* A key that is a pattern only here: its local part ends in ++ or +*. */
int format_looks_wild(struct format_span key);

/* Append bytes that stand for themselves, with their percent signs safe from substitution. 0, or -1
 * with errno. */
int format_add_literal(struct buf *out, struct format_span span);

/* What a folded key is. */
enum format_key_kind {
	FORMAT_KEY_ADDRESS,    /* user@domain, user+detail@domain */
	FORMAT_KEY_WILD,       /* user++@domain, +*@domain and the like */
	FORMAT_KEY_CATCHALL,   /* @domain */
	FORMAT_KEY_SUBDOMAINS, /* .domain */
	FORMAT_KEY_EVERYTHING  /* @ */
};
enum format_key_kind format_key_kind(const char *folded);

/* The domain of a folded key, without a dot in front; "" for "@". Points into it. */
const char *format_key_domain(const char *folded);

/* Append a folded key as a map's text has it: the local part in quotes where it needs them. 0, or
 * -1 with errno. */
int format_add_key(struct buf *out, const char *folded);

/* A target's addresses without percent sequences: NULL if each stands for itself, else what is in
 * the way ("%2" and the like). %% is allowed. */
const char *format_percent(const char *text);

/* Append text with its %% made %. 0, or -1 with errno. */
int format_add_plain(struct buf *out, const char *text);

/* Write the line out and empty it. */
void format_put(struct buf *line, FILE *to);

#endif
