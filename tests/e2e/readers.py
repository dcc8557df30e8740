#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a mailbox with three programs that know nothing of virtmda, and insist that they agree.

    readers.py USER mbox:PATH|maildir:PATH count
    readers.py USER mbox:PATH|maildir:PATH body N
    readers.py USER mbox:PATH|maildir:PATH header N NAME     every header of that name, a line each
    readers.py USER mbox:PATH|maildir:PATH headers NAME      the first of each message, a line each

The readers are Python's mailbox module, mutt and Dovecot's IMAP server (the last two where they
are installed). They run as USER and do not change the mailbox. What is printed is what
Python read, message 1 first; exit status 1 and a word on standard error if another reader counts
other messages or other bodies.
"""
import imaplib
import mailbox
import os
import pty
import pwd
import shutil
import sys
import tempfile

DOVECOT_IMAP = "/usr/lib/dovecot/imap"


def read_python(kind, path):
    if not os.path.exists(path):
        return []
    box = mailbox.mbox(path, create=False) if kind == "mbox" else mailbox.Maildir(path, create=False)
    keys = sorted(box.keys()) if kind == "maildir" else box.keys()
    return [box.get_bytes(key) for key in keys]


def read_mutt(kind, path):
    """mutt wants a terminal: it gets one, copies every message to a Maildir, and leaves."""
    home = tempfile.mkdtemp(prefix="mutt", dir="/var/tmp")
    copy = os.path.join(home, "copy")
    settings = [
        "set confirmappend=no confirmcreate=no copy=no delete=no wait_key=no mark_old=no",
        "set mbox_type=Maildir sort=mailbox-order folder=%s tmpdir=%s" % (home, home),
        "push '<tag-pattern>~A<enter><tag-prefix><copy-message>%s<enter><quit>'" % copy,
    ]
    command = ["mutt", "-n", "-F", "/dev/null", "-R", "-f", path]
    for setting in settings:
        command += ["-e", setting]
    try:
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(TERM="vt100", HOME=home)
            os.execvp("mutt", command)
        screen = b""
        while True:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # EIO: mutt is gone
                break
            screen = (screen + data)[-2000:]
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            raise SystemExit("readers: mutt failed: %r" % screen)
        found = []
        for root, _, names in os.walk(copy):
            for name in names:
                with open(os.path.join(root, name), "rb") as file:
                    found.append(file.read())
        return found
    finally:
        shutil.rmtree(home)


def read_dovecot(kind, path):
    """The IMAP server needs no daemon when it is started by hand: it greets with PREAUTH."""
    home = tempfile.mkdtemp(prefix="dovecot", dir="/var/tmp")
    try:
        # Even when asked to EXAMINE it gives messages their X-UID and moves them to cur: a copy.
        if kind == "maildir":
            shutil.copytree(path, home + "/inbox")
            mail = "maildir:%s/inbox:INDEX=MEMORY" % home
        else:
            shutil.copyfile(path, home + "/inbox")
            mail = "mbox:%s/mail:INBOX=%s/inbox:INDEX=MEMORY" % (home, home)
        with open(home + "/conf", "w", encoding="utf-8") as conf:
            conf.write("protocols = imap\nmail_location = %s\n" % mail)
        imap = imaplib.IMAP4_stream("HOME=%s %s -c %s/conf 2>%s/errors" % (home, DOVECOT_IMAP, home, home))
        status, answer = imap.select("INBOX", readonly=True)
        if status != "OK":
            with open(home + "/errors", encoding="utf-8") as errors:
                raise SystemExit("readers: dovecot: %r %s" % (answer, errors.read()))
        count = int(answer[0])
        parts = imap.fetch("1:*", "(BODY.PEEK[])")[1] if count else []
        imap.logout()
        found = [part[1] for part in parts if isinstance(part, tuple)]
        if len(found) != count:
            raise SystemExit("readers: dovecot counts %d and gives %d" % (count, len(found)))
        return found
    finally:
        shutil.rmtree(home)


def split(data):
    """By hand: the email package would interpret, and mend, what it reads."""
    if data.startswith(b"\n"):
        return b"", data[1:]
    head, _, body = data.partition(b"\n\n")
    return head, body


def headers(data, name):
    found = []
    name = name.lower().encode() + b":"
    for line in split(data)[0].split(b"\n"):
        if line[:1] in (b" ", b"\t") and found and found[-1] is not None:
            found[-1] += b" " + line.strip()
        else:
            found.append(line[len(name):].strip() if line.lower().startswith(name) else None)
    return [value for value in found if value is not None]


def comparable(data):
    """A body in the form that all readers can give: IMAP has only CRLF and no NUL (Dovecot sends
    0x80), and readers differ in whether a last newline belongs to the message."""
    body = split(data.replace(b"\r\n", b"\n"))[1]
    return body.replace(b"\0", b"\x80").rstrip(b"\r\n")


def main():
    user = pwd.getpwnam(sys.argv[1])
    kind, _, path = sys.argv[2].partition(":")
    verb, words = sys.argv[3], sys.argv[4:]
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ.update(USER=user.pw_name, HOME=user.pw_dir)
    os.chdir("/")

    messages = read_python(kind, path)
    others = {}
    if os.path.exists(path):
        if shutil.which("mutt") and messages:
            others["mutt"] = read_mutt(kind, path)
        if os.access(DOVECOT_IMAP, os.X_OK):
            others["dovecot"] = read_dovecot(kind, path)
    bodies = sorted(comparable(data) for data in messages)
    for reader, found in others.items():
        if sorted(comparable(data) for data in found) != bodies:
            raise SystemExit("readers: python reads %d messages in %s, %s reads %d, or other bodies"
                             % (len(messages), path, reader, len(found)))

    out = sys.stdout.buffer
    if verb == "count":
        print(len(messages))
    elif verb == "body":
        out.write(split(messages[int(words[0]) - 1])[1])
    elif verb == "header":
        for value in headers(messages[int(words[0]) - 1], words[1]):
            out.write(value + b"\n")
    elif verb == "headers":
        for data in messages:
            out.write((headers(data, words[0]) or [b""])[0] + b"\n")
    else:
        raise SystemExit("readers: what is %s?" % verb)


main()
