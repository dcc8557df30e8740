#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every system call of one delivery fails once, with errnos that it can fail with, falls short
# once where it can, and is the process's last once. Then the mailbox is judged: status 0 means
# exactly one whole copy, status 75 the mailbox as it was, no other status is allowed; and the
# same message delivered again, as sendmail would, leaves exactly one copy (two where a process was
# killed after the first was durable), never a torn or a glued one.
#
# FULL=1 takes every errno of the table instead of one or two a call, and the parent's calls before
# main, too.

import errno
import os
import sys

sys.dont_write_bytecode = True

from world import FULL, sweep_all  # noqa: E402

DISK = ["EIO", "ENOSPC", "EDQUOT"]
FILES = ["ENOENT", "EACCES", "EIO", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "ELOOP", "EROFS", "ESTALE", "EINTR"]
ERRORS = {
    "read": ["EIO", "EINTR", "EISDIR", "ESTALE"],
    "pread64": ["EIO", "EINTR", "ESTALE"],
    "write": ["ENOSPC", "EIO", "EDQUOT", "EFBIG", "EINTR", "EPIPE"],
    "writev": ["ENOSPC", "EIO", "EDQUOT", "EFBIG", "EINTR"],
    "pwrite64": ["ENOSPC", "EIO", "EDQUOT", "EFBIG", "EINTR"],
    "fsync": DISK + ["EINTR", "EINVAL"],
    "fdatasync": DISK + ["EINTR", "EINVAL"],
    "ftruncate": ["EIO", "EINTR"],
    "close": ["EIO", "EINTR", "ENOSPC", "EDQUOT"],
    "openat": FILES,
    "mkdirat": ["ENOSPC", "EACCES", "EIO", "EDQUOT", "EROFS"],
    "linkat": ["EIO", "ENOSPC", "EACCES", "EDQUOT", "EMLINK", "EPERM", "ENOENT"],
    "renameat": ["EIO", "ENOSPC", "EACCES", "EDQUOT", "EROFS"],
    "memfd_create": ["EMFILE", "ENOMEM"],
    "renameat2": ["EIO", "ENOSPC", "EACCES", "EDQUOT", "EINVAL", "ENOSYS"],
    "unlink": ["EIO", "EACCES"],
    "prctl": ["EINVAL"],
    "unlinkat": ["EIO", "EACCES", "EROFS", "EBUSY"],
    "newfstatat": ["EIO", "ENOMEM", "EACCES", "ESTALE", "ELOOP"],
    "fstat": ["EIO", "ENOMEM", "ESTALE"],
    "statx": ["EIO", "ENOMEM", "EACCES"],
    "readlinkat": ["EIO", "EACCES", "ENOMEM"],
    "readlink": ["EIO", "EACCES", "ENOENT", "ENOMEM"],
    "dup2": ["EBUSY", "EMFILE"],
    "dup3": ["EBUSY", "EMFILE"],
    "lseek": ["EIO", "ESPIPE"],
    "fcntl": ["ENOLCK", "EAGAIN", "EINTR", "EDEADLK", "EIO"],
    "utimensat": ["EIO", "EACCES", "EROFS"],
    "fchown": ["EPERM", "EIO", "EDQUOT", "EROFS"],
    "fchmod": ["EPERM", "EIO", "EROFS"],
    "getdents64": ["EIO", "ENOMEM"],
    "setgroups": ["EPERM", "ENOMEM"],
    "setresgid": ["EPERM", "EAGAIN"],
    "setresuid": ["EAGAIN", "EPERM"],
    "getgroups": ["EINVAL"],
    "capget": ["EFAULT"],
    "getresuid": ["EFAULT"],
    "getresgid": ["EFAULT"],
    "clone": ["EAGAIN", "ENOMEM"],
    "clone3": ["EAGAIN", "ENOMEM"],
    "vfork": ["EAGAIN", "ENOMEM"],
    "socketpair": ["EMFILE", "ENFILE", "ENOMEM"],
    "socket": ["EMFILE", "EACCES", "ENOMEM"],
    "connect": ["ECONNREFUSED", "EACCES", "EAGAIN", "EINTR"],
    "sendto": ["ENOBUFS", "EAGAIN", "EPIPE", "EINTR"],
    "sendmsg": ["ENOBUFS", "ENOMEM", "EPIPE", "EINTR"],
    "recvfrom": ["ENOMEM", "EINTR", "ECONNRESET"],
    "shutdown": ["ENOTCONN"],
    "recvmsg": ["ENOMEM", "EINTR", "ECONNRESET"],
    "wait4": ["ECHILD", "EINTR"],
    "waitid": ["ECHILD", "EINTR"],
    "mmap": ["ENOMEM"],
    "mremap": ["ENOMEM"],
    "munmap": ["ENOMEM"],
    "mprotect": ["ENOMEM"],
    "getrandom": ["EINTR", "ENOSYS"],
    "close_range": ["ENOSYS", "EPERM"],
    "pipe2": ["EMFILE", "ENFILE"],
    "execve": ["EACCES", "ENOENT", "ENOMEM"],
    "ppoll": ["EINTR", "ENOMEM"],
    "poll": ["EINTR", "ENOMEM"],
    "uname": ["EFAULT"],
    "readv": ["EIO"],
    "rt_sigaction": ["EINVAL"],
    "futex": ["EINTR", "EAGAIN"],
}
# Calls that cannot fail, or whose failure nobody looks at because nothing depends on it. (brk
# says no by answering with the old break, which inject cannot make up.)
CANNOT_FAIL = {
    "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "umask", "exit_group",
    "exit", "set_tid_address", "set_robust_list", "rseq", "arch_prctl", "prlimit64", "kill",
    "rt_sigprocmask", "madvise", "brk", "clock_nanosleep", "access", "rt_sigreturn", "clock_gettime",
}  # fmt: skip
MAY_FALL_SHORT = {"read", "write", "pread64", "readv", "writev", "pwrite64"}
# Giving up rights: a call that claims success and does nothing must be noticed.
MUST_HAPPEN = {"setgroups", "setresgid", "setresuid", "capget"}
# fsync(2) with these: what was written may never reach the disk.
NOT_DURABLE = ("EIO", "ENOSPC", "EDQUOT")
KILLED = 128 + 9


