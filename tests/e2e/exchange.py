#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# exchange.py VIRTMAP SEED MAPS: random maps, exported to every format and imported again. What came
# back must be what went out, but for the mappings that the export itself named; and which those may
# be is known here from the formats, not from the program.
import json
import os
import random
import re
import subprocess
import sys
import tempfile

FORMATS = ["virtmaps", "virtusertable", "postfix-virtual", "vpopmail", "csv", "json"]
DOMAINS = ["one.example", "two.example", "sub.one.example", "xn--mnchen-3ya.example", "single"]
USERS = ["info", "bob", "o'neil", "j.doe", "a%b", "a%1", "j\u00f6rg", '"a b"', '"x,y"', '"#hash"',
         '"q\\"r"', '"a@b"', '".dot"', "bob+box", "bob+a+b", "\udcff"]
PATTERNS = ["bob++", "bob+*", "++", "+*"]
NAMES = ["bob", "carol", "j.doe", "bob%3", "j\u00f6rg", "bob+%1%3", "li-st+%1%3", '"a b"']
ADDRESSES = ["ann@far.test", "ann+x@far.test", "%1@far.test", "%1%3@far.test", "%1+%2@far.test",
             '"a b"@far.test', "a%b@far.test", "a%%1@far.test", "ann@%1.test"]
OTHERS = ["error:nouser No such user", "error:nouser User unknown", "discard:",
          'error:5.7.1:"550 go, away"', "error:tempfail Later, please"]
MAPPING = re.compile(r'((?:"(?:\\.|[^"\\])*"|[^" \t])+)[ \t]+(.*)')
PLAIN_USERS = {"info", "bob", "j.doe", "o'neil"}
PLAIN_TARGETS = {"bob", "carol", "ann@far.test", "ann+x@far.test"}


def quote_canonical(user):
    # Bytes that are no UTF-8 are no dot-atom (RFC 6531).
    return '"%s"' % user if user == "\udcff" else user


def random_key(rng):
    domain = rng.choice(DOMAINS)
    kind = rng.randrange(12)
    if kind == 0:
        return "@" + domain, "@" + domain
    if kind == 1:
        return domain.upper(), "@" + domain
    if kind == 2:
        return "." + domain, "." + domain
    if kind == 3:
        return "@", "@"
    if kind == 4:
        key = rng.choice(PATTERNS) + "@" + domain
        return key, key
    user = rng.choice(USERS)
    spelled = user.upper() if user.isascii() and rng.random() < 0.3 else user
    return spelled + "@" + domain + rng.choice(["", "."]), quote_canonical(user) + "@" + domain


def random_target(rng):
    kind = rng.randrange(8)
    if kind == 0:
        return rng.choice(OTHERS)
    if kind < 3:
        return ", ".join(rng.choice(NAMES + ADDRESSES) for _ in range(rng.randrange(2, 5)))
    return rng.choice(NAMES + ADDRESSES)


def random_map(rng):
    """canonical key -> (key as written, target)"""
    result = {}
    for _ in range(rng.randrange(40)):
        spelled, key = random_key(rng)
        result.setdefault(key, (spelled, random_target(rng)))
    return result


def may_refuse(form, key, target):
    if form in ("virtmaps", "csv"):
        return False
    if form == "json":
        return "\udcff" in key
    if form == "virtusertable":
        return key[0] == "." or key == "@" or target == "discard:" or \
            ("," in target and not target.startswith("error:"))
    user, _, _ = key.rpartition("@")
    return not (user in PLAIN_USERS and set(target.split(", ")) <= PLAIN_TARGETS)


def must_refuse(form, key, target):
    if form in ("virtmaps", "csv", "json", "virtusertable"):
        return may_refuse(form, key, target)
    user, _, domain = key.rpartition("@")
    if user in PATTERNS or key == "@" and "+%1%3" not in target and "%1%3@" not in target:
        return True
    if form == "postfix-virtual" and (key[0] == "." or key == "@" or user == '"#hash"'):
        return True
    if target == "discard:" or target.startswith("error:"):
        return target != "error:nouser User unknown"
    return "%2" in target or "@%1" in target


