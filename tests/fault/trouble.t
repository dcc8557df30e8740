#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Troubles that last longer than one system call: a full disk at every edge, a file-size limit at
# many bytes, a standard input that is none, a sendmail that is killed, signals, and settings, map
# and accounts that are missing, damaged, or somebody else's. The rule is the sweep's: status 0 is
# exactly one whole copy, 75 is the mailbox as it was, and the next delivery finds nothing in its
# way. Only what is proven may end in another status.

import os
import resource
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from world import BUILD, FULL, GID, IS_ROOT, MESSAGE, UID, Tap, World, enter_private_mounts, mount  # noqa: E402

FORMATS = ("mbox", "maildir")


class Case:
    """A world for each format, and the judgement that all troubles share."""

    def __init__(self, world):
        self.world = world
        self.failures = []

    def check(self, what, status, *, statuses=(0, 75), again=True):
        copies = self.world.copies()
        if status not in statuses:
            return self.complain(what, "status %d" % status)
        if copies != (1 if status == 0 else 0):
            return self.complain(what, "status %d, but %s copies" % (status, copies))
        if status != 0 and not self.world.said:
            return self.complain(what, "no reason is given")
        if status == 75 and again and self.world.deliver() != 0:
            self.complain(what, "then again, without trouble")
        return None

    def complain(self, what, why):
        self.failures.append("%s: %s (%s)" % (what, why, self.world.said))


def in_world(trouble, format, **parameters):
    world = World(format, **parameters)
    try:
        case = Case(world)
        trouble(case, world)
        return case.failures
    finally:
        world.remove()


# ---- room ----------------------------------------------------------------------------------------


def file_size_limit(case, world):
    """RLIMIT_FSIZE at the mailbox's bytes: SIGXFSZ must not kill, the torn end must not stay."""
    whole = len(MESSAGE) + 600
    step = 1 if FULL else 41
    for limit in range(0, whole, step):

        def preexec(limit=limit):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            if world.preexec:
                world.preexec()

        world.reset()
        case.check("%d bytes" % limit, world.deliver(preexec=preexec))


def full_disk(case, world):
    """Every number of free pages, from none to enough."""
    message = world.path("large")
    # As large as makes a difference of a few pages; the copy is compared by its size alone.
    with open(message, "wb") as out:
        out.write(b"Subject: large\n\n" + b"0123456789abcdef\n" * 1500)
    target = world.mail if world.format == "mbox" else world.home
    st = os.stat(target)
    mount("-t", "tmpfs", "-o", "size=128k,mode=%o,uid=%d,gid=%d" % (st.st_mode & 0o7777, st.st_uid, st.st_gid), "none", target)
    try:
        for pages in range(0, 14):
            world.reset()
            filler = os.path.join(target, ".filler")
            with open(filler, "wb") as out:
                fill(out, pages)
            before = snapshot(world)
            status = world.deliver(message=message)
            after = snapshot(world)
            if status == 75 and before != after:
                case.complain("%d pages" % pages, "status 75, but the mailbox is changed")
            elif status == 0 and grown(before, after) < os.path.getsize(message):
                case.complain("%d pages" % pages, "status 0, but too little is there")
            elif status not in (0, 75):
                case.complain("%d pages" % pages, "status %d" % status)
            os.unlink(filler)
            if status == 75 and world.deliver(message=message) != 0:
                case.complain("%d pages" % pages, "then again, with room")
    finally:
        subprocess.run(["umount", target], check=True)


def fill(out, pages):
    """Until nothing goes in, then `pages` pages back."""
    size = 0
    try:
        while True:
            size += os.write(out.fileno(), b"\0" * 4096)
    except OSError:
        os.ftruncate(out.fileno(), max(0, size - pages * 4096))


def snapshot(world):
    """Name and bytes of all that a reader sees."""
    if world.format == "mbox":
        paths = [world.mbox]
    else:
        paths = [
            os.path.join(directory, name)
            for part in ("new", "cur")
            for directory, _, names in os.walk(os.path.join(world.maildir, part))
            for name in names
        ]
    out = {}
    for path in paths:
        if os.path.exists(path):
            with open(path, "rb") as file:
                out[path] = file.read()
    return out


def grown(before, after):
    return sum(map(len, after.values())) - sum(map(len, before.values()))


def full_spool(case, world):
    """A message too large for memory, and no room to keep it meanwhile."""
    message = world.path("huge")
    with open(message, "wb") as out:
        out.write(b"Subject: huge\n\n" + b"x" * (3 << 20))
    mount("-t", "tmpfs", "-o", "size=1m,mode=1777", "none", world.spool)
    try:
        case.check("spool", world.deliver(message=message), statuses=(75,), again=False)
    finally:
        subprocess.run(["umount", world.spool], check=True)


