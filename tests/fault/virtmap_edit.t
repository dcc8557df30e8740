#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A change of the map in which one system call fails, falls short, or is the last before SIGKILL:
# afterwards there is the old map whole or the new map whole, text and compiled, and the exit status
# says which. The log has what happened, all of it once, and nothing else; and the next change mends
# what is half done. TAP on standard output. Any user; a directory of its own.

import collections
import errno
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
VIRTMAP = os.path.join(BUILD, "virtmap")

# What each call may fail with. Calls that are not named here cannot fail, or only in ways that
# the loader meets before main.
ERRNOS = {
    "openat": [errno.EACCES, errno.EMFILE, errno.ENOSPC, errno.EIO],
    "read": [errno.EIO],
    "pread64": [errno.EIO],
    "write": [errno.ENOSPC, errno.EIO],
    "pwrite64": [errno.ENOSPC],
    "close": [errno.EIO],
    "fsync": [errno.EIO, errno.ENOSPC],
    "rename": [errno.ENOSPC, errno.EIO],
    "link": [errno.EPERM, errno.EIO],
    "linkat": [errno.EPERM, errno.EIO],
    "sync_file_range": [errno.EIO],
    "renameat": [errno.EIO],
    "renameat2": [errno.EIO],
    "newfstatat": [errno.EIO],
    "fstat": [errno.EIO],
    "flock": [errno.ENOLCK],
    "ftruncate": [errno.EIO],
    "fchmod": [errno.EPERM],
    "fchown": [errno.EPERM],
    "unlink": [errno.EIO],
    "lseek": [errno.EIO],
    "getdents64": [errno.EIO],
    "mmap": [errno.ENOMEM],
    "getrandom": [errno.EIO],
}
SHORT = {"read", "write", "pread64", "pwrite64"}

OLD = "# ours\nwebmaster@one.example bob\n"
# So many that a change is published as a layer over the compiled map.
LARGE = OLD + "".join("u%d@many%d.example bob\n" % (i, i % 30) for i in range(1200))
KEY = "new@one.example"


class World:
    """A directory with settings and perhaps a map, and a command that maps KEY to bob."""

    def __init__(self, work, old, *command, with_layer=False):
        self.dir = os.path.join(work, "world")
        self.template = os.path.join(work, "template")
        self.old = old
        self.with_map = old is not None
        self.inject = os.path.join(work, "inject")
        self.trace = os.path.join(work, "trace")
        shutil.rmtree(self.template, ignore_errors=True)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.mkdir(self.dir)
        self.write("conf", "map = {0}/virtmaps\ndomains = {0}/domains\nlocal_domains = localhost\n"
                   "accounts = passwd-file:{0}/accounts\naliases = none\naccepted_domains = none\n".format(self.dir))
        self.write("accounts", "bob:x:1001:1001::/home/bob::\n")
        self.write("table.csv", "key,target\n%s,bob\n" % KEY)
        self.command = [word.format(self.dir) for word in command]
        if self.with_map:
            self.write("virtmaps", old)
            self.must("build")
        if with_layer:
            self.must("add", "gone@many3.example", "bob")
            self.must("rm", "gone@many3.example")
            os.unlink(os.path.join(self.dir, "virtmaps.log"))
            assert "virtmaps.gdbm.base" in os.listdir(self.dir)
        self.copy(self.dir, self.template)

    @staticmethod
    def copy(source, to):
        """What is one file there is one file here."""
        subprocess.run(["cp", "-a", source, to], check=True)

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as file:
            file.write(text)

    def read(self, name):
        try:
            with open(os.path.join(self.dir, name)) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def reset(self):
        shutil.rmtree(self.dir)
        self.copy(self.template, self.dir)

    def run(self, *args, fault=None, trace=False, memory=None):
        command = [VIRTMAP, "-C", os.path.join(self.dir, "conf"), *args]
        if trace:
            command = [self.inject, "-t", self.trace, *command]
        if fault:
            command = [self.inject, fault, *command]
        limit = (lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))) if memory else None
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, preexec_fn=limit)
        return done.returncode, done.stdout, done.stderr

    def must(self, *args):
        status, out, errors = self.run(*args)
        if status != 0:
            raise AssertionError("virtmap %s: %d: %s%s" % (" ".join(args), status, out, errors))

    def leftovers(self):
        return [name for name in os.listdir(self.dir) if ".new." in name]

    # -- what stands there now: "old", "new", or what is wrong ---------------------------------

    def state(self):
        text = self.read("virtmaps")
        lines, old = (text or "").splitlines(), (self.old or "").splitlines()
        came = [line for line in lines if line.split()[:1] == [KEY]]
        if text == self.old:
            kind = "old"
        elif [line.split() for line in came] == [[KEY, "bob"]] and text.endswith("\n") \
                and [line for line in lines if line not in came] == old:
            kind = "new"
        else:
            return "the text is %r" % (text and text[-300:])
        if kind == "old" and not self.with_map:
            return kind if not os.path.exists(os.path.join(self.dir, "virtmaps.gdbm")) \
                else "a compiled map without a text"
        _, out, _ = self.run("resolve", "-q", "webmaster@one.example", KEY)
        wanted = {
            ("old", True): "account bob\nnouser\n",
            ("new", True): "account bob\naccount bob\n",
            ("new", False): "nouser\naccount bob\n",
        }[kind, self.with_map]
        if out != wanted:
            return "the text is %s, and the map answers %r" % (kind, out)
        # As root a map of the wrong owner or mode is none; check says so.
        if len(old) > 100 and self.run("get", "u1199@many29.example")[1] != "bob\n":
            return "another mapping is gone"
        status, out, errors = self.run("-o", "postmaster=bob", "check")
        return kind if status == 0 else "check says %s%s" % (out, errors)


