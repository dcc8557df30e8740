#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Compiled maps with damage: bits flipped at random and at GDBM's own structures, blocks zeroed,
# exchanged or left over from the build before, the file cut short or grown; size and time kept where
# that can be. Every address then resolves as it did in the sound map, or is deferred. A mailbox's
# mail handed to the catch-all, a user bounced as unknown, a crash, a hang or a gigabyte of memory
# is a failure. Where blocks of the build before stand in the file, all answers may be that build's
# (nothing in a whole old map says that there is a newer), but not some of them. The same with a layer
# over a whole map: each of the two files damaged, missing, or brought back alone from another day.
# TAP on standard output. Any user; a directory of its own. SEED repeats a run, ROUNDS multiplies it.

import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VIRTMAP = os.path.join(ROOT, os.environ.get("BUILD", "build"), "virtmap")
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
ROUNDS = int(os.environ.get("ROUNDS", 1))
MEMORY = 512 << 20  # bytes of address space: a length read from a damaged file must not be believed
SANITIZED = b"__asan_init" in open(VIRTMAP, "rb").read()  # and that needs terabytes of it
BLOCK = 4096
PROMISED = {0, 67, 69, 75}  # virtmap resolve -q
DAMAGES = 300  # a map, a round

ACCOUNTS = ["box%d" % i for i in range(50)] + ["postmaster"]


def source(size, generation):
    """Users, a catch-all that must not get their mail, one that must not refuse it, patterns, chains."""
    lines = ["@d0.example\tbox%d" % (generation % 2), "@d1.example\terror:nouser Nobody of that name",
             "++@d1.example\tbox2", ".d2.example\tbox3", "x@d2.example\tbox4"]
    for i in range(size):
        lines.append("user%d@d%d.example\tbox%d" % (i, i % 5, 5 + (i * 7 + generation) % 40))
    lines += ["chain@d3.example\tuser0@d0.example", "list+*@d3.example\tbox1"]
    return "\n".join(lines) + "\n"


def addresses(rng, size):
    """There: exact, pattern, catch-all, chain. Not there: a user, a domain's user, a subdomain."""
    some = ["user%d@d%d.example" % (i, i % 5) for i in rng.sample(range(size), min(size, 12))]
    return some + ["nobody@d0.example", "nobody@d1.example", "nobody+x@d1.example", "a@b.d2.example",
                   "nobody@d2.example", "nobody@d3.example", "chain@d3.example", "list+z@d3.example",
                   "user1@d0.example"]