# ---- standard input, signals, sendmail's end ---------------------------------------------------------


def no_input(case, world):
    """Not there, not readable, not a file: none of them is an empty message."""

    def status_of(**options):
        done = subprocess.run(
            world.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
        )
        world.said = done.stdout.decode(errors="replace")
        return done.returncode

    become = world.preexec or (lambda: None)
    cases = {
        "closed": {"preexec_fn": lambda: (become(), os.close(0))},
        "all closed": {"preexec_fn": lambda: (become(), os.closerange(0, 3))},
    }
    for what, options in cases.items():
        world.reset()
        status = status_of(**options)
        world.said = world.said or "(standard output is closed)"
        case.check(what, status, statuses=(75,))
    world.reset()
    directory = os.open(world.root, os.O_RDONLY)
    case.check("a directory", status_of(stdin=directory, preexec_fn=become), statuses=(75,))
    os.close(directory)
    world.reset()
    writable = os.open(world.path("message"), os.O_WRONLY) if IS_ROOT else os.open("/dev/null", os.O_WRONLY)
    case.check("not for reading", status_of(stdin=writable, preexec_fn=become), statuses=(75,))
    os.close(writable)


def wait_for(condition):
    """Without a time that a test could depend on: the condition comes, or the suite hangs and is
    ended from outside."""
    while not condition():
        time.sleep(0.005)


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(child) for child in file.read().split()]


def sleeps_in_read(pid):
    """The process has read what there was, and waits for more."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            state = file.read().rpartition(") ")[2][0]
        with open("/proc/%d/fdinfo/0" % pid):
            pass
        return state == "S"
    except OSError:
        return False


def signals_while_reading(case, world):
    """Nothing is begun yet, so it ends at once."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        world.reset()
        process = subprocess.Popen(
            world.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=world.preexec,
        )
        process.stdin.write(MESSAGE[:100])
        process.stdin.flush()
        if world.as_account:
            wait_for(lambda: sleeps_in_read(process.pid))
        else:
            wait_for(lambda: children_of(process.pid))
            worker = children_of(process.pid)[0]
            wait_for(lambda: sleeps_in_read(worker))
        process.send_signal(number)
        status = process.wait()
        process.stdin.close()
        world.said = process.stdout.read().decode() or "(ended by a signal)"
        process.stdout.close()
        case.check("signal %d" % number, status, statuses=(75,))


def sendmail_is_killed(case, world):
    """The pipe ends with half a message because its writer is dead: not to be delivered."""
    world.reset()
    reader, writer = os.pipe()
    told, tell = os.pipe()
    starter = os.fork()
    if starter == 0:
        process = subprocess.Popen(
            world.command(),
            stdin=reader,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=world.preexec,
        )
        os.close(reader)
        os.write(writer, MESSAGE[:500])
        os.write(tell, b"%d\n" % process.pid)
        signal.pause()
        os._exit(1)
    os.close(reader)
    os.close(writer)
    os.close(tell)
    with os.fdopen(told) as file:
        agent = int(file.readline())
    if world.as_account:
        wait_for(lambda: sleeps_in_read(agent))
    else:
        wait_for(lambda: children_of(agent))
    os.kill(starter, signal.SIGKILL)
    os.waitpid(starter, 0)
    wait_for(lambda: not is_running(agent))
    world.said = "-"
    case.check("killed", 75)