def faults(world):
    """Every call of a change that goes well, with what may befall it."""
    world.reset()
    status, out, errors = world.run(*world.command, trace=True)
    assert status == 0, errors
    assert ("virtmaps.gdbm.base" in os.listdir(world.dir)) == (world.old == LARGE)
    with open(world.trace) as file:
        calls = [line.split() for line in file]
    # What comes before main's first call is the loader's: it dies of anything.
    first = [name for _, _, name in calls].index("umask")
    calls = calls[first:]
    assert len(calls) > 40, calls
    for process, call, name in calls:
        at = "%s:%s:" % (process, call)
        for number in ERRNOS.get(name, []):
            yield at + str(number), "%s %s" % (name, errno.errorcode[number])
        if name in SHORT:
            yield at + "short", name + " short"
        yield at + "kill", name + " kill"


def judge_log(world, state):
    """Every step of the log begins where the one before ended, and the last is the text."""
    if world.read("virtmaps") is None:
        return None
    status, out, errors = world.run("log", "-j")
    if status != 0:
        return "log: %s" % errors
    records = [json.loads(line) for line in reversed(out.splitlines())]
    for number, (first, second) in enumerate(zip(records, records[1:])):
        if first["after"] != second["before"]:
            return "record %d does not follow: %s" % (number + 2, out)
    text = subprocess.run(["xxhsum", "-H2", "-"], input=world.read("virtmaps").encode(),
                          capture_output=True, check=True).stdout.split()[0].decode()
    if records and records[-1]["after"] != text:
        return "the log does not end in the text: %s" % out
    ours = [change for record in records for change in record["changes"] if change["key"] == KEY]
    wanted = [{"key": KEY, "old": None, "new": "bob"}] if state == "new" else []
    return None if ours == wanted else "the text is %s, and the log has %s" % (state, ours)


def judge_failed(world, status, out, errors):
    state = world.state()
    if status == 0 or "the change is made, but" not in errors:
        why = judge_log(world, state)
        if why is not None:
            return why
    if world.leftovers():
        return "leaves %s" % world.leftovers()
    if status == 0:
        return None if state == "new" else "status 0, and %s" % state
    if not errors:
        return "status %d without a word" % status
    # Behind the last rename nothing can be taken back, and that is said.
    if "the change is made, but" in errors:
        world.must("build")
        state = world.state()
        return None if state == "new" else "the change is made, and after a build %s" % state
    if "standard output" in errors:
        return None if state == "new" else "standard output failed, and %s" % state
    return None if state == "old" else "status %d, and %s: %s" % (status, state, errors)