class Sweep:
    def __init__(self, inject, world):
        self.inject = inject
        self.world = world
        self.faults = 0
        self.loader = []  # statuses of faults before main
        self.failures = []

    def trace(self):
        """The calls of an undisturbed delivery: (process, number, name, is it before main)."""
        path = self.world.path("spool/trace")
        status = self.world.deliver(wrapper=[self.inject, "-t", path])
        if status != 0 or self.world.copies() != 1:
            raise SystemExit(
                "an undisturbed delivery: status %d, %s, %s"
                % (status, self.world.copies(), self.world.said)
            )
        with open(path) as file:
            rows = [line.split() for line in file]
        calls, in_main = [], False
        for process, number, name in rows:
            # The first thing main does is to ask who started it.
            in_main = in_main or name == "getppid"
            calls.append((int(process), int(number), name, not in_main))
        return calls

    def actions(self, name):
        if name not in CANNOT_FAIL:
            if name not in ERRORS:
                self.failures.append("%s: which errnos? (tests/fault/delivery.t)" % name)
            errors = ERRORS.get(name, ["EIO"])
            yield from (str(getattr(errno, e)) for e in (errors if FULL else errors[:2]))
        if name in MAY_FALL_SHORT:
            yield "short"
        if name in MUST_HAPPEN:
            yield "ok"
        yield "kill"

    def is_for_message(self, fault):
        return fault.startswith("fsync")

    def complain(self, fault, why):
        self.failures.append("%s: %s (%s)" % (fault, why, self.world.said))

    def judge(self, fault, action, status):
        copies, left = self.world.copies(), self.world.left_behind()
        if status not in (0, 75) and not (status == KILLED and action == "kill"):
            return self.complain(fault, "status %d" % status)
        if status == 0 and copies != 1:
            return self.complain(fault, "status 0, but %s copies" % copies)
        if status == 75 and copies != 0 and action != "kill":
            return self.complain(fault, "status 75, but %s copies" % copies)
        if self.is_for_message(fault) and fault.endswith(NOT_DURABLE) and status == 0:
            return self.complain(fault, "not durable, but status 0")
        if action == "short" and status != 0 and not fault.startswith("pread64"):
            return self.complain(fault, "falling short is no error, but status %d" % status)
        if action == "ok" and status == 0:
            return self.complain(fault, "did nothing, and was not noticed")
        self.again(fault, action, status, left)

    def again(self, fault, action, status, left):
        """sendmail tries again unless it was told 0; and whatever was left behind (the lock that
        could not be removed) must not be in the way of the next message."""
        if status == 0 and not left:
            return
        most = 2 if action == "kill" or status == 0 else 1
        least = 2 if status == 0 else 1
        status = self.world.deliver()
        copies = self.world.copies()
        if status != 0 or copies not in range(least, most + 1):
            self.complain(fault, "then again: status %d, %s copies" % (status, copies))
        elif self.world.format == "mbox" and self.world.left_behind():
            self.complain(fault, "then again: left behind %s" % self.world.left_behind())

    def one(self, process, number, name, before_main, action):
        self.world.reset()
        self.faults += 1
        rule = "%d:%d:%s" % (process, number, action)
        status = self.world.deliver(wrapper=[self.inject, rule])
        if before_main and action != "kill":
            self.loader.append(status)
            status = 75 if status != 0 else 0
        what = errno.errorcode[int(action)] if action.isdigit() else action
        self.judge("%s (%s) %s" % (name, rule, what), action, status)

    def usual_calls(self):
        """What two undisturbed deliveries one after the other agree on. Where a helper runs beside,
        its calls and its parent's may come in any order, and the last trace must do."""
        calls = []
        for _ in range(5):
            self.world.reset()
            last, calls = calls, self.trace()
            if sorted(calls) == sorted(last):
                break
        return calls

    def run(self):
        for process, number, name, before_main in self.usual_calls():
            if before_main and not FULL:
                continue
            for action in self.actions(name):
                self.twice(process, number, name, before_main, action)

    def twice(self, *fault):
        """A delivery in which the clock's second turns may make one call more or less, so that the
        fault hits another call than was meant: what is wrong must be wrong again."""
        for _ in range(2):
            before = len(self.failures)
            self.one(*fault)
            if len(self.failures) == before:
                return
            found = self.failures[before:]
            del self.failures[before:]
        self.failures += found