def is_running(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def several_recipients(case, world):
    """Standard input is read once for all of them; who shares a mailbox shares a copy; one who is not
    there changes the status, not what the others get."""
    other = UID + 1 if IS_ROOT and not world.as_account else UID
    amy = world.path("amy")
    os.mkdir(amy)
    if IS_ROOT:
        os.chown(amy, other, GID)
    with open(world.path("etc/accounts"), "a") as out:
        out.write("amy:x:%d:%d::%s:/bin/sh:userdb_mail=maildir:~/Maildir\n" % (other, GID, amy))
    world.write("etc/virtmaps", "joe@one.example joe\njoseph@one.example joe\namy@one.example amy\n")
    subprocess.run([os.path.join(BUILD, "virtmap"), "-C", world.conf, "build"], check=True, stdout=subprocess.DEVNULL)
    body = b"line\n" * 600000  # more than is kept in memory
    world.write("several", b"Subject: several\n\n" + body)
    for extra, wanted in (((), 0), (("ghost@one.example",), 67), (("no@where.example",), 75)):
        world.reset()
        clear(os.path.join(amy, "Maildir"))
        recipients = ("joe@one.example", "amy@one.example", "joseph@one.example", *extra)
        status = world.deliver(command=world.command(*recipients), message=world.path("several"))
        if status != wanted:
            case.complain(str(extra), "status %d" % status)
        got = snapshot(world)
        mine = b"".join(got.values())
        if mine.count(body) != 1 or mine.count(b"Delivered-To: joe@one.example\nDelivered-To: joseph@one.example\n") != 1:
            case.complain(str(extra), "not one copy for two recipients, but %d bytes" % len(mine))
        new = os.path.join(amy, "Maildir", "new")
        copies = os.listdir(new) if os.path.isdir(new) else []
        if len(copies) != 1 or os.path.getsize(os.path.join(new, copies[0])) < len(body):
            case.complain(str(extra), "amy has %s" % copies)
        if world.left_behind():
            case.complain(str(extra), "left behind: %s" % world.left_behind())
    # Whoever cannot be given it leaves all of them waiting, and nobody with half of it.
    world.reset()
    clear(os.path.join(amy, "Maildir"))
    directory = os.open(world.root, os.O_RDONLY)
    done = subprocess.run(
        world.command("joe@one.example", "amy@one.example"),
        stdin=directory,
        stdout=subprocess.PIPE,
        preexec_fn=world.preexec,
    )
    os.close(directory)
    world.said = done.stdout.decode()
    if done.returncode != 75 or world.copies() != 0 or os.path.exists(os.path.join(amy, "Maildir")):
        case.complain("no standard input", "status %d" % done.returncode)
    if not world.as_account:
        reader_is_orphaned(world)


def reader_is_orphaned(world):
    """Who reads for several ends with the one who wanted it, whatever is still to be read."""
    process = subprocess.Popen(
        world.command("joe@one.example", "amy@one.example"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    wait_for(lambda: children_of(process.pid))
    reader = children_of(process.pid)[0]
    wait_for(lambda: sleeps_in_read(reader))
    process.kill()
    process.wait()
    wait_for(lambda: not is_running(reader))
    process.stdin.close()


# ---- files that decide ------------------------------------------------------------------------------


def replaced(world, name, content):
    """What to do to a file, and how to undo it."""
    path = world.path(name)
    keep = path + ".keep"
    os.rename(path, keep)
    if content is None:
        pass
    elif content == "directory":
        os.mkdir(path)
    elif content == "fifo":
        os.mkfifo(path)
    elif content == "dangling":
        os.symlink("nowhere", path)
    else:
        with open(path, "wb") as out:
            out.write(content)

    def undo():
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
        os.rename(keep, path)

    return undo


def read(world, name):
    with open(world.path(name), "rb") as file:
        return file.read()


def damaged(case, world):
    """Settings, map and accounts, each in every bad state. None of them is a verdict on joe."""
    whole = {name: read(world, name) for name in ("etc/virtmda.conf", "etc/virtmaps.gdbm", "etc/accounts")}
    states = {
        "etc/virtmda.conf": [None, "directory", "fifo", "dangling", b"\0" * 50, b"nonsense\n", b"map = relative\n", whole["etc/virtmda.conf"] + b"unknown = 1\n", whole["etc/virtmda.conf"] + b"min_uid = many\n"],
        "etc/virtmaps.gdbm": [None, "directory", "fifo", "dangling", b"", b"\0" * 5000, b"GDBM" * 2000],
        "etc/accounts": [None, "directory", "fifo", "dangling", b"", b"joe\n", b"joe:x:many:1::/:\n", b"joe:x:0:0::/root:\n"],
    }
    map_bytes = whole["etc/virtmaps.gdbm"]
    for at in range(0, len(map_bytes), len(map_bytes) // (200 if FULL else 25) or 1):
        states["etc/virtmaps.gdbm"].append(map_bytes[:at])
    for name, contents in states.items():
        for content in contents:
            world.reset()
            undo = replaced(world, name, content)
            status = world.deliver()
            undo()
            # No accounts at all is one that can be proven: the file is there, and joe is not.
            permanent = (67,) if (name, content) == ("etc/accounts", b"") else ()
            # A map cut behind what joe needs gives the right answer still.
            if name == "etc/virtmaps.gdbm" and len(content or b"") > 4096:
                permanent = (0,)
            case.check("%s = %.40r" % (name, content), status, statuses=(75, *permanent))


def not_roots(case, world):
    """Root takes no orders from files that somebody else could have written."""
    for name in ("etc/virtmda.conf", "etc/virtmaps.gdbm", "etc/accounts", "etc", ""):
        path = world.path(name)
        mode = os.stat(path).st_mode & 0o7777
        for what, change, undo in (
            ("owner", lambda p: os.chown(p, UID, -1), lambda p: os.chown(p, 0, -1)),
            ("group may write", lambda p: os.chmod(p, mode | 0o020), lambda p: os.chmod(p, mode)),
            ("others may write", lambda p: os.chmod(p, mode | 0o002), lambda p: os.chmod(p, mode)),
        ):
            world.reset()
            change(path)
            status = world.deliver()
            undo(path)
            case.check("%s: %s" % (name or "the top", what), status, statuses=(75,))


def unreadable(case, world):
    """As the account: no right to read."""
    for name in ("etc/virtmda.conf", "etc/virtmaps.gdbm", "etc/accounts"):
        path = world.path(name)
        world.reset()
        os.chmod(path, 0)
        status = world.deliver()
        os.chmod(path, 0o644)
        case.check(name, status, statuses=(75,))


def passwd_in_trouble(case, world):
    """joe is there and /etc/passwd is not what it should be: never "no such user"."""
    passwd = read(world, "etc/passwd")
    for what, content in (
        ("empty", b""),
        ("torn in joe's line", passwd[: passwd.index(b"joe:") + 2]),
        ("torn in joe's numbers", passwd[: passwd.index(b"joe:") + 9]),
    ):
        world.reset()
        with open(world.path("etc/passwd"), "r+b") as file:
            file.truncate()
            file.write(content)
        status = world.deliver()
        with open(world.path("etc/passwd"), "r+b") as file:
            file.truncate()
            file.write(passwd)
        case.check(what, status, statuses=(75,))


# ---- the mailbox itself -------------------------------------------------------------------------------


def bad_mailboxes(case, world):
    """What is not the account's own regular file or directory is left alone."""
    path = world.mbox if world.format == "mbox" else world.maildir
    other = world.path("other")
    makers = {
        "symbolic link": lambda: os.symlink(other, path),
        "FIFO": lambda: os.mkfifo(path, 0o666),
        "another's": lambda: make_anothers(path, world.format),
    }
    if world.format == "mbox":
        makers["directory"] = lambda: os.mkdir(path)
        makers["second name"] = lambda: os.link(other, path)
    else:
        makers["file"] = lambda: open(path, "wb").close()
    for what, make in makers.items():
        world.existing = True
        world.reset()
        world.existing = False
        clear(path)
        clear(other)
        with open(other, "wb") as out:
            out.write(b"untouched\n")
        if IS_ROOT:
            os.chown(other, UID, -1)
        make()
        if what == "another's" and not IS_ROOT:
            continue
        status = world.deliver()
        if status != 75:
            case.complain(what, "status %d" % status)
        with open(other, "rb") as file:
            if file.read() != b"untouched\n":
                case.complain(what, "what it led to is changed")
        clear(path)
        if world.deliver() != 0:
            case.complain(what, "then again, without it")
        clear(path)
    world.existing = True


def make_anothers(path, format):
    if format == "mbox":
        open(path, "wb").close()
        os.chmod(path, 0o666)
    else:
        for name in ("", "tmp", "new", "cur"):
            os.mkdir(os.path.join(path, name), 0o777)
            os.chmod(os.path.join(path, name), 0o777)


def clear(path):
    subprocess.run(["rm", "-rf", path], check=True)


TROUBLES = [
    ("a file-size limit", file_size_limit, {}, False),
    ("a file-size limit, as the account", file_size_limit, {"run_as_account": True}, False),
    ("a full disk", full_disk, {}, True),
    ("a full spool", full_spool, {}, True),
    ("a standard input that is none", no_input, {}, False),
    ("signals while the message comes", signals_while_reading, {}, False),
    ("sendmail is killed", sendmail_is_killed, {}, False),
    ("sendmail is killed, as the account", sendmail_is_killed, {"run_as_account": True}, False),
    ("several recipients", several_recipients, {}, False),
    ("several recipients, as the account", several_recipients, {"run_as_account": True}, False),
    ("damaged settings, map, accounts", damaged, {}, False),
    ("settings, map, accounts that are not root's", not_roots, {}, True),
    ("settings, map, accounts that the account may not read", unreadable, {"run_as_account": True}, False),
    ("/etc/passwd in trouble", passwd_in_trouble, {"accounts": "passwd"}, True),
    ("traps in the mailbox's place", bad_mailboxes, {}, False),
]


def main():
    enter_private_mounts()
    tap = Tap()
    for title, trouble, parameters, needs_root in TROUBLES:
        for format in FORMATS:
            name = "%s: %s" % (title, format)
            if needs_root and not IS_ROOT:
                tap.skip(name, "needs root")
            else:
                tap.result(name, in_world(trouble, format, **parameters))
    return tap.end()


sys.exit(main())
