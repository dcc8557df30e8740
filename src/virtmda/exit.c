/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Outcome -> exit status, and the line that goes with it. Permanent statuses are a list of
 * two; whatever does not match one of them is "later".
 */
#include "exit.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "text.h"

#define LINE_MAX_BYTES 400

_Static_assert(EXIT_NO_USER == EX_NOUSER && EXIT_REFUSED == EX_UNAVAILABLE &&
                   EXIT_LATER == EX_TEMPFAIL && EXIT_DELIVERED == EX_OK,
    "the statuses that sendmail reads");

enum exit_status
exit_status_of(const struct outcome *outcome)
{
	if (outcome->class == OUTCOME_DELIVERED)
		return EXIT_DELIVERED;
	if (outcome->class == OUTCOME_REJECTED)
		return outcome->nouser ? EXIT_NO_USER : EXIT_REFUSED;
	return EXIT_LATER;
}

enum exit_status
exit_status_worse(enum exit_status a, enum exit_status b)
{
	/* The numbers happen to stand in the order of precedence: 0 < 67 < 69 < 75. */
	return a > b ? a : b;
}

void
exit_say(const char *status, const char *recipient, const char *text)
{
	struct buf line = BUF_INIT;

	if (buf_addf(&line, "%s ", status) == 0 &&
	    (recipient == NULL || (text_vis(&line, recipient, strlen(recipient)) == 0 &&
	                              buf_adds(&line, ": ") == 0)) &&
	    text_vis(&line, text, strlen(text)) == 0) {
		if (line.len > LINE_MAX_BYTES)
			line.len = LINE_MAX_BYTES;
		if (buf_addc(&line, '\n') == 0 &&
		    io_write_all(STDOUT_FILENO, line.data, line.len) == -1) {
			/* Nobody listens. The status says what matters. */
		}
	}
	buf_free(&line);
}
