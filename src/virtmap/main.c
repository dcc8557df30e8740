/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * virtmap(8): edit, check, compile and ask the map. Options and settings, then one row of a table
 * of commands. Started as vnewvirtmaps, as on the virtual servers of old, it is `virtmap build`.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "io.h"
#include "table.h"
#include "virtmap.h"

#define OPTIONS_MAX 16 /* letters of one command's options */

static const struct command commands[] = {
	{ "build", "[-n]", "compile the map and write the list of its domains", "n", 0, 0, true,
	    cmd_build },
	{ "check", "[-jl] [NAME...]", "find everything that keeps mail from its place", "jl", 0, -1,
	    false, cmd_check },
	{ "list", "[-js] [PATTERN...]", "mappings whose key or target matches", "js", 0, -1, false,
	    cmd_list },
	{ "domains", "[-j] [PATTERN...]", "a row for every domain", "j", 0, -1, false,
	    cmd_domains },
	{ "get", "[-jv] KEY", "a mapping, and the comment above it", "jv", 1, 1, false, cmd_get },
	{ "add", "[-n] KEY TARGET", "add a mapping that is not there yet", "n", 2, 2, true,
	    cmd_add },
	{ "set", "[-n] KEY TARGET", "add a mapping, or replace its target", "n", 2, 2, true,
	    cmd_set },
	{ "rm", "[-n] KEY...", "remove mappings, all of them or none", "n", 1, -1, true, cmd_rm },
	{ "rename", "[-n] OLD NEW", "give a mapping another key where it stands", "n", 2, 2, true,
	    cmd_rename },
	{ "batch", "[-n] [FILE]", "add, set, rm, rename lines: all of them or none", "n", 0, 1,
	    true, cmd_batch },
	{ "edit", "[-n]", "edit the text in an editor; checked before it is published", "n", 0, 0,
	    true, cmd_visual },
	{ "diff", "[-j]", "what was edited by hand and is not compiled", "j", 0, 0, false,
	    cmd_diff },
	{ "log", "[-j] [KEY]", "who changed what, when", "j", 0, 1, false, cmd_log },
	{ "undo", "[-n] [NUMBER]", "take a change back: the last, or that of the log", "n", 0, 1,
	    true, cmd_undo },
	{ "import", "[-mrn] FORMAT FILE", "take over another program's table", "mrn", 2, 2, true,
	    cmd_import },
	{ "export", "FORMAT", "the map for another program, or for import", "", 1, 1, false,
	    cmd_export },
	{ "resolve", "[-j|-q|-v] ADDRESS...", "where mail goes, as delivery would decide it", "jqv",
	    1, -1, false, cmd_resolve },
	{ "complete", "KIND [WORD]", "for the shell: what a word may become", "", 1, 2, false,
	    cmd_complete },
	{ "verify", "-- ADDRESS", "may its mail come in? a line for sendmail's program map", "", 1,
	    1, false, cmd_verify },
	{ "serve", "[-s SOCKET]... [-u USER] [-g GROUP] [-m MODE]",
	    "answer mail servers over sockets", "s:u:g:m:", 0, 0, true, cmd_serve },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
print_usage(FILE *to, const struct command *command)
{
	if (command != NULL) {
		fprintf(to, "usage: virtmap [-C FILE] [-o NAME=VALUE]... %s %s\n", command->name,
		    command->arguments);
		return;
	}
	fputs("usage: virtmap [-C FILE] [-o NAME=VALUE]... COMMAND [ARGUMENT...]\n"
	      "       virtmap -h | -V\n"
	      "\n",
	    to);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(to, "  %-8s %-22s %s\n", commands[i].name, commands[i].arguments,
		    commands[i].summary);
}

static enum status
misused(const struct command *command, const char *what, const char *which)
{
	speech_say(stderr, "virtmap: %s%s", what, which);
	print_usage(stderr, command);
	return STATUS_USAGE;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* ---- options ------------------------------------------------------------------------------- */

struct options {
	const char *file;       /* -C */
	const char **overrides; /* -o */
	size_t noverrides;
	char own[OPTIONS_MAX];       /* the command's letters */
	struct option_value *values; /* of those that take one; as many as there are arguments */
	size_t nvalues;
};

/* Longer names of letters, for those commands that have the letter. */
static const struct option long_names[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ "merge", no_argument, NULL, 'm' },
	{ "replace", no_argument, NULL, 'r' },
	{ NULL, 0, NULL, 0 },
};

/* Options of `letters` up to the first other argument. 0 with *out filled up, the letter that is
 * wrong, or -1 without memory; -h and -V are returned like wrong ones. */
static int
read_options(int argc, char **argv, const char *letters, struct options *out)
{
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, letters, long_names, NULL)) != -1) {
		size_t len = strlen(out->own);

		/* A long name is known, but perhaps not for this command. */
		if (letter != '?' && strchr(letters, letter) == NULL) {
			optopt = letter;
			return '?';
		}
		if (letter == 'C') {
			out->file = optarg;
		} else if (letter == 'o') {
			out->overrides[out->noverrides++] = optarg;
		} else if (letter == '?' || letter == ':' || letter == 'h' || letter == 'V') {
			return letter;
		} else if (optarg != NULL) {
			out->values[out->nvalues++] = (struct option_value){ letter, optarg };
		} else if (strchr(out->own, letter) == NULL && len + 1 < sizeof(out->own)) {
			out->own[len] = (char)letter;
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
		printf("virtmap " VIRTMDA_VERSION "\n%s\n%s\n", table_library(), address_library());
		return STATUS_OK;
	}
	if (strncmp(argv[optind - 1], "--", 2) == 0)
		return misused(command, "unknown option: ", argv[optind - 1]);
	return misused(
	    command, letter == ':' ? "this option needs a value: -" : "unknown option: -", which);
}

