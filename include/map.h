/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The virtmap: source text (virtmaps(5)), compiled table, ladder, targets.
 *
 * The text is the truth. `map_source_*` reads and edits it without touching a byte outside
 * the lines changed, `map_compile` publishes it, `map_open` and `map_lookup` answer from
 * the compiled table. A mailbox or an account is unknown here: the caller's callback answers for
 * accounts named `user@domain`.
 */
#ifndef VIRTMDA_MAP_H
#define VIRTMDA_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "buf.h"
#include "err.h"
#include "table.h"

/* ---- targets: the right side ------------------------------------------------------------- */

enum target_kind {
	TARGET_ADDRESSES, /* one or more local names and addresses */
	TARGET_ERROR,     /* refuse or defer */
	TARGET_DISCARD    /* accept and drop */
};

struct target_address {
	char *local;  /* unquoted, spelled as in the map, after substitution */
	char *domain; /* folded; NULL for a local name */
};

struct target {
	enum target_kind kind;
	struct target_address *addresses; /* TARGET_ADDRESSES: naddresses of them */
	size_t naddresses;
	bool temporary;  /* TARGET_ERROR: 4yz, 4.x.x, tempfail and the like: defer */
	bool nouser;     /* TARGET_ERROR: `error:nouser` */
	char status[12]; /* TARGET_ERROR: RFC 3463 */
	char reply[4];   /* TARGET_ERROR: the reply code that the text began with, or "" */
	char *text;      /* TARGET_ERROR: for people, not empty, without status or reply code */
};

/* The arguments of sendmail's virtusertable: %1 user, %2 detail, %3 +detail; %0 the key looked up.
 * NULL as "". */
struct target_args {
	const char *whole;  /* %0 */
	const char *user;   /* %1 */
	const char *detail; /* %2 */
	const char *plus;   /* %3 */
};

/* Parse the right side `text`, substituting `args` (NULL: leave % sequences alone, for
 * checking at build time). A substituted value never adds an address, a quote or a comma: each
 * address is one addr-spec before and after. Refused: an empty target, `|program`, `/file`,
 * `:include:`, malformed addresses, unknown error words, a mixed list of addresses and
 * error:/discard:. 0 with *out (target_free), or -1 with err. */
int target_parse(
    struct target *out, const char *text, const struct target_args *args, struct err *err);
void target_free(struct target *target); /* accepts a zeroed one */

/* Is it for the recipient to say whom the target `text` names? "%1" and "%1@d", but not "bob%3" or
 * "bob+%2", where the recipient adds but a detail, and not "%0", which the line itself gives. */
bool target_follows_recipient(const char *text);

/* ---- source ------------------------------------------------------------------------------ */

struct map_entry {
	size_t line;     /* counted from 1 in the text as it was read; 0 for a line added since */
	const char *key; /* as written */
	const char
	    *folded; /* canonical: "user@d", "@d" for a catch-all however spelled, ".d", "@" */
	const char *target; /* as written, blanks at both ends off */
};

/* One line's trouble: "PATH:LINE: WHY". `line` counts from 1. */
typedef void map_complain_fn(void *arg, const char *path, size_t line, const char *why);

/* How some complaints can be told from others: a second line for a key ends in these words and the
 * number of the first; one without an end begins with these. */
#define MAP_WHY_TWICE  " is already mapped in line "
#define MAP_WHY_CIRCLE "this goes round in a circle: "
#define MAP_WHY_LONG   "this takes more than "

/* Called between RUNG_USER and RUNG_ANY_DETAIL, with the folded "user@domain" and, where there is a
 * detail, "user+detail@domain" first. 1 there is such an account, 0 proven none, -1 could not tell
 * (err set). */
typedef int map_account_fn(void *arg, const char *name, struct err *err);

/* A chain of mappings longer than this is deferred at run time and refused at build time. */
#define MAP_STEPS_MAX 10

#define MAP_TEXT_MAX 0x7fffffff /* bytes of a source, or of its list of domains, that are read */

struct map_source; /* the text and what it says; owns all entries' strings */

/* Read PATH (io_open_trusted when `trusted`). Every malformed line and every pair of lines that
 * fold to one key is reported through `complain` ("PATH:LINE: why"), all of them, not just the
 * first. 0 with *out when the file could be read, even with malformed lines (see
 * map_source_errors); -1 with err when it could not. A file that does not exist: -1, err->num
 * ENOENT. */
int map_source_read(struct map_source **out, const char *path, int trusted,
    map_complain_fn *complain, void *arg, struct err *err);
/* The same for one who will only find and edit these keys, in any spelling: where the compiled map
 * was made from this very text the lines that do not concern them are not looked at again. All that
 * can be asked of such a source is what stands behind a key, its changes, its text and its
 * publication; a key that was not named is refused (EINVAL). */