def judge_killed(world, with_build):
    """The text may be newer than its map, never older; a build mends it, and so does a change."""
    if world.with_map:
        _, out, _ = world.run("resolve", "-q", "webmaster@one.example")
        if out != "account bob\n":
            return "after kill: %r" % out
    if world.read("virtmaps") in (None, "") and world.with_map:
        return "the text is gone"
    state = "new" if KEY in (world.read("virtmaps") or "") else "old"
    why = judge_log(world, state)
    if why is not None:
        return "after kill: " + why
    # Either of these mends what is half done.
    if with_build and world.read("virtmaps") not in (None, ""):
        world.must("build")
        state = world.state()
        if state not in ("old", "new"):
            return "after kill and build: %s" % state
    world.must("set", "mended@one.example", "bob")
    _, out, _ = world.run("resolve", "-q", KEY, "mended@one.example")
    if out != {"old": "nouser\naccount bob\n", "new": "account bob\naccount bob\n"}[state]:
        return "after kill and a change: %r" % out
    status, out, errors = world.run("-o", "postmaster=bob", "check")
    if status != 0:
        return "after kill and a change: check says %s%s" % (out, errors)
    why = judge_log(world, state)
    if why is not None:
        return "after kill and a change: " + why
    return "leftovers stay: %s" % world.leftovers() if world.leftovers() else None


def sweep(world):
    wrong, tried = [], collections.Counter()
    for fault, what in faults(world):
        world.reset()
        status, out, errors = world.run(*world.command, fault=fault)
        if status == 125:
            wrong.append("%s (%s): could not be injected" % (what, fault))
            continue
        killed = fault.endswith("kill")
        why = judge_killed(world, tried["killed"] % 2) if killed else judge_failed(world, status, out, errors)
        tried["killed" if killed else "failed"] += 1
        if why is not None:
            wrong.append("%s (%s): %s" % (what, fault, why))
    return tried, wrong


PAGE = 4096


def sweep_memory(world):
    """Every limit from where the loader is content to where the command is, page by page."""
    low, high = 0, 1 << 16
    while high - low > 1:
        middle = (low + high) // 2
        enough = world.run("-V", memory=middle * PAGE)[0] == 0
        low, high = (low, middle) if enough else (middle, high)
    wrong, tried, done = [], 0, 0
    for pages in range(high, high + 4096):
        world.reset()
        status, out, errors = world.run(*world.command, memory=pages * PAGE)
        why = judge_failed(world, status, out, errors)
        if why is not None:
            wrong.append("%d pages: %s" % (pages, why))
        done = done + 1 if status == 0 else 0
        tried += status != 0
        if done == 16:
            break
    else:
        wrong.append("never enough memory")
    return tried, wrong


def say(number, wrong, what):
    print("%s %d - %s" % ("not ok" if wrong else "ok", number, what))
    for line in wrong:
        print("# " + line.replace("\n", " | "))
    return bool(wrong)


CHANGES = [
    ("a mapping more", OLD, False, ["add", KEY, "bob"]),
    ("the first mapping", None, False, ["add", KEY, "bob"]),
    ("an import", OLD, False, ["import", "csv", "{0}/table.csv"]),
    ("the first import", None, False, ["import", "csv", "{0}/table.csv"]),
    ("a layer", LARGE, False, ["add", KEY, "bob"]),
    ("a layer over a layer", LARGE, True, ["add", KEY, "bob"]),
]


def main():
    if platform.machine() not in ("x86_64", "aarch64"):
        print("1..0 # SKIP inject knows no system calls of %s" % platform.machine())
        return 0
    if shutil.which("xxhsum") is None:
        print("1..0 # SKIP there is no xxhsum")
        return 0
    if not os.access(VIRTMAP, os.X_OK):
        print("Bail out! no programs in %s: run make first" % BUILD)
        return 1
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # which traces, too
    with open(VIRTMAP, "rb") as file:
        if b"__asan_init" in file.read():
            del ERRNOS["mmap"]  # AddressSanitizer's own allocator aborts
    work = tempfile.mkdtemp()
    failed = 0
    try:
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-D_GNU_SOURCE", "-o", work + "/inject",
                        HERE + "/inject.c"], check=True)
        print("1..%d" % (2 * len(CHANGES)))
        for number, (name, old, with_layer, command) in enumerate(CHANGES, 1):
            world = World(work, old, *command, with_layer=with_layer)
            tried, wrong = sweep(world)
            failed += say(2 * number - 1, wrong, "%s: %d calls failed, %d times killed" % (
                name, tried["failed"], tried["killed"]))
            if "mmap" not in ERRNOS:
                print("ok %d - %s # SKIP AddressSanitizer maps more than any limit" % (2 * number, name))
                continue
            tried, wrong = sweep_memory(world)
            failed += say(2 * number, wrong, "%s: %d times too little memory" % (name, tried))
    finally:
        shutil.rmtree(work)
    return 1 if failed else 0


sys.exit(main())
