/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mailpeek(8): look into accounts' mailboxes. Reads, and does nothing else: no lock, no flag, no
 * access time, no code that could write a mailbox in the program. Options and settings here, then
 * one row of a table of commands.
 */
#include <errno.h>
#include <getopt.h>
#include <gmime/gmime-version.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailpeek.h"
#include "pager.h"
#include "screen.h"

#define OPTIONS_MAX 24 /* letters of one command's options */

static const struct command commands[] = {
	{ "accounts", "[-abj0r] [-s KEY] [-n COUNT] [ACCOUNT...]",
	    "a row for every account that has a mailbox (-a: every one)", "abj0rs:n:", 0, -1, false,
	    cmd_accounts },
	{ "folders", "[-bj0] ACCOUNT", "a row for every folder of an account's Maildir", "bj0", 1,
	    1, true, cmd_folders },
	{ "list", "[-bj0] [-f FOLDER] [-F FIELDS] ACCOUNT [TERM...]",
	    "a row for every message of an account", "bj0f:F:", 1, -1, true, cmd_list },
	{ "search", "[-bj0] [-f FOLDER] [-F FIELDS] ACCOUNT TERM...",
	    "the same for messages that fit; 1 if none does", "bj0f:F:", 2, -1, true, cmd_search },
	{ "show", "[-abj0] [-f FOLDER] ACCOUNT NUMBER",
	    "one message: headers, text, what is attached (-a: all headers)", "abj0f:", 2, 2, true,
	    cmd_show },
	{ "raw", "[-f FOLDER] ACCOUNT NUMBER", "one message, byte for byte", "f:", 2, 2, true,
	    cmd_raw },
	{ "timeline", "[-bj0] [-f FOLDER] [-u UNIT] [-n COUNT] ACCOUNT",
	    "deliveries in each hour, day or month as a plot", "bj0f:u:n:", 1, 1, true,
	    cmd_timeline },
	{ "trace", "[-bj0] [-n COUNT] ADDRESS",
	    "where mail for an address goes and what came; or where <MESSAGE-ID> is", "bj0n:", 1, 1,
	    false, cmd_trace },
	{ "usage", "[-bdj0r] [-s KEY] [-n COUNT] [ACCOUNT...]",
	    "who takes how much room, as bars (-d: by domain of the map)", "bdj0rs:n:", 0, -1,
	    false, cmd_usage },
	{ "verify", "[-jl0] [ACCOUNT...]", "what is wrong with mailboxes; 1 if anything is", "jl0",
	    0, -1, false, cmd_verify },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

struct options {
	const char *file;       /* -C */
	const char **overrides; /* -o */
	size_t noverrides;
	bool all, bytes, json, nul;    /* -a, -b, -j, -0 */
	bool domains, list, reverse;   /* -d, -l, -r */
	const char *folder, *format;   /* -f, -F */
	const char *sort, *top, *unit; /* -s, -n, -u */
	bool no_pager;
};

static void
print_usage(FILE *to, const struct command *command)
{
	if (command != NULL) {
		fprintf(to, "usage: mailpeek [-C FILE] [-o NAME=VALUE]... %s %s\n", command->name,
		    command->arguments);
		return;
	}
	fputs("usage: mailpeek [-C FILE] [-o NAME=VALUE]... COMMAND [ARGUMENT...]\n"
	      "       mailpeek -h | -V\n"
	      "\n",
	    to);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
}

static enum status
misused(const struct command *command, const char *what, const char *which)
{
	speech_complain("%s%s", what, which);
	print_usage(stderr, command);
	return STATUS_USAGE;
}

/* ---- options --------------------------------------------------------------------------------- */

#define NO_PAGER 'P' /* has only its long name */

/* Longer names of letters, for those commands that have the letter. */
static const struct option long_names[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "bytes", no_argument, NULL, 'b' },
	{ "domains", no_argument, NULL, 'd' },
	{ "folder", required_argument, NULL, 'f' },
	{ "format", required_argument, NULL, 'F' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "list", no_argument, NULL, 'l' },
	{ "no-pager", no_argument, NULL, NO_PAGER },
	{ "null", no_argument, NULL, '0' },
	{ "reverse", no_argument, NULL, 'r' },
	{ "sort", required_argument, NULL, 's' },
	{ "top", required_argument, NULL, 'n' },
	{ "unit", required_argument, NULL, 'u' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Options of `letters` up to the first other argument: 0, or the letter that ends it, 'h' and 'V'
 * among them. */
static int
read_options(int argc, char **argv, const char *letters, struct options *out)
{
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, letters, long_names, NULL)) != -1) {
		/* A long name is known, but perhaps not for this command. */
		if (letter != '?' && letter != NO_PAGER && strchr(letters, letter) == NULL) {
			optopt = letter;
			return '?';
		}
		switch (letter) {
		case 'C':
			out->file = optarg;
			break;
		case 'o':
			out->overrides[out->noverrides++] = optarg;
			break;
		case 'a':
			out->all = true;
			break;
		case 'b':
			out->bytes = true;
			break;
		case 'd':
			out->domains = true;
			break;
		case 'l':
			out->list = true;
			break;
		case 'n':
			out->top = optarg;
			break;
		case 'r':
			out->reverse = true;
			break;
		case 's':
			out->sort = optarg;
			break;
		case 'u':
			out->unit = optarg;
			break;
		case 'f':
			out->folder = optarg;
			break;
		case 'F':
			out->format = optarg;
			break;
		case 'j':
			out->json = true;
			break;
		case '0':
			out->nul = true;
			break;
		case NO_PAGER:
			out->no_pager = true;
			break;
		default:
			return letter;
		}
	}
	return 0;
}