class RefusalSweep(Sweep):
    """Somebody who is not there. A fault may hide that (75), and a fault elsewhere may not matter
    (67); for somebody who is there the other sweep allows no 67 at all."""

    def trace(self):
        self.command = self.world.command("nobody9")
        path = self.world.path("spool/trace")
        status = self.world.deliver(wrapper=[self.inject, "-t", path], command=self.command)
        if status != 67:
            raise SystemExit("nobody9: status %d, %s" % (status, self.world.said))
        with open(path) as file:
            rows = [line.split() for line in file]
        names = [name for _, _, name in rows]
        return [
            (int(process), int(number), name, at < names.index("getppid"))
            for at, (process, number, name) in enumerate(rows)
        ]

    def one(self, process, number, name, before_main, action):
        if action in ("kill", "short") or before_main:
            return
        self.faults += 1
        rule = "%d:%d:%s" % (process, number, action)
        status = self.world.deliver(wrapper=[self.inject, rule], command=self.command)
        if status not in (67, 75):
            self.complain("%s (%s)" % (name, rule), "status %d" % status)


class WarningSweep(Sweep):
    """A warning is written when the message is durable, and nothing depends on it."""

    def trace(self):
        calls = super().trace()
        self.begins = next(number for _, number, name, _ in calls if name == "memfd_create")
        return calls

    def is_for_message(self, fault):
        return fault.startswith("fsync") and int(fault.split(":")[1]) < self.begins


class FullSweep(Sweep):
    """A mailbox that is full, and over_quota = reject. A fault may hide that (75), or make the count
    smaller than it is, and then the message is there (0); never anything else."""

    def trace(self):
        path = self.world.path("spool/trace")
        status = self.world.deliver(wrapper=[self.inject, "-t", path])
        if status != 69 or self.world.copies() != 0:
            raise SystemExit("full: status %d, %s copies" % (status, self.world.copies()))
        with open(path) as file:
            rows = [line.split() for line in file]
        names = [name for _, _, name in rows]
        return [
            (int(process), int(number), name, at < names.index("getppid"))
            for at, (process, number, name) in enumerate(rows)
        ]

    def one(self, process, number, name, before_main, action):
        if before_main:
            return
        self.world.reset()
        self.faults += 1
        rule = "%d:%d:%s" % (process, number, action)
        status, copies = self.world.deliver(wrapper=[self.inject, rule]), self.world.copies()
        if (status, copies) not in [(0, 1), (69, 0), (75, 0)] and not (action == "kill" and copies in (0, 1)):
            self.complain("%s (%s)" % (name, rule), "status %d, %s copies" % (status, copies))


# A quota that a count shows to be kept, and a maildirsize that has it exceeded.
QUOTA = "quota = bytes=5000 messages=3\nover_quota = reject\nquota_warning = 0\n"
DRIFTED = "5000S,3C\n9000 9\n1 1\n"
SWEEPS = [
    ("mbox in root's mail directory", Sweep, {"format": "mbox"}, True),
    ("the first mail of an mbox there", Sweep, {"format": "mbox", "existing": False}, True),
    ("Maildir, as root", Sweep, {"format": "maildir"}, True),
    ("the first mail of a Maildir, as root", Sweep, {"format": "maildir", "existing": False}, True),
    ("a quota that is counted anew", Sweep, {"format": "maildir", "settings": QUOTA, "maildirsize": DRIFTED}, True),
    ("a quota, and a warning", WarningSweep,
        {"format": "maildir", "settings": "quota = messages=9\nover_quota = reject\nquota_warning = 1\n"}, True),
    ("a mailbox that is full", FullSweep, {"format": "maildir", "settings": "quota = messages=1\nover_quota = reject\n"}, True),
    ("an mbox that is full", FullSweep, {"format": "mbox", "settings": "quota = bytes=500\nover_quota = reject\n"}, True),
    ("the first mail of a folder", Sweep,
        {"format": "maildir", "settings": "detail_folders = create\n", "recipient": "joe+lists@one.example"}, True),
    ("an account of passwd", Sweep, {"format": "maildir", "accounts": "passwd"}, True),
    ("mbox, as the account", Sweep, {"format": "mbox", "run_as_account": True}, False),
    ("Maildir, as the account", Sweep, {"format": "maildir", "run_as_account": True}, False),
    ("nobody in a passwd-file", RefusalSweep, {"format": "mbox"}, False),
    ("nobody in passwd", RefusalSweep, {"format": "mbox", "accounts": "passwd"}, True),
]


if __name__ == "__main__":
    sys.exit(sweep_all(SWEEPS))
