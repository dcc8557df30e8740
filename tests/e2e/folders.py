#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""folders.py [SEED]: details of all kinds to bob's Maildir, with Dovecot as the judge.

One message for each detail is delivered with detail_folders = create. Then Dovecot has to list every
folder under the name that was asked for, and find the message in it; every other message must be
in the inbox, and nothing may stand anywhere but in the Maildir. A detail that Dovecot itself would
have made a folder of (doveadm mailbox create) and virtmda did not is only counted. Runs as root in
a private machine where bob is an account; prints a summary.
"""
import os
import random
import subprocess
import sys

HOME = "/home/bob"
ODD = [
    "..", ".", "../../etc", "/etc/passwd", "a/../../b", "~", "~root", "a..b", ".a", "a.", "INBOX", "inbox", "InBox.x",
    "a&b", "&", "&-", "&AOQ-", "b\u00fcro", "\u53f0\u5317.\u65e5\u672c", "\U0001f600", "a\u0301", "x" * 254, "x" * 255,
    "\u00fc" * 90, "\u00fc" * 95, ".".join("abcdefghijklmnop"), ".".join("abcdefghijklmnopq"), "*", "%", "a b", " a", "a ",
    "\\", '"', "|sh", "-x", "cur", "new", "tmp", "maildirfolder", "Trash", "\u2028", "\u0085", "\ufffe", "\t", "a\x7f",
]  # fmt: skip
PIECES = list("abcXYZ012&-+.,/~*%#@ \\\"'|") + ["\u00e4", "\u65e5", "\U0001f600", "..", "&-", "inbox"]


def run(*command, text=None, check=True):
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    if check and done.returncode != 0:
        raise SystemExit("%r: %r %r" % (command, done.returncode, done.stdout + done.stderr))
    return done


def as_bob(*command, check=True):
    return run("setpriv", "--reuid=20002", "--regid=20002", "--clear-groups", "env", "HOME=" + HOME, "USER=bob", *command,
               check=check)  # fmt: skip


def doveadm(*arguments, check=True):
    return as_bob("doveadm", "-c", "/etc/dovecot-test.conf", *arguments, check=check)


def details(seed):
    yield from ODD
    generator = random.Random(seed)
    for _ in range(150):
        yield "".join(generator.choice(PIECES) for _ in range(generator.randint(1, 12)))


def files_in(path):
    return sum(os.path.isfile(os.path.join(path, name)) for name in os.listdir(path))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with open("/etc/dovecot-test.conf", "w", encoding="utf-8") as conf:
        conf.write("mail_location=maildir:~/Maildir\nlog_path=/dev/stderr\nfirst_valid_uid=1\nssl=no\nbase_dir=/run/dovecot-test\n")
    asked = sorted(set(details(seed)))
    folders, to_inbox, refused = {}, [], []
    inbox = HOME + "/Maildir/new"
    for number, detail in enumerate(asked):
        before = files_in(inbox) if os.path.isdir(inbox) else 0
        done = run("virtmda", "-o", "accounts=passwd-file:/etc/virtmda/accounts", "-o", "detail_folders=create",
            "-o", "mailbox=maildir:~/Maildir", "-o", "aliases=none", "-f", "", "-d", "bob+" + detail + "@two.example",
            text=b"Subject: %d\n\n" % number, check=False)  # fmt: skip
        if done.returncode == 69 and done.stdout.startswith(b"5.1.3"):
            refused.append(detail)  # no address at all
            continue
        if done.returncode != 0:
            raise SystemExit("%r: %d %r" % (detail, done.returncode, done.stdout))
        if files_in(inbox) > before:
            to_inbox.append(detail)
        else:
            # Names that differ in case alone share the folder that came first.
            if fold(detail).startswith("inbox."):
                detail = "INBOX" + detail[5:]
            name = next((known for known in folders if fold(known) == fold(detail)), detail)
            folders[name] = folders.get(name, 0) + 1
    listed = set(doveadm("mailbox", "list").stdout.decode().splitlines()) - {"INBOX"}
    # A parent that is only a name is listed with its children.
    parents = {".".join(name.split(".")[:n]) for name in folders for n in range(1, name.count(".") + 1)}
    if listed - parents != set(folders) - parents or not set(folders) <= listed:
        raise SystemExit("missing: %r\nunexpected: %r" % (set(folders) - listed, listed - parents - set(folders)))
    for name, count in folders.items():
        # Its argument is a pattern, in which these two mean anything.
        if "*" in name or "%" in name:
            continue
        status = doveadm("mailbox", "status", "--", "messages", name).stdout.decode()
        if status != "%s messages=%d\n" % (name, count):
            raise SystemExit("%r holds %r instead of %d" % (name, status, count))
    if os.listdir(HOME) != ["Maildir"] or files_in(HOME + "/Maildir/new") + files_in(HOME + "/Maildir/cur") != len(to_inbox):
        raise SystemExit("elsewhere: %r" % os.listdir(HOME))
    stricter = [d for d in to_inbox if d.lower() != "inbox" and doveadm("mailbox", "create", "--", d, check=False).returncode == 0]
    print("%d details: %d folders, %d to the inbox (Dovecot would have made a folder of %r), %d refused"
          % (len(asked), len(folders), len(to_inbox), stricter, len(refused)))  # fmt: skip


def fold(name):
    return "".join(c.lower() if c.isascii() else c for c in name)


main()