/* argv: of the arguments that were just read. */
static enum status
other_option(int letter, const struct command *command, char **argv)
{
	char which[2] = { (char)optopt, '\0' };

	if (letter == 'h') {
		print_usage(stdout, command);
		return STATUS_OK;
	}
	if (letter == 'V') {
		printf("mailpeek %s\nGMime %d.%d.%d\nmailboxes: opened read-only, never locked\n",
		    VIRTMDA_VERSION, GMIME_MAJOR_VERSION, GMIME_MINOR_VERSION, GMIME_MICRO_VERSION);
		return STATUS_OK;
	}
	if (strncmp(argv[optind - 1], "--", 2) == 0)
		return misused(command,
		    letter == ':' ? "this option needs a value: " : "unknown option: ",
		    argv[optind - 1]);
	return misused(
	    command, letter == ':' ? "this option needs a value: -" : "unknown option: -", which);
}

/* ---- running --------------------------------------------------------------------------------- */

void
peek_page(const struct peek *peek)
{
	if (!peek->no_pager)
		pager_start();
}

static enum status
run(const struct command *command, const struct options *options, int argc, char **argv)
{
	struct settings settings;
	struct peek peek = {
		.settings = &settings,
		.all = options->all,
		.exact = options->bytes || options->json || options->nul || !screen_is_terminal(),
		.json = options->json,
		.nul = options->nul,
		.no_pager = options->no_pager,
		.domains = options->domains,
		.list = options->list,
		.reverse = options->reverse,
		.folder = options->folder,
		.format = options->format,
		.sort = options->sort,
		.top = options->top,
		.unit = options->unit,
	};
	enum status status;
	struct err err;

	if (settings_load(
	        &settings, options->file, options->overrides, options->noverrides, &err) == -1) {
		speech_complain("%s", err.text);
		return err.num == ENOMEM ? STATUS_LATER : STATUS_CONFIG;
	}
	/* Before the command gives up rights: the pager is the caller's. */
	if (command->paged)
		peek_page(&peek);
	status = command->run(&peek, argc, argv);
	settings_free(&settings);
	return status;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* argv[0] is the command's name. */
static enum status
run_command(const struct command *command, struct options *options, int argc, char **argv)
{
	char letters[OPTIONS_MAX + 4] = "+:h";
	int wrong;

	strlcat(letters, command->options, sizeof(letters));
	optind = 1;
	if ((wrong = read_options(argc, argv, letters, options)) != 0)
		return other_option(wrong, command, argv);
	argc -= optind;
	argv += optind;
	if (argc < command->min)
		return misused(command, "too few arguments for ", command->name);
	if (command->max != -1 && argc > command->max)
		return misused(command, "one argument too many: ", argv[command->max]);
	return run(command, options, argc, argv);
}

static enum status
dispatch(int argc, char **argv, struct options *options)
{
	const struct command *command;
	int wrong, first;

	if ((wrong = read_options(argc, argv, "+:C:o:hV", options)) != 0)
		return other_option(wrong, NULL, argv);
	if (optind == argc)
		return misused(NULL, "which command?", "");
	first = optind;
	if ((command = find_command(argv[first])) == NULL)
		return misused(NULL, "unknown command: ", argv[first]);
	return run_command(command, options, argc - first, argv + first);
}

int
main(int argc, char **argv)
{
	struct options options = { 0 };
	enum status status;

	/* Only for characters: numbers and dates look the same everywhere. */
	setlocale(LC_CTYPE, "");
	/* Whoever ignores it would not be told how the processes that read mailboxes ended. */
	signal(SIGCHLD, SIG_DFL);
	/* Without TZ glibc looks at /etc/localtime anew for every date (tzset(3)). */
	setenv("TZ", ":/etc/localtime", 0);
	options.overrides = calloc((size_t)argc + 1, sizeof(*options.overrides));
	if (options.overrides == NULL)
		speech_no_memory();
	status = dispatch(argc, argv, &options);
	free(options.overrides);
	return (int)speech_end(status);
}
