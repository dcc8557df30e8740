/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What went wrong, in one line for people and one errno for code.
 *
 * The function that meets the failure fills it in at once, with operation,
 * path and reason ("maildir: rename tmp/x to new: No space left on device");
 * callers may put context in front, clean-up never touches it.
 */
#ifndef VIRTMDA_ERR_H
#define VIRTMDA_ERR_H

#define ERR_TEXT_MAX 512

struct err {
	int num;                 /* errno at the failing call; 0 if none applies */
	char text[ERR_TEXT_MAX]; /* one line, NUL-ended, no newline; may hold bytes
	                            from outside: pass through text_vis before a
	                            terminal or a log */
};

/* Set text from fmt and append ": strerror(num)" when num is not 0. A text that
 * does not fit ends in "...": this is the one place where text may be cut.
 * Returns -1 always, so that a caller can `return err_set(...)`; errno is left
 * equal to num. */
int err_set(struct err *err, int num, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put context in front of what is there: "CONTEXT: TEXT". Returns -1; errno is
 * left equal to err->num. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