int map_source_read_for(struct map_source **out, const char *path, int trusted,
    const char *const *keys, size_t nkeys, map_complain_fn *complain, void *arg, struct err *err);
/* The same for text in memory that is to become PATH's, all of it: map_publish writes it there. */
int map_source_parse(struct map_source **out, const char *path, const void *text, size_t len,
    map_complain_fn *complain, void *arg, struct err *err);
void map_source_free(struct map_source *source); /* accepts NULL */
size_t map_source_errors(const struct map_source *source);
size_t map_source_count(const struct map_source *source); /* well-formed entries */
/* Entries in file order; good until the next edit of that line. NULL when index is out of range or
 * there is no memory (errno ENOMEM). */
const struct map_entry *map_source_entry(const struct map_source *source, size_t index);

/* The entry with this key in any spelling, or NULL with err->num 0 when there is none, or NULL with
 * err->num not 0 when the key is malformed (EINVAL). */
const struct map_entry *map_source_find(
    const struct map_source *source, const char *key, struct err *err);

/* Append the comment lines directly above an entry that was read, each with its newline; nothing if
 * there are none. 0, or -1 with errno ENOMEM. */
int map_source_comment(
    const struct map_source *source, const struct map_entry *entry, struct buf *out);

/* Fold the left side of a line to its canonical form. malloc'ed; NULL with err. */
char *map_key_fold(const char *key, struct err *err);

/* Edits of the text in memory. Alignment of the column is kept where the neighbours have one. add:
 * -1 with EEXIST if the key is there; rm: -1 with ENOENT if it is not; set replaces the target in
 * place, or adds. 0, or -1 with err and nothing changed. */
int map_source_add(struct map_source *source, const char *key, const char *target, struct err *err);
int map_source_set(struct map_source *source, const char *key, const char *target, struct err *err);
int map_source_rm(struct map_source *source, const char *key, struct err *err);
/* Give the mapping `key` another key where it stands; target, column and what is behind stay. -1
 * with ENOENT if `key` is not there, EEXIST if `other` is. */
int map_source_rename(
    struct map_source *source, const char *key, const char *other, struct err *err);

/* The whole text as it now stands; the pointer is good until the next edit. NULL with errno ENOMEM.
 */
const struct buf *map_source_text(const struct map_source *source);

/* The digest (XXH3, 128 bits) of the text as it was read. */
#define MAP_DIGEST_SIZE 16
void map_source_digest(struct map_source *source, unsigned char out[MAP_DIGEST_SIZE]);

/* ---- what has changed --------------------------------------------------------------------- */

/* A mapping as it was and as it is. A renamed one is two: the old key gone, the new one come. */
struct map_change {
	const char *key;  /* folded */
	const char *old;  /* target as written, NULL: there was none */
	const char *now;  /* the same, NULL: there is none */
	const char *text; /* the whole old line without newline; NULL: none, or not known */
	size_t line;      /* of `text` in the old text, from 1; 0: not known */
};

/* Called for each change until it returns other than 0 (-1: it has set err). The strings live as
 * long as the call. */
typedef int map_change_fn(void *arg, const struct map_change *change, struct err *err);

/* Edits since the text was read: lines that went, in the order of the text, then those that came.
 * 0, the callback's value, or -1 with err. */
int map_source_changes(
    const struct map_source *source, map_change_fn *each, void *arg, struct err *err);

/* From one text to another, in the order of their lines. */
int map_source_compare(const struct map_source *old, const struct map_source *now,
    map_change_fn *each, void *arg, struct err *err);

/* Did the text as it was read end without a newline? */
bool map_source_is_cut(const struct map_source *source);

/* Take `n` changes back in memory: keys that came go, old lines return as they were. With `exact`
 * the text is the very one that the changes led to, and each line returns to its number; `cut`: the
 * old text had no newline at its end. Without, lines that return stand behind their domain's last,
 * as added ones. The caller has made sure that each key is as the change left it. 0, or -1 with err
 * and the source good only to be freed. */
int map_source_restore(struct map_source *source, const struct map_change *changes, size_t n,
    bool exact, bool cut, struct err *err);

/* ---- one writer at a time; publishing ----------------------------------------------------- */

/* Hold PATH's writer lock (flock on PATH + ".lock", which stays); waits up to `seconds`, telling
 * who holds it in err if it can't be had (EWOULDBLOCK). A descriptor to close, or -1 with err. */
int map_lock(const char *path, unsigned seconds, struct err *err);

/* `announce` is called by map_compile and map_publish when everything is checked and written beside
 * the old files, before the first rename, with the digest of the text to be: the moment to note
 * what is about to happen. If it returns -1 (err set) nothing happens. */
typedef int map_announce_fn(
    void *arg, const unsigned char digest[MAP_DIGEST_SIZE], struct err *err);
