/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek list: a row for every message, or for those that search terms fit; mailpeek search: the
 * same for who looks for something, so that finding nothing is an answer of its own.
 */
#include "list.h"

enum status
cmd_list(const struct peek *peek, int argc, char **argv)
{
	size_t shown;

	return list_messages(peek, argc, argv, &shown);
}

enum status
cmd_search(const struct peek *peek, int argc, char **argv)
{
	size_t shown;
	enum status status = list_messages(peek, argc, argv, &shown);

	return status == STATUS_OK && shown == 0 ? STATUS_NOTHING : status;
}
