/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sink: stands where sendmail is, and takes messages: an SMTP server on standard input and output
 * that writes each message (MAIL and RCPT lines first) to a file of its own in the directory in
 * which this program lies, and says 250 when it is there. The file SINK-REFUSE, in the same place,
 * holds a word; a recipient with it is refused.
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char place[PATH_MAX], refused[100];

static void
find_place(void)
{
	char path[PATH_MAX + 20];
	ssize_t n = readlink("/proc/self/exe", place, sizeof(place) - 1);
	FILE *file;

	if (n <= 0)
		exit(1);
	place[n] = '\0';
	dirname(place);
	snprintf(path, sizeof(path), "%s/SINK-REFUSE", place);
	file = fopen(path, "r");
	if (file == NULL)
		return;
	if (fgets(refused, sizeof(refused), file) == NULL)
		refused[0] = '\0';
	fclose(file);
}

static void
say(const char *line)
{
	printf("%s\r\n", line);
	fflush(stdout);
}

/* All or nothing, under the name that only whole ones have. */
static void
take(FILE *envelope)
{
	char line[2048], part[PATH_MAX + 40], whole[PATH_MAX + 40];
	FILE *out;
	int c;

	snprintf(part, sizeof(part), "%s/part.%ld", place, (long)getpid());
	snprintf(whole, sizeof(whole), "%s/taken.%ld", place, (long)getpid());
	for (int i = 0; access(whole, F_OK) == 0; i++)
		snprintf(whole, sizeof(whole), "%s/taken.%ld.%d", place, (long)getpid(), i);
	out = fopen(part, "w");
	if (out == NULL) {
		say("451 4.3.0 no file");
		return;
	}
	rewind(envelope);
	while ((c = getc(envelope)) != EOF)
		putc(c, out);
	say("354 go on");
	for (;;) {
		if (fgets(line, sizeof(line), stdin) == NULL) {
			unlink(part);
			exit(0);
		}
		if (strcmp(line, ".\r\n") == 0)
			break;
		fputs(line + (line[0] == '.'), out);
	}
	if (fclose(out) == EOF || rename(part, whole) == -1)
		say("451 4.3.0 not written");
	else
		say("250 2.0.0 taken");
}

int
main(void)
{
	char line[2048];
	FILE *envelope = tmpfile();

	if (envelope == NULL)
		return 1;
	find_place();
	say("220 sink ESMTP");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strncmp(line, "EHLO", 4) == 0) {
			say("250-sink");
			say("250 DSN");
		} else if (strncmp(line, "DATA", 4) == 0) {
			take(envelope);
		} else if (strncmp(line, "QUIT", 4) == 0) {
			say("221 bye");
			return 0;
		} else if (refused[0] != '\0' && strstr(line, refused) != NULL) {
			say("550 5.1.1 refused");
		} else {
			if (strncmp(line, "MAIL", 4) == 0) {
				rewind(envelope);
				if (ftruncate(fileno(envelope), 0) == -1)
					return 1;
			}
			fputs(line, envelope);
			say("250 2.1.0 ok");
		}
	}
	return 0;
}
