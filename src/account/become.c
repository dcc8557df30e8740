/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Becoming the account for good. The mailers that failed here kept the group (maildrop,
 * CVE-2010-0301), or went on when a call had failed (procmail); so every call is looked at, and
 * afterwards it is proven that no right is left, and none can be had back. setgroups with the one
 * group, not initgroups: that reads the whole group database, as root.
 */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "account.h"
#include "rights.h"

static int
refuse(struct err *err, const struct account *account, const char *why, unsigned long number)
{
	err_set(err, 0, "become %s: %s (%lu)", account->name, why, number);
	errno = err->num = EPERM;
	return -1;
}

static int
is_mine(const struct account *account, struct err *err)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) == -1)
		return err_set(err, errno, "getresuid");
	if (real != account->uid || effective != account->uid || saved != account->uid)
		return refuse(err, account, "only root can become another uid", account->uid);
	return 0;
}

static int
give_up(const struct account *account, struct err *err)
{
	const gid_t gid = account->gid;
	const uid_t uid = account->uid;

	if (setgroups(1, &gid) == -1)
		return err_set(err, errno, "setgroups %lu", (unsigned long)gid);
	if (setresgid(gid, gid, gid) == -1)
		return err_set(err, errno, "setresgid %lu", (unsigned long)gid);
	if (setresuid(uid, uid, uid) == -1)
		return err_set(err, errno, "setresuid %lu", (unsigned long)uid);
	return 0;
}

static int
prove_ids(const struct account *account, struct err *err)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid, group;

	if (getresuid(&ruid, &euid, &suid) == -1 || getresgid(&rgid, &egid, &sgid) == -1)
		return err_set(err, errno, "getresuid");
	if (ruid != account->uid || euid != account->uid || suid != account->uid)
		return refuse(err, account, "another uid is left", euid);
	if (rgid != account->gid || egid != account->gid || sgid != account->gid)
		return refuse(err, account, "another gid is left", egid);
	if (getgroups(1, &group) != 1 || group != account->gid)
		return refuse(err, account, "another group list is left than", account->gid);
	return 0;
}

int
account_become(const struct account *account, unsigned min_uid, struct err *err)
{
	if (account->uid == 0 || account->uid == (uid_t)-1)
		return refuse(err, account, "no mail is delivered as this uid", account->uid);
	if (account->uid < min_uid)
		return refuse(err, account, "uid below min_uid", account->uid);
	if (geteuid() != 0)
		return is_mine(account, err);
	if (account->gid == 0 || account->gid == (gid_t)-1)
		return refuse(err, account, "no mail is delivered as this gid", account->gid);
	if (give_up(account, err) == -1)
		return err_prefix(err, "become %s", account->name);
	if (prove_ids(account, err) == -1)
		return -1;
	return rights_prove_gone(err) == -1 ? err_prefix(err, "become %s", account->name) : 0;
}
