/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Giving up rights for good, and proving it. (account_become does the same for a named account.)
 */
#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libc has no wrapper. The same as to try setuid(0), setgroups(2) and so on one after the other,
 * and more: what is permitted, but not in effect now, can be taken into effect again. */
int
rights_prove_gone(struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3];

	memset(left, 0xff, sizeof(left)); /* nothing is gone until the kernel has said so */
	if (syscall(SYS_capget, &header, left) == -1)
		return err_set(err, errno, "capget");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if ((left[i].permitted | left[i].effective) != 0)
			return err_set(err, EPERM, "give up rights: root's could be had back");
	return 0;
}

static int
prove(struct err *err)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) == -1 || getresgid(&rgid, &egid, &sgid) == -1)
		return err_set(err, errno, "getresuid");
	if (ruid != RIGHTS_UID || euid != RIGHTS_UID || suid != RIGHTS_UID || rgid != RIGHTS_GID ||
	    egid != RIGHTS_GID || sgid != RIGHTS_GID || getgroups(0, NULL) != 0)
		return err_set(err, EPERM, "give up rights: some are left");
	return rights_prove_gone(err);
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
