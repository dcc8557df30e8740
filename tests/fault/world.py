# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the fault tests share: a small world (settings, map, one account, one mailbox) in a directory
# of its own, the delivery under test, and the judgement of what is in the mailbox afterwards.

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", os.path.join(HERE, "..", "..", "build"))
FULL = os.environ.get("FULL", "") not in ("", "0")
IS_ROOT = os.geteuid() == 0
UID, GID = (4242, 4243) if IS_ROOT else (os.getuid(), os.getgid())
MAIL_GROUP = 8
HANGS = 126

MESSAGE = (
    b"From: amy@two.example\nMessage-Id: <1@two.example>\nSubject: one\n\n"
    b"From the first line on\n>From the second\n" + b"x" * 900 + b"\nlast\n"
)
HEAD = b"Return-Path: <amy@two.example>\nDelivered-To: joe@one.example\n"
MAILDIR_COPY = HEAD + MESSAGE
MBOX_COPY = HEAD + MESSAGE.replace(b"\n>From ", b"\n>>From ").replace(b"\nFrom the", b"\n>From the") + b"\n"
FROM_LINE = re.compile(rb"From amy@two\.example \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n")
WARNING_END = b"\nThis message comes at most once a day.\n"
OLD = b"From old@d Thu Jan  1 00:00:00 1970\nSubject: old\n\nhere before\n\n"


