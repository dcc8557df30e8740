/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek trace: where is my mail? By address, or by message-id.
 */
#include <stdlib.h>
#include <string.h>

#include "sight.h"
#include "trace.h"

#define NEWEST 5 /* messages shown of an account where -n is not given */

static enum status
by_id(const struct peek *peek, const char *text, size_t top)
{
	const size_t len = strlen(text);
	enum status status;
	char *id;

	if (len < 3 || text[len - 1] != '>') {
		speech_complain("\"%s\" is no message-id", text);
		return STATUS_USAGE;
	}
	if ((id = strndup(text + 1, len - 2)) == NULL)
		speech_no_memory();
	status = trace_id(peek, id, top);
	free(id);
	return status;
}

enum status
cmd_trace(const struct peek *peek, int argc, char **argv)
{
	size_t top = 0;

	(void)argc;
	if (peek->top != NULL && peek_count(peek->top, &top) == -1)
		return STATUS_USAGE;
	if (argv[0][0] == '<')
		return by_id(peek, argv[0], top);
	if (peek->nul && !peek->json) {
		speech_complain("what is told of an address is no rows: -0 takes -j with it");
		return STATUS_USAGE;
	}
	if (top == 0)
		top = NEWEST;
	return trace_address(peek, argv[0], top < SIGHT_NEWEST_MAX ? top : SIGHT_NEWEST_MAX);
}