void map_source_announce(struct map_source *source, map_announce_fn *announce, void *arg);

/* Compile a source without errors to PATH.gdbm and write its domains file (domains_path NULL:
 * none). Chains of mappings that come back to themselves (a -> b -> a), or are longer than
 * MAP_STEPS_MAX, are errors, reported through `complain`. `account` (may be NULL) answers as in
 * map_lookup and ends a chain: a target that is the name of an account is final. gid (gid_t)-1
 * leaves the group alone. 0, or -1 with err and nothing changed. */
int map_compile(const struct map_source *source, const char *domains_path, gid_t gid, mode_t mode,
    map_account_fn *account, map_complain_fn *complain, void *arg, struct err *err);

/* What map_compile would refuse of this source, without writing anything: `build -n` and `check`.
 * 0 nothing, or -1 with err, the lines reported through `complain`. */
int map_check(const struct map_source *source, map_account_fn *account, map_complain_fn *complain,
    void *arg, struct err *err);

/* Write the edited text to PATH durably (old owner, group, mode) and publish its compiled map with
 * it: text first, so that a crash between the two leaves a map that is seen to be stale, never a
 * text that is older than its map. 0, or -1 with err and nothing changed. */
int map_publish(const struct map_source *source, const char *domains_path, gid_t gid, mode_t mode,
    map_account_fn *account, map_complain_fn *complain, void *arg, struct err *err);

/* ---- lookup ------------------------------------------------------------------------------- */

struct map; /* an open compiled map */

int map_open(struct map **out, const char *source_path, int trusted, struct err *err);
void map_close(struct map *map); /* accepts NULL */

/* Has another map been published since it was opened (or has it been removed)? One stat. */
bool map_is_replaced(const struct map *map);

/* Was the text edited by hand since? By size and time only, one stat: 1 yes, 0 no, or another map
 * has been published, -1 could not tell. Where the text came within the last quarter of a second it
 * waits that long for the map of it. */
int map_is_stale(const struct map *map, struct err *err);
/* The sure one: reads and hashes the text. */
int map_is_stale_content(const struct map *map, struct err *err);
uint64_t map_count(const struct map *map);
/* The digest of the text it was compiled from; lives as long as the map. */
const unsigned char *map_digest(const struct map *map);
/* From the compiled map to the text: what a hand has changed that was not compiled. Changes have no
 * old lines; removed mappings come last. 0, the callback's value, or -1 with err. */
int map_diff(struct map *map, const struct map_source *source, map_change_fn *each, void *arg,
    struct err *err);

/* Has the compiled map the very mappings of the text, no more and no less? Reads all of it. 1 / 0,
 * or -1 with err when it is damaged. */
int map_is_of(struct map *map, const struct map_source *source, struct err *err);

enum map_rung {           /* the ladder of virtmda's resolution, most specific first */
	RUNG_EXACT,       /* user+detail@d, or user@d where there is no detail */
	RUNG_USER_DETAIL, /* user++@d */
	RUNG_USER_ANY,    /* user+*@d */
	RUNG_USER,        /* user@d for user+detail@d */
	RUNG_ACCOUNT,     /* an account named user@d itself */
	RUNG_ANY_DETAIL,  /* ++@d */
	RUNG_ANY_MAYBE,   /* +*@d */
	RUNG_CATCHALL,    /* @d */
	RUNG_PARENT,      /* .parent */
	RUNG_EVERYTHING   /* @ */
};

struct map_match {
	enum map_rung rung;
	char *key;    /* canonical key that matched ("@d"); for RUNG_ACCOUNT the account's name */
	char *target; /* text of the right side, unsubstituted; NULL for RUNG_ACCOUNT */
	struct target_args args; /* as sendmail would give them for this rung; point into the
	                            address and the match, good while both live */
	char *plus;              /* owned: "+detail" */
};

/* Every rung tried, for `resolve -v`. hit: 1, 0. */
typedef void map_trace_fn(void *arg, enum map_rung rung, const char *key, int hit);

/* Walk the ladder. address->domain must not be NULL. account and trace may be NULL. skip_catchall:
 * stop before RUNG_ANY_DETAIL (how postmaster@d is looked up). 1 with *out (map_match_free), 0
 * proven no match, -1 could not tell.  */
int map_lookup(struct map *map, const struct address *address, int skip_catchall,
    map_account_fn *account, map_trace_fn *trace, void *arg, struct map_match *out,
    struct err *err);
void map_match_free(struct map_match *match);

/* Does a left side name this domain, or a .parent of it (an entry "@" does not count)? 1 / 0 / -1.
 */
int map_has_domain(struct map *map, const char *domain, struct err *err);

const char *map_rung_name(enum map_rung rung); /* "exact", "user++", …, for people */

#endif
