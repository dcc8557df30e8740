/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Deliver into Maildirs (https://cr.yp.to/proto/maildir.html): see maildir_letter.c for how one is
 * written. No locks, and no look into new/ or cur/, so that the cost does not depend on how much is
 * in them; only a quota that seems exceeded makes somebody count.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "deliver.h"
#include "io.h"
#include "maildir.h"

/* ---- what others left -------------------------------------------------------------- */

void
maildir_clean_tmp(int tmpfd, time_t now)
{
	struct timespec read_now[2] = { { .tv_sec = now }, { .tv_nsec = UTIME_OMIT } };
	int fd = openat(tmpfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	futimens(tmpfd, read_now);
	for (int i = 0; i < MAILDIR_CLEAN_MAX && (entry = readdir(dir)) != NULL; i++) {
		if (entry->d_name[0] == '.' ||
		    fstatat(tmpfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (st.st_mtime < now - MAILDIR_TMP_AGE && st.st_atime < now - MAILDIR_TMP_AGE &&
		    st.st_ctime < now - MAILDIR_TMP_AGE)
			unlinkat(tmpfd, entry->d_name, 0);
	}
	closedir(dir);
}

/* tmp/'s own access time says when it was last read; it is set by hand, as a file system may be
 * mounted noatime. */
static void
clean_sometimes(const struct maildir_place *place)
{
	time_t now = time(NULL);

	if (place->tmp_read.tv_sec < now - MAILDIR_CLEAN_EVERY)
		maildir_clean_tmp(place->tmpfd, now);
}

/* ---- the name ---------------------------------------------------------------------- */

/* The host's name as maildir.html wants it in a file's: no slash, and no colon, behind which the
 * flags begin; no comma either, behind which our size does. */
static int
add_host(struct buf *out)
{
	struct utsname names;

	if (uname(&names) == -1 || names.nodename[0] == '\0')
		return buf_adds(out, "localhost");
	for (const char *p = names.nodename; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		int failed = c <= ' ' || c >= 127 || strchr("/:,\\", c) != NULL
		                 ? buf_addf(out, "\\%03o", c)
		                 : buf_addc(out, c);

		if (failed == -1)
			return -1;
	}
	return 0;
}

int
maildir_name(struct buf *out, uint64_t size)
{
	static unsigned sequence;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (buf_addf(out, "%lld.M%06ldP%ldQ%u.", (long long)now.tv_sec, now.tv_nsec / 1000,
	        (long)getpid(), ++sequence) == -1 ||
	    add_host(out) == -1)
		return -1;
	return buf_addf(out, ",S=%llu", (unsigned long long)size);
}

/* ---- deliveries ----------------------------------------------------------------- */

/* 0 there is room, with *used; -1 with err. */
static int
ask_for_room(const struct maildir_place *place, const struct mailbox_delivery *delivery,
    uint64_t bytes, struct quota *used, struct mailbox_receipt *receipt, struct err *err)
{
	int room;

	if (!quota_limited(&delivery->quota))
		return 0;
	room = maildir_room(place, &delivery->quota, bytes, false, used, err);
	receipt->over_quota = room == 0;
	return room == 1 ? 0 : -1;
}

/* A delivery under way: the Maildir it goes to, and the letter. */
struct delivering {
	struct maildir_place place;
	struct quota used;
	struct mailbox_item *item;
};

/* Open the Maildir and ask for room. 0, or -1 and the item has failed. */
static int
prepare(struct delivering *d, struct mailbox_item *item, struct maildir_letter *letter)
{
	const struct mailbox_delivery *delivery = &item->delivery;

	*d = (struct delivering){ .item = item };
	*letter = (struct maildir_letter){ .place = &d->place,
		.delivery = delivery,
		.receipt = &item->receipt,
		.err = &item->err };
	item->failed = -1;
	if (delivery_count(delivery, MESSAGE_MAILDIR, &letter->bytes, &item->err) == -1 ||
	    maildir_open(&d->place, item->mailbox->path, delivery->uid, item->mailbox->folder,
	        delivery->create_folder, &item->receipt, &item->err) == -1)
		return -1;
	if (ask_for_room(
	        &d->place, delivery, letter->bytes, &d->used, &item->receipt, &item->err) == 0)
		return 0;
	maildir_close(&d->place);
	return -1;
}

/* Contract of warning_way.put. */
static int
put_warning(const void *mailbox, const struct mailbox_delivery *warning, struct err *err)
{
	struct mailbox_receipt receipt = { 0 };
	struct maildir_place inbox;
	struct maildir_letter letter = {
		.place = &inbox, .delivery = warning, .receipt = &receipt, .err = err
	};

	if (delivery_count(warning, MESSAGE_MAILDIR, &letter.bytes, err) == -1 ||
	    maildir_open(&inbox, mailbox, warning->uid, NULL, false, NULL, err) == -1)
		return -1;
	maildir_send(&letter);
	if (letter.failed == 0)
		maildir_add_size(&inbox, letter.bytes);
	maildir_close(&inbox);
	return letter.failed;
}

/* The stamp has maildrop's name for it. */
static void
warn(struct delivering *d)
{
	const struct warning_way way = { .dirfd = d->place.rootfd,
		.dir = d->place.path,
		.stamp = "quotawarn",
		.put = put_warning,
		.mailbox = d->place.path };

	if (warning_is_due(&d->item->delivery, &d->used))
		warning_give(&d->item->delivery, &d->used, &way, &d->item->receipt);
}

static void
conclude(struct delivering *d, const struct maildir_letter *letter)
{
	struct mailbox_item *item = d->item;

	item->failed = letter->failed;
	if (letter->failed == 0) {
		strlcpy(item->receipt.folder, d->place.folder, sizeof(item->receipt.folder));
		maildir_add_size(&d->place, letter->bytes);
		d->used.bytes += letter->bytes;
		d->used.messages++;
		warn(d);
		clean_sometimes(&d->place);
	}
	maildir_close(&d->place);
}

void
maildir_deliver(struct mailbox_item *items, size_t n)
{
	struct delivering delivering[MAILBOX_AT_ONCE];
	struct maildir_letter letters[MAILBOX_AT_ONCE];

	for (size_t done = 0; done < n;) {
		size_t ready = 0;

		for (; done < n && ready < MAILBOX_AT_ONCE; done++)
			if (prepare(&delivering[ready], &items[done], &letters[ready]) == 0)
				ready++;
		if (ready == 1)
			maildir_send(&letters[0]);
		else
			maildir_send_all(letters, ready);
		for (size_t i = 0; i < ready; i++)
			conclude(&delivering[i], &letters[i]);
	}
}

int
maildir_has_room(const struct mailbox *mailbox, const struct mailbox_delivery *delivery,
    uint64_t bytes, bool look_only, struct err *err)
{
	const struct quota nothing = { 0 };
	struct maildir_place place;
	struct quota used;
	int room = maildir_open_root(&place, mailbox->path, delivery->uid, err);

	if (room == -1)
		return -1;
	/* What is not there yet is empty. */
	if (room == 0)
		return quota_exceeded(&delivery->quota, &nothing, bytes, 1)
		           ? over_quota(&delivery->quota, bytes, err)
		           : 1;
	room = maildir_room(&place, &delivery->quota, bytes, look_only, &used, err);
	maildir_close(&place);
	return room;
}
