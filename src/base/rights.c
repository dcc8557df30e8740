/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Giving up rights for good, and proving it. (account_become does the same for a named account.)
 */
#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int
prove(struct err *err)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;
	const gid_t root_group = 0;

	if (getresuid(&ruid, &euid, &suid) == -1 || getresgid(&rgid, &egid, &sgid) == -1)
		return err_set(err, errno, "getresuid");
	if (ruid != RIGHTS_UID || euid != RIGHTS_UID || suid != RIGHTS_UID || rgid != RIGHTS_GID ||
	    egid != RIGHTS_GID || sgid != RIGHTS_GID || getgroups(0, NULL) != 0)
		return err_set(err, EPERM, "give up rights: some are left");
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setegid(0) == 0 ||
	    setgroups(1, &root_group) == 0)
		return err_set(err, EPERM, "give up rights: root's could be had back");
	return 0;
}

static int
become_nobody(struct err *err)
{
	if (setgroups(0, NULL) == -1)
		return err_set(err, errno, "setgroups");
	if (setresgid(RIGHTS_GID, RIGHTS_GID, RIGHTS_GID) == -1)
		return err_set(err, errno, "setresgid %d", RIGHTS_GID);
	if (setresuid(RIGHTS_UID, RIGHTS_UID, RIGHTS_UID) == -1)
		return err_set(err, errno, "setresuid %d", RIGHTS_UID);
	return prove(err);
}

int
rights_end_with(pid_t parent, struct err *err)
{
	/* Forgotten by the kernel when ids change, so it comes behind that. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return err_set(err, errno, "prctl PR_SET_PDEATHSIG");
	if (getppid() != parent)
		return err_set(err, ESRCH, "the parent process is gone");
	return 0;
}

int
rights_drop(pid_t parent, struct err *err)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && become_nobody(err) == -1)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_set(err, errno, "prctl PR_SET_NO_NEW_PRIVS");
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return err_set(err, errno, "prctl PR_SET_DUMPABLE");
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return err_set(err, errno, "setrlimit RLIMIT_CORE");
	return rights_end_with(parent, err);
}
