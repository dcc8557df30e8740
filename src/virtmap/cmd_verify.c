/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap verify: one line for sendmail's program map. A verdict, whatever it is, ends with status
 * 0, for sendmail reads no output of a program that ends otherwise; without one, the ruleset
 * answers "try again later" (feature/virtmap_verify.m4).
 */
#include <errno.h>

#include "resolve.h"
#include "verdict.h"
#include "virtmap.h"

enum status
cmd_verify(const struct virtmap *virtmap, const char *options, int argc, char **argv)
{
	struct buf line = BUF_INIT;
	struct resolver *resolver;
	struct verdict verdict;
	struct err err;

	(void)options, (void)argc;
	if (resolver_new(&resolver, virtmap->settings, &err) == -1)
		return speech_fail(&err);
	verdict_ask(&verdict, virtmap->settings, resolver, argv[0]);
	resolver_free(resolver);
	if (verdict.trouble[0] != '\0')
		speech_say(stderr, "virtmap: %s: %s", argv[0], verdict.trouble);
	if (verdict_word(&verdict, &line) == -1 || buf_addc(&line, '\n') == -1) {
		err_set(&err, ENOMEM, "verify");
		return speech_fail(&err);
	}
	fwrite(line.data, 1, line.len, stdout);
	buf_free(&line);
	return STATUS_OK;
}