/* ---- running ------------------------------------------------------------------------------- */

static enum status
run(const struct command *command, const struct options *options, int argc, char **argv)
{
	struct settings settings;
	struct virtmap virtmap = {
		.settings = &settings,
		.trusted = io_is_root(),
		.verb = command->name,
		.settings_path = options->file != NULL ? options->file : SETTINGS_FILE,
		.values = options->values,
		.nvalues = options->nvalues,
	};
	enum status status;
	struct err err;

	if (settings_load(
	        &settings, options->file, options->overrides, options->noverrides, &err) == -1) {
		speech_fail(&err);
		return err.num == ENOMEM ? STATUS_LATER : STATUS_CONFIG;
	}
	status = command->run(&virtmap, options->own, argc, argv);
	settings_free(&settings);
	return status;
}

/* argv[0] is the command's name. */
static enum status
run_command(const struct command *command, struct options *options, const char *letters, int argc,
    char **argv)
{
	int wrong;

	optind = 1;
	if ((wrong = read_options(argc, argv, letters, options)) != 0)
		return other_option(wrong, command, argv);
	argc -= optind;
	argv += optind;
	if (argc < command->min)
		return misused(command, "too few arguments for ", command->name);
	if (command->max != -1 && argc > command->max)
		return misused(command,
		    "too many arguments (quote what belongs together): ", argv[command->max]);
	/* Nobody who stops reading may end a change in its midst. */
	signal(SIGPIPE, command->changes ? SIG_IGN : SIG_DFL);
	return run(command, options, argc, argv);
}

static enum status
dispatch(int argc, char **argv, struct options *options)
{
	const struct command *command;
	char letters[OPTIONS_MAX + 4] = "+:h";
	int wrong, first;

	if ((wrong = read_options(argc, argv, "+:C:o:hV", options)) != 0)
		return other_option(wrong, NULL, argv);
	if (optind == argc)
		return misused(NULL, "which command?", "");
	first = optind;
	if ((command = find_command(argv[first])) == NULL)
		return misused(NULL, "unknown command: ", argv[first]);
	strlcat(letters, command->options, sizeof(letters));
	return run_command(command, options, letters, argc - first, argv + first);
}

static int
is_classic(const char *name)
{
	const char *slash = name == NULL ? NULL : strrchr(name, '/');

	return name != NULL && strcmp(slash == NULL ? name : slash + 1, "vnewvirtmaps") == 0;
}

int
main(int argc, char **argv)
{
	struct options options = { 0 };
	enum status status;

	signal(SIGXFSZ, SIG_IGN); /* EFBIG is reported, and leaves no half a file beside the map */
	umask(022);
	options.overrides = calloc((size_t)argc + 1, sizeof(*options.overrides));
	options.values = calloc((size_t)argc + 1, sizeof(*options.values));
	if (options.overrides == NULL || options.values == NULL) {
		fputs("virtmap: out of memory\n", stderr);
		status = STATUS_LATER;
	} else if (is_classic(argv[0])) {
		status = run_command(find_command("build"), &options, "+:C:o:hVn", argc, argv);
	} else {
		status = dispatch(argc, argv, &options);
	}
	free(options.overrides);
	free(options.values);
	return (int)speech_end(status);
}
