/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The only file that knows GDBM. It opens without locks (any local user could flock a
 * file that he can read) and without a mapping (a file cut short under a mapping is a SIGBUS), and
 * gives GDBM no fatal function: since 1.19 that makes it return its errors, where with
 * one, and always before, it ends the process. tests/fault/damage holds it to that.
 */
#include "table_gdbm.h"

#include <errno.h>
#include <gdbm.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

#if GDBM_VERSION_MAJOR == 1 && GDBM_VERSION_MINOR < 20
#error "GDBM 1.20 or later: earlier ones end the process when a file is damaged"
#endif

#define BLOCK_SIZE 4096 /* also a bucket: about 160 records, read by every lookup */
#define KEY_LEN    5

#define TEXT(token)   #token
#define NUMBER(token) TEXT(token)

struct table_gdbm {
	GDBM_FILE file;
	char *name;
};

const char *
table_library(void)
{
	return "GDBM " NUMBER(GDBM_VERSION_MAJOR) "." NUMBER(GDBM_VERSION_MINOR);
}

/* ---- keys -------------------------------------------------------------------------------------
 */

/* GDBM's hash adds up the bytes of a key, each shifted by five bits more than the one
 * before, and multiplies the sum by an odd number. Five bits of the number a byte make all sums
 * different and spread consecutive numbers evenly: no two records share a hash. */
static datum
key_of(uint32_t number, char key[KEY_LEN])
{
	for (size_t i = 0; i < KEY_LEN; i++, number >>= 5)
		key[i] = (char)('@' + (number & 31));
	return (datum){ .dptr = key, .dsize = KEY_LEN };
}

static datum
key_for(uint32_t number, char key[KEY_LEN])
{
	static char header[] = "header";

	if (number == TABLE_GDBM_HEADER)
		return (datum){ .dptr = header, .dsize = (int)strlen(header) };
	return key_of(number, key);
}

uint32_t
table_gdbm_order(uint32_t number)
{
	char bytes[KEY_LEN];
	datum key = key_of(number, bytes);
	uint32_t sum = UINT32_C(0x238F13AF) * (uint32_t)key.dsize;

	for (unsigned i = 0; i < KEY_LEN; i++)
		sum = (sum + ((uint32_t)bytes[i] << i * 5 % 24)) & INT32_MAX;
	return (UINT32_C(1103515243) * sum + 12345) & INT32_MAX;
}

/* ---- records ----------------------------------------------------------------------------------
 */

static int
fail(const struct table_gdbm *gdbm, const char *what, struct err *err)
{
	gdbm_error why = gdbm_errno;
	int num = gdbm_check_syserr(why) ? gdbm_last_syserr(gdbm->file) : 0;

	if (why == GDBM_MALLOC_ERROR)
		num = ENOMEM;
	return err_set(err, num, "%s %s: %s", what, gdbm->name, gdbm_strerror(why));
}

int
table_gdbm_open(struct table_gdbm **out, int fd, const char *name, int write, struct err *err)
{
	struct table_gdbm *gdbm = calloc(1, sizeof(*gdbm));
	int flags = GDBM_NOLOCK | GDBM_NOMMAP | GDBM_CLOEXEC | (write ? GDBM_NEWDB : GDBM_READER);
	int saved, cache = write ? 256 : 2;

	*out = NULL;
	if (gdbm == NULL || (gdbm->name = strdup(name)) == NULL) {
		err_set(err, ENOMEM, "open %s", name);
		free(gdbm);
		close(fd);
		return -1;
	}
	errno = 0;
	gdbm->file = gdbm_fd_open(fd, name, BLOCK_SIZE, flags, NULL);
	if (gdbm->file == NULL) {
		saved = gdbm_check_syserr(gdbm_errno) ? errno : 0;
		err_set(err, saved, "open %s: %s", name, gdbm_strerror(gdbm_errno));
		close(fd);
		free(gdbm->name);
		free(gdbm);
		errno = saved;
		return -1;
	}
	gdbm_setopt(gdbm->file, GDBM_SETCACHESIZE, &cache, sizeof(cache));
	*out = gdbm;
	return 0;
}

int
table_gdbm_fetch(
    struct table_gdbm *gdbm, uint32_t number, unsigned char **data, size_t *len, struct err *err)
{
	char key[KEY_LEN];
	datum content;

	gdbm_clear_error(gdbm->file);
	content = gdbm_fetch(gdbm->file, key_for(number, key));
	if (content.dptr == NULL)
		return fail(gdbm, "read", err);
	*data = (unsigned char *)content.dptr;
	*len = (size_t)content.dsize;
	return 0;
}

int
table_gdbm_store(
    struct table_gdbm *gdbm, uint32_t number, const void *data, size_t len, struct err *err)
{
	char key[KEY_LEN];
	datum content;

	if (len > INT_MAX)
		return err_set(err, EFBIG, "write %s", gdbm->name);
	memcpy(&content.dptr, &data, sizeof(data)); /* GDBM does not write to it, but says char * */
	content.dsize = (int)len;
	switch (gdbm_store(gdbm->file, key_for(number, key), content, GDBM_INSERT)) {
	case 0:
		return 0;
	case 1:
		return err_set(err, EEXIST, "write %s: record %u", gdbm->name, number);
	default:
		return fail(gdbm, "write", err);
	}
}

int
table_gdbm_fd(const struct table_gdbm *gdbm)
{
	return gdbm_fdesc(gdbm->file);
}

/* What gdbm_close writes last it may fail to write without a word (1.23 returns 0 when flushing a
 * bucket met a full disk), and gdbm_sync, too, keeps some failures to itself. */
int
table_gdbm_flush(struct table_gdbm *gdbm, struct err *err)
{
	gdbm_clear_error(gdbm->file);
	if (gdbm_sync(gdbm->file) != 0)
		return fail(gdbm, "flush", err);
	if (gdbm_needs_recovery(gdbm->file))
		return err_set(err, EIO, "flush %s", gdbm->name);
	return 0;
}

int
table_gdbm_close(struct table_gdbm *gdbm, struct err *err)
{
	int failed = 0, saved = errno;

	if (gdbm == NULL)
		return 0;
	errno = 0;
	if (gdbm_close(gdbm->file) == -1)
		failed = err_set(err, errno, "close %s: %s", gdbm->name, gdbm_strerror(gdbm_errno));
	else
		errno = saved;
	free(gdbm->name);
	free(gdbm);
	return failed;
}