def limits():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def virtmap(conf, *arguments):
    """Status and the lines of the answer; None for a crash or a hang."""
    try:
        done = subprocess.run([VIRTMAP, "-C", conf, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=20, preexec_fn=limits)
    except subprocess.TimeoutExpired:
        return None, ["hung"]
    if done.returncode not in PROMISED:
        return None, ["status %d" % done.returncode, done.stderr.decode(errors="replace")]
    return done.returncode, done.stdout.decode(errors="replace").splitlines()


# ---- damage ----------------------------------------------------------------------------------
#
# Each takes a bytearray, damages it, and says in words what it did.


def flip(rng, data, low, high):
    at = rng.randrange(low, max(low + 1, min(high, len(data))))
    data[at] ^= 1 << rng.randrange(8)
    return "bit flipped in byte %d" % at


def flip_anywhere(rng, data, _):
    return flip(rng, data, 0, len(data))


def flip_in_header(rng, data, _):
    return flip(rng, data, 0, 80)


def directory_of(data):
    """GDBM's header: magic, block size, offset of the directory, its size."""
    magic, block, offset, size = struct.unpack_from("<iiqi", data)
    del magic, block
    return offset, size


def flip_in_directory(rng, data, _):
    offset, size = directory_of(data)
    return flip(rng, data, offset, offset + size)


def flip_in_bucket(rng, data, _):
    offset, size = directory_of(data)
    entry = offset + 8 * rng.randrange(size // 8)
    (bucket,) = struct.unpack_from("<q", data, entry)
    return flip(rng, data, bucket, bucket + BLOCK)


def redirect_bucket(rng, data, _):
    offset, size = directory_of(data)
    a, b = (offset + 8 * rng.randrange(size // 8) for _ in range(2))
    data[a:a + 8] = data[b:b + 8]
    return "directory entry %d points where %d does" % (a, b)


def wild_number(rng, data, _):
    at = rng.randrange(len(data) // 4) * 4
    data[at:at + 4] = struct.pack("<i", rng.choice([0, -1, 1, 2**31 - 1, -2**31, 2**24, 65535]))
    return "four bytes overwritten at %d" % at


def wild_number_in_bucket(rng, data, _):
    offset, size = directory_of(data)
    (bucket,) = struct.unpack_from("<q", data, offset + 8 * rng.randrange(size // 8))
    at = bucket + 4 * rng.randrange(BLOCK // 4)
    data[at:at + 4] = struct.pack("<i", rng.choice([0, -1, 1, 2**31 - 1, 2**24, 65535]))
    return "four bytes overwritten at %d, in a bucket" % at


def block_at(rng, data, size):
    return rng.randrange(max(1, len(data) // size)) * size


def zero_block(rng, data, _):
    size = rng.choice([512, BLOCK])
    at = block_at(rng, data, size)
    data[at:at + size] = bytes(len(data[at:at + size]))
    return "%d bytes zeroed at %d" % (size, at)


def exchange_blocks(rng, data, _):
    size = rng.choice([512, BLOCK])
    a, b = block_at(rng, data, size), block_at(rng, data, size)
    data[a:a + size], data[b:b + size] = data[b:b + size], data[a:a + size]
    return "%d bytes exchanged at %d and %d" % (size, a, b)


def stale_block(rng, data, older):
    size = rng.choice([512, BLOCK, 4 * BLOCK])
    at = block_at(rng, data, size)
    data[at:at + size] = older[at:at + len(data[at:at + size])].ljust(len(data[at:at + size]), b"\0")
    return "%d bytes of the build before at %d" % (size, at)


def cut(rng, data, _):
    length = rng.choice([rng.randrange(len(data)), rng.randrange(len(data) // 512) * 512, rng.randrange(100)])
    del data[length:]
    return "cut to %d bytes" % length


def hole_at_the_end(rng, data, _):
    at = rng.randrange(len(data))
    data[at:] = bytes(len(data) - at)
    return "nothing but zeros from %d on" % at


def grow(rng, data, _):
    more = rng.choice([1, 512, BLOCK])
    data += bytes(rng.randrange(256) for _ in range(more))
    return "%d bytes more" % more


def many_flips(rng, data, _):
    n = rng.randrange(2, 200)
    for _ in range(n):
        flip(rng, data, 0, len(data))
    return "%d bits flipped" % n


KINDS = [flip_anywhere, flip_in_header, flip_in_directory, flip_in_bucket, redirect_bucket, wild_number,
         wild_number_in_bucket, zero_block, exchange_blocks, stale_block, cut, hole_at_the_end, grow, many_flips]


# ---- the test --------------------------------------------------------------------------------


class Map:
    """One that was compiled whole."""

    def __init__(self, work, size, rng):
        self.name = "%d mappings" % size
        self.dir = tempfile.mkdtemp(dir=work)
        self.conf = os.path.join(self.dir, "conf")
        self.text = os.path.join(self.dir, "virtmaps")
        self.compiled = self.text + ".gdbm"
        self.base = self.compiled + ".base"
        self.put("conf", "map = {0}/virtmaps\ndomains = {0}/domains\naliases = none\nlog = stderr\n"
                         "accounts = passwd-file:{0}/accounts\n".format(self.dir))
        self.put("accounts", "".join("%s:x:20001:20001::/nowhere\n" % name for name in ACCOUNTS))
        self.addresses = addresses(rng, size)
        self.prepare(size)
        self.times = os.stat(self.compiled)

    def prepare(self, size):
        self.older, self.older_answers = self.build(size, 1)
        self.sound, self.answers = self.build(size, 0)

    def put(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="ascii") as file:
            file.write(text)

    def run(self, *arguments):
        status, _ = virtmap(self.conf, *arguments)
        if status != 0:
            sys.exit("cannot %s" % arguments[0])

    def ask(self):
        """What the sound map answers."""
        status, answers = virtmap(self.conf, "resolve", "-q", "--", *self.addresses)
        if status is None or len(answers) != len(self.addresses):
            sys.exit("the sound map: %s" % answers)
        if any(answer.startswith("defer") for answer in answers):
            sys.exit("the sound map defers: %s" % answers)
        return answers

    def build(self, size, generation):
        """The compiled file and what it answers."""
        self.put("virtmaps", source(size, generation))
        self.run("build")
        return read(self.compiled), self.ask()

    def place(self, path, data):
        if data is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, ns=(self.times.st_atime_ns, self.times.st_mtime_ns))

    def damage(self, rng, kind):
        data = bytearray(self.sound)
        words = kind(rng, data, self.older)
        self.place(self.compiled, data)
        return words

    def judge(self, older):
        """What is wrong, or None; and how many answers were still right. `older`: they may all be of before."""
        status, answers = virtmap(self.conf, "resolve", "-q", "--", *self.addresses)
        if status is None or len(answers) != len(self.addresses):
            return "; ".join(answers), 0
        wrong, right = self.compare(answers, self.answers)
        if older and any(self.compare(answers, sound)[0] is None for sound in self.all_older()):
            wrong = None
        return wrong, right

    def all_older(self):
        return [self.older_answers]

    def compare(self, answers, sound):
        right = sum(a == b for a, b in zip(answers, sound))
        for address, answer, expected in zip(self.addresses, answers, sound):
            if answer != expected and not answer.startswith("defer "):
                return "%s: %s, not %s" % (address, answer, expected), right
        return None, right

    def tests(self):
        """Words for each test, what damages and judges once, and whether answers may be older."""
        return [(name_of(kind), lambda rng, kind=kind: self.damage(rng, kind), kind is stale_block) for kind in KINDS]


class Layer(Map):
    """A layer over a whole map. Without the layer other users are there, and others' mail is theirs."""

    def prepare(self, size):
        self.name = "a layer over %d mappings" % size
        victims = [address for address in self.addresses if address.startswith("user")][:4]
        self.addresses += ["come%d@d%d.example" % (i, i) for i in range(5)]
        self.other, _ = self.build(size, 1)
        self.edit(victims, 7)
        self.other_layer, self.other_base = read(self.compiled), read(self.base)
        _, self.base_answers = self.build(size, 0)
        self.edit(victims[:2], 8)
        self.older, self.older_answers = read(self.compiled), self.ask()
        self.edit(victims[2:], 9)
        self.sound, self.sound_base, self.answers = read(self.compiled), read(self.base), self.ask()
        assert self.answers not in (self.older_answers, self.base_answers)

    def edit(self, victims, box):
        """Some users are others', some gone, some come; the map stays a layer."""
        lines = ["set %s box%d" % (address, box) for address in victims[:1]]
        lines += ["rm %s" % address for address in victims[1:]]
        self.put("edits", "\n".join(lines + ["set come%d@d%d.example box%d" % (i, i, box) for i in range(3)]) + "\n")
        self.run("batch", os.path.join(self.dir, "edits"))
        if not os.path.exists(self.base):
            sys.exit("the edit made no layer")

    def all_older(self):
        return [self.older_answers, self.base_answers]

    def both(self, layer, base):
        self.place(self.compiled, layer)
        self.place(self.base, base)

    def damage(self, rng, kind):
        layer = bytearray(self.sound)
        words = kind(rng, layer, self.older)
        self.both(layer, self.sound_base)
        return words

    def damage_base(self, rng, kind):
        base = bytearray(self.sound_base)
        words = kind(rng, base, self.other_base)
        self.both(self.sound, base)
        return words

    def damage_both(self, rng, _):
        kind, another = rng.choice(KINDS), rng.choice(KINDS)
        layer, base = bytearray(self.sound), bytearray(self.sound_base)
        words = "%s; of the base, %s" % (kind(rng, layer, self.older), another(rng, base, self.other_base))
        self.both(layer, base)
        return words

    def mix(self, rng, _):
        """A restore that brings back the one and not the other."""
        name, layer, base = rng.choice([
            ("no base", self.sound, None), ("no layer", None, self.sound_base),
            ("another base", self.sound, self.other_base), ("another layer", self.other_layer, self.sound_base),
            ("a whole map below that is none", self.sound, self.other), ("the layer twice", self.sound, self.sound),
            ("the layer of before", self.older, self.sound_base), ("the base twice", self.sound_base, self.sound_base),
            ("the base alone, by the layer's name", self.sound_base, None)])
        self.both(layer, base)
        return name

    def tests(self):
        def one(name, how, kind, older):
            return name, lambda rng: how(rng, kind), older

        found = [one("layer, " + name_of(kind), self.damage, kind, kind is stale_block) for kind in KINDS]
        found += [one("base, " + name_of(kind), self.damage_base, kind, False) for kind in KINDS]
        return found + [one("both", self.damage_both, None, True), one("one of the two restored", self.mix, None, True)]


def name_of(kind):
    return kind.__name__.replace("_", " ")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def run_test(damaged, name, damage, older, rng):
    """One line of TAP, and what went wrong."""
    rounds, right, asked, wrong = DAMAGES // len(KINDS) * ROUNDS, 0, 0, []
    for _ in range(rounds):
        words = damage(rng)
        trouble, still_right = damaged.judge(older)
        right += still_right
        asked += len(damaged.addresses)
        if trouble is not None:
            wrong.append("%s: %s" % (words, trouble))
    return "%s, %s: %d damaged maps, %d of %d answers right, the rest deferred" % (
        damaged.name, name, rounds, right, asked), wrong


def main():
    failed = 0
    sizes, layers = [0, 3, 60, 2000, 20000], [5000, 20000]
    work = tempfile.mkdtemp(prefix="map_damage.")
    try:
        rng = random.Random(SEED)
        maps = [Map(work, size, rng) for size in sizes] + [Layer(work, size, rng) for size in layers]
        tests = [(damaged, *test) for damaged in maps for test in damaged.tests()]
        print("1..%d" % len(tests))
        for number, test in enumerate(tests, 1):
            line, wrong = run_test(*test, rng)
            failed += bool(wrong)
            print("%sok %d - %s" % ("not " if wrong else "", number, line))
            for why in wrong[:5]:
                print("# SEED=%d: %s" % (SEED, why))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return failed > 0


sys.exit(main())