class World:
    def __init__(self, virtmap, directory):
        self.virtmap, self.directory = virtmap, directory
        with open(directory + "/accounts", "w") as out:
            out.write("bob:x:1001:1001::/home/bob::\n")
        for name in ("aliases", "conf"):
            open(self.path(name), "w").close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, name, *arguments, given=b""):
        command = [self.virtmap]
        for setting in ("map=" + self.path(name), "domains=" + self.path(name + ".domains"),
                        "accounts=passwd-file:" + self.path("accounts"),
                        "aliases=" + self.path("aliases")):
            command += ["-o", setting]
        command += ["-C", self.path("conf"), *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=False)

    def write(self, name, rng, entries):
        with open(self.path(name), "w", encoding="utf-8", errors="surrogateescape") as out:
            items = list(entries.values())
            rng.shuffle(items)
            for spelled, target in items:
                out.write(spelled + rng.choice(["\t", "  "]) + target + "\n")
                if rng.random() < 0.2:
                    out.write("# a comment\n\n")

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="surrogateescape", newline="\n") as text:
            lines = text.read().split("\n")
        return dict(MAPPING.fullmatch(line).groups() for line in lines if line and line[0] != "#")

    def line_keys(self, name, entries):
        """line number -> canonical key"""
        by_spelling = {spelled: key for key, (spelled, _) in entries.items()}
        result = {}
        with open(self.path(name), encoding="utf-8", errors="surrogateescape", newline="\n") as text:
            for number, line in enumerate(text.read().split("\n"), 1):
                if line and line[0] != "#":
                    for spelled, key in by_spelling.items():
                        if line.startswith((spelled + "\t", spelled + "  ")):
                            result[number] = key
        return result


def refused_lines(world, name, stderr):
    prefix = world.path(name) + ":"
    return {int(line[len(prefix):].split(":", 1)[0])
            for line in stderr.decode("utf-8", "surrogateescape").splitlines()
            if line.startswith(prefix)}


def check(condition, *words):
    if not condition:
        print(*[str(word).encode("utf-8", "backslashreplace").decode() for word in words], sep="\n")
        sys.exit(1)


def round_trip(world, form, seed):
    rng = random.Random("%s %s" % (form, seed))
    entries = random_map(rng)
    world.write("from", rng, entries)
    went = world.run("from", "export", form)
    keys = world.line_keys("from", entries)
    refused = {keys[line] for line in refused_lines(world, "from", went.stderr)}
    label = "%s, seed %s" % (form, seed)
    check(went.returncode == (1 if refused else 0), label, went)
    if form == "json":
        # What list prints for programs is the same, with what JSON cannot hold as hex.
        listed = {row["key"]: row["target"] for row in json.loads(world.run("from", "list", "-j").stdout)
                  if isinstance(row["key"], str)}
        check(listed == {row["key"]: row["target"] for row in json.loads(went.stdout)}, label, listed)
    for key, (_, target) in entries.items():
        if key in refused:
            check(may_refuse(form, key, target), label, "refused: %s -> %s" % (key, target))
        else:
            check(not must_refuse(form, key, target), label, "not refused: %s -> %s" % (key, target))
    left = {key: target for key, (_, target) in entries.items() if key not in refused}
    if not left:
        return 0
    # Another map stands there already: --replace leaves nothing of it.
    with open(world.path("to"), "w") as out:
        out.write("@old.test\tbob\ninfo@one.example\told\n")
    came = world.run("to", "import", "--replace", form, "-", given=went.stdout)
    check(came.returncode == 0, label, went.stdout.decode("utf-8", "replace"), came)
    found = world.read("to")
    check(found == left, label, went.stdout.decode("utf-8", "replace"), "missing or other:",
          sorted(set(left.items()) ^ set(found.items())))
    again = world.run("to", "export", form)
    check(again.stdout == went.stdout, label, "the second export differs", went.stdout, again.stdout)
    return len(left)


def main():
    virtmap, seed, maps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as directory:
        world = World(virtmap, directory)
        for form in FORMATS:
            carried = sum(round_trip(world, form, seed + i) for i in range(maps))
            check(carried > maps, form, "hardly anything was carried: %d" % carried)
            print("%s: %d mappings in %d maps" % (form, carried, maps))


main()