def enter_private_mounts():
    """As root: start again where mounts are seen by this process alone, and go with it."""
    if IS_ROOT and "VIRTMDA_PRIVATE_MOUNTS" not in os.environ:
        os.environ["VIRTMDA_PRIVATE_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def memory_directory():
    """fsync(2) on a disk that others use, too, would be most of the time."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None


class Tap:
    """One line a test; a failure tells its first details."""

    def __init__(self):
        self.count = self.failed = 0
        # Lines must be out before a child can fork with them in its buffer.
        sys.stdout.reconfigure(line_buffering=True)

    def result(self, name, failures):
        self.count += 1
        print("%s %d - %s" % ("not ok" if failures else "ok", self.count, name))
        for text in failures[:12]:
            print("#   " + text.replace("\n", "\n#   "))
        if len(failures) > 12:
            print("#   and %d more" % (len(failures) - 12))
        self.failed += bool(failures)

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why))

    def end(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0


def run_or_hang(*arguments, **options):
    """subprocess.run; what does not end in time has a status that no judgement allows."""
    try:
        return subprocess.run(*arguments, **options)
    except subprocess.TimeoutExpired as hung:
        return subprocess.CompletedProcess(hung.cmd, HANGS, b"hangs")


def compile_tool(directory, source):
    out = os.path.join(directory, source.removesuffix(".c"))
    cc = os.environ.get("CC", "cc").split()
    subprocess.run(
        cc + ["-O1", "-std=c11", "-D_GNU_SOURCE", "-o", out, os.path.join(HERE, source)], check=True
    )
    return out


class World:
    """joe@one.example, whose mail goes to an mbox or a Maildir. settings: more of them; maildirsize:
    what stands in that file before; recipient: another address of joe's."""

    def __init__(
        self, format, *, existing=True, run_as_account=False, accounts="passwd-file", settings="",
        maildirsize=None, recipient="joe@one.example"
    ):  # fmt: skip
        self.format = format
        self.maildirsize = maildirsize
        self.recipient = recipient
        self.maildir_copy = MAILDIR_COPY.replace(b"joe@one.example", recipient.encode(), 1)
        self.existing = existing
        self.root = tempfile.mkdtemp(prefix="virtmda-fault.", dir=memory_directory())
        os.chmod(self.root, 0o755)
        self.preexec = None
        if run_as_account and IS_ROOT:
            self.preexec = self.become
        self.as_account = run_as_account or not IS_ROOT
        self.mail = self.path("mail")
        self.home = self.path("home")
        self.spool = self.path("spool")
        for directory in (self.mail, self.home, self.spool, self.path("etc")):
            os.mkdir(directory, 0o755)
        os.chmod(self.spool, 0o1777)
        if IS_ROOT:
            os.chown(self.home, UID, GID)
            if self.as_account:
                os.chown(self.mail, UID, GID)
            else:
                os.chown(self.mail, 0, MAIL_GROUP)
                os.chmod(self.mail, 0o2775)
        self.mbox = os.path.join(self.mail, "joe")
        self.maildir = os.path.join(self.home, "Maildir")
        self.conf = self.path("etc/virtmda.conf")
        spec = "passwd" if accounts == "passwd" else "passwd-file:" + self.path("etc/accounts")
        self.write("etc/accounts", "joe:x:%d:%d::%s:/bin/sh:\n" % (UID, GID, self.home))
        self.write("etc/virtmaps", "joe@one.example joe\njoe+*@one.example joe%3\n@one.example error:nouser nobody here\n")
        self.write(
            "etc/virtmda.conf",
            "map = %s\ndomains = %s\naccounts = %s\naliases = none\nmailbox = %s\n"
            "spool_directory = %s\nlog = %s\nlock_timeout = 2\n%s"
            % (
                self.path("etc/virtmaps"),
                self.path("etc/domains"),
                spec,
                "mbox:" + self.mail + "/%u" if format == "mbox" else "maildir:~/Maildir",
                self.spool,
                self.path("log"),
                settings,
            ),
        )
        self.write("message", MESSAGE)
        self.passwd = accounts == "passwd"
        if self.passwd:
            self.replace_passwd()
        subprocess.run(
            [os.path.join(BUILD, "virtmap"), "-C", self.conf, "build"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.reset()

    @staticmethod
    def become():
        os.setgroups([])
        os.setgid(GID)
        os.setuid(UID)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())

    def replace_passwd(self):
        """joe becomes an account of this system, for those who see our mounts."""
        with open("/etc/passwd") as host:
            self.write("etc/passwd", host.read() + "joe:x:%d:%d::%s:/bin/sh\n" % (UID, GID, self.home))
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\n")
        mount("--bind", self.path("etc/passwd"), "/etc/passwd")
        mount("--bind", self.path("etc/nsswitch.conf"), "/etc/nsswitch.conf")

    def remove(self):
        if self.passwd:
            subprocess.run(["umount", "/etc/passwd", "/etc/nsswitch.conf"], check=True)
        shutil.rmtree(self.root)

    # ---- the mailbox before ------------------------------------------------------------------

    def reset(self):
        """As it was before any delivery."""
        for directory in (self.mail, self.spool):
            for name in os.listdir(directory):
                os.unlink(os.path.join(directory, name))
        if os.path.isdir(self.maildir):
            shutil.rmtree(self.maildir)
        if not self.existing:
            return
        if self.format == "mbox":
            with open(self.mbox, "wb") as out:
                out.write(OLD)
            os.chmod(self.mbox, 0o600)
            # Read "just now", whatever the clock does meanwhile: virtmda then always makes the call
            # that keeps new mail looking new, and every run makes the same calls.
            os.utime(self.mbox, (time.time() + 86400, time.time()))
            if IS_ROOT:
                os.chown(self.mbox, UID, GID)
            return
        for name in ("", "tmp", "new", "cur"):
            directory = os.path.join(self.maildir, name)
            os.mkdir(directory, 0o700)
            if IS_ROOT:
                os.chown(directory, UID, GID)
        with open(os.path.join(self.maildir, "cur", "1.old:2,S"), "wb") as out:
            out.write(b"here before\n")
        if self.maildirsize is not None:
            path = os.path.join(self.maildir, "maildirsize")
            with open(path, "w") as out:
                out.write(self.maildirsize)
            if IS_ROOT:
                os.chown(path, UID, GID)

    # ---- the delivery ------------------------------------------------------------------------

    def command(self, *recipients, options=()):
        return [
            os.path.join(BUILD, "virtmda"),
            "-C",
            self.conf,
            *options,
            "-f",
            "amy@two.example",
            "-d",
            *(recipients or (self.recipient,)),
        ]

    def deliver(self, *, wrapper=(), command=None, message=None, preexec=None, timeout=20):
        """One run with the message on standard input; its status as a shell would give it."""
        with open(message or self.path("message"), "rb") as stdin:
            done = run_or_hang(
                [*wrapper, *(command or self.command())],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                preexec_fn=preexec or self.preexec,
                timeout=timeout,
            )
        self.said = done.stdout.decode(errors="replace").strip()
        return done.returncode if done.returncode >= 0 else 128 - done.returncode

    # ---- the mailbox afterwards --------------------------------------------------------------

    def copies(self):
        """How many whole copies are there; a string says what else is there."""
        return self.copies_mbox() if self.format == "mbox" else self.copies_maildir()

    def copies_mbox(self):
        try:
            with open(self.mbox, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return 0 if not self.existing else "the mailbox is gone"
        if self.existing:
            if not data.startswith(OLD):
                return "what was there before is changed"
            data = data[len(OLD) :]
        count = 0
        while data:
            head = FROM_LINE.match(data)
            if not head or not data.startswith(MBOX_COPY, head.end()):
                return "%d copies, then %r" % (count, data[:60] + b"..." + data[-20:])
            data = data[head.end() + len(MBOX_COPY) :]
            count += 1
        return count

    def copies_maildir(self):
        if not os.path.isdir(self.maildir):
            return 0 if not self.existing else "the mailbox is gone"
        if self.existing:
            if os.listdir(os.path.join(self.maildir, "cur")) != ["1.old:2,S"]:
                return "what was there before is changed"
        count = 0
        for folder in [""] + [name for name in os.listdir(self.maildir) if name[0] == "."]:
            new = os.path.join(self.maildir, folder, "new")
            for name in os.listdir(new) if os.path.isdir(new) else []:
                with open(os.path.join(new, name), "rb") as file:
                    data = file.read()
                if ",S=%d" % len(data) not in name:
                    return "a wrong size in " + name
                if b"\nAuto-Submitted: auto-generated\n" in data and data.endswith(WARNING_END):
                    continue
                if data != self.maildir_copy:
                    return "a torn message of %d bytes" % len(data)
                count += 1
        return count

    def left_behind(self):
        """Locks, temporary and spooled files that are still there."""
        left = [name for name in os.listdir(self.mail) if name != "joe" and ".torn." not in name]
        left += os.listdir(self.spool)
        for folder in [""] + os.listdir(self.maildir) if os.path.isdir(self.maildir) else []:
            tmp = os.path.join(self.maildir, folder, "tmp")
            if os.path.isdir(tmp):
                left += os.listdir(tmp)
        return left


def sweep_all(sweeps, world_kind=World):
    """One test for each (title, kind of sweep, what its world is like, does it need root); the exit
    status. A kind of sweep may have a world of its own."""
    enter_private_mounts()
    tap = Tap()
    for title, kind, parameters, needs_root in sweeps:
        if needs_root and not IS_ROOT:
            tap.skip(title, "needs root")
            continue
        world = getattr(kind, "world_kind", world_kind)(**parameters)
        try:
            sweep = kind(compile_tool(world.root, "inject.c"), world)
            sweep.run()
            tap.result("%s: %d faults" % (title, sweep.faults), sweep.failures)
            for status in sorted(set(sweep.loader)):
                print("# before main: status %d %d times" % (status, sweep.loader.count(status)))
        finally:
            world.remove()
    return tap.end()
