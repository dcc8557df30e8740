/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line. It is written once, into sendmail.cf, by an administrator, but its
 * recipients come from the network: sendmail hands over "-oops@d" as it is. So the options end
 * where the recipients begin, and a recipient is never taken for an option.
 */
#include "args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

const char args_usage[] =
    "usage: virtmda [-C file] [-o name=value] [-f sender] [-Q queueid] [-nv] -d recipient ...\n"
    "       virtmda [options] -- recipient ...\n"
    "       virtmda [-C file] [-o name=value] -l\n"
    "       virtmda -h | -V\n";

/* Where the recipients begin. */
static void
take_recipients(struct args *out, int argc, char *argv[], int first)
{
	out->recipients = (const char *const *)&argv[first];
	out->nrecipients = (size_t)(argc - first);
}

/* "-d" ends the options; "-dNAME" and "-d -- NAME" do so as well. */
static void
take_explicit_recipients(struct args *out, int argc, char *argv[])
{
	int first = optind;

	if (optarg != NULL) {
		/* The argument's tail is the first recipient. It gets the place of the whole. */
		first = optind - 1;
		argv[first] = optarg;
	} else if (first < argc && strcmp(argv[first], "--") == 0) {
		first++;
	}
	take_recipients(out, argc, argv, first);
}

/* "-oname=value" and "-o name=value" are ours; "-o" without a '=' is procmail's, which has no
 * argument, so what stands behind it stays there. */
static void
take_override(struct args *out, int argc, char *argv[])
{
	if (optarg != NULL) {
		if (settings_is_override(optarg))
			out->overrides[out->noverrides++] = optarg;
	} else if (optind < argc && argv[optind][0] != '-' && settings_is_override(argv[optind])) {
		out->overrides[out->noverrides++] = argv[optind++];
	}
}

/* The null sender reaches us as an empty argument (sendmail), as "<>" (people) or, from those who
 * kept procmail's arguments, as "-". */
static const char *
sender_of(const char *argument)
{
	return strcmp(argument, "<>") == 0 || strcmp(argument, "-") == 0 ? "" : argument;
}

int
args_parse(struct args *out, int argc, char *argv[], struct err *err)
{
	enum args_wish wish;
	int option;

	*out = (struct args){ .sender = "", .queue_id = "NOQUEUE" };
	out->overrides = calloc((size_t)argc + 1, sizeof(*out->overrides));
	if (out->overrides == NULL)
		return err_set(err, ENOMEM, "arguments");
	opterr = 0;
	optind = 0; /* glibc: start anew, whoever called getopt before */
	while ((option = getopt(argc, argv, "+:C:Q:Va:d::f:hlno::r:tvY")) != -1) {
		switch (option) {
		case 'C':
			out->settings_file = optarg;
			break;
		case 'Q':
			if (*optarg != '\0')
				out->queue_id = optarg;
			break;
		case 'V':
			out->wish = ARGS_VERSION;
			return 0;
		case 'd':
			take_explicit_recipients(out, argc, argv);
			goto done;
		case 'f':
		case 'r': /* mail.local's name for it */
			out->sender = sender_of(optarg);
			break;
		case 'h':
			out->wish = ARGS_HELP;
			return 0;
		case 'l':
			out->wish = ARGS_LMTP;
			break;
		case 'n':
			out->dry_run = true;
			break;
		case 'o':
			take_override(out, argc, argv);
			break;
		case 'v':
			out->verbose = true;
			break;
		case 'a': /* procmail: $1 of an rc file */
		case 't': /* procmail: fail softly; we always do */
		case 'Y': /* procmail: no Content-Length; ours never counts */
			break;
		case ':':
			err_set(err, 0, "option -%c needs an argument", optopt);
			goto fail;
		default:
			err_set(err, 0, "unknown option -%c", optopt);
			goto fail;
		}
	}
	take_recipients(out, argc, argv, optind);
done:
	if (out->wish == ARGS_LMTP && out->dry_run) {
		err_set(err, 0, "-n says what a delivery would do; LMTP delivers");
		goto fail;
	}
	if ((out->nrecipients > 0) == (out->wish == ARGS_DELIVER))
		return 0;
	err_set(err, 0,
	    out->wish == ARGS_LMTP ? "LMTP names its recipients itself" : "no recipient given");
fail:
	wish = out->wish;
	args_free(out);
	out->wish = wish;
	errno = err->num;
	return -1;
}

void
args_free(struct args *args)
{
	free(args->overrides);
	*args = (struct args){ 0 };
}
