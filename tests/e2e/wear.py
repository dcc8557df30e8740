#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Use a mailbox as its owner would, so that it is no longer as it was delivered.

    wear.py dovecot mbox:PATH|maildir:PATH     read, flag, append, copy to a folder, expunge (IMAP)
    wear.py mutt PATH                          read, flag, delete, save
    wear.py python mbox:PATH|maildir:PATH      add, remove

Exit status 77 where the program is not installed.
"""
import imaplib
import mailbox
import os
import pty
import shutil
import sys
import tempfile

DOVECOT_IMAP = "/usr/lib/dovecot/imap"
LETTER = b"From: Eve <eve@x.example>\r\nSubject: appended\r\n\r\nFrom here on\r\n\r\nFrom there\r\n"


def dovecot(location):
    if not os.path.exists(DOVECOT_IMAP):
        return 77
    kind, path = location.split(":", 1)
    home = tempfile.mkdtemp(prefix="dovecot")
    try:
        mail = "maildir:%s" % path if kind == "maildir" else "mbox:%s/mail:INBOX=%s" % (home, path)
        with open(home + "/conf", "w", encoding="utf-8") as conf:
            conf.write("protocols = imap\nmail_location = %s\nmbox_write_locks = fcntl\n" % mail)
            conf.write("mail_plugins = quota\nplugin {\n quota = maildir:Used\n quota_rule = *:bytes=10000000\n}\n")
        imap = imaplib.IMAP4_stream("HOME=%s USER=owner %s -c %s/conf 2>%s/errors" % (home, DOVECOT_IMAP, home, home))

        def must(answer):
            if answer[0] != "OK":
                with open(home + "/errors", encoding="utf-8") as errors:
                    raise SystemExit("wear: dovecot: %r %s" % (answer, errors.read()))

        must(imap.select("INBOX"))
        must(imap.fetch("1:2", "(BODY[])"))
        must(imap.store("1", "+FLAGS", "(\\Flagged \\Answered)"))
        must(imap.store("2", "+FLAGS", "(\\Deleted)"))
        must(imap.append("INBOX", "(\\Seen)", None, LETTER))
        imap.create("Lists")  # there the second time
        must(imap.copy("1", "Lists"))
        must(imap.expunge())
        must(imap.append("INBOX", None, None, LETTER))
        imap.close()
        imap.logout()
    finally:
        shutil.rmtree(home)
    return 0


def mutt(path):
    if shutil.which("mutt") is None:
        return 77
    home = tempfile.mkdtemp(prefix="mutt")
    settings = [
        "set confirmappend=no confirmcreate=no delete=yes wait_key=no mark_old=yes quit=yes move=no",
        "set mbox_type=mbox sort=mailbox-order folder=%s tmpdir=%s" % (home, home),
        "push '<first-entry><display-message><exit><flag-message><next-entry><delete-message><quit>'",
    ]
    command = ["mutt", "-n", "-F", "/dev/null", "-f", path]
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
                screen = (screen + os.read(terminal, 65536))[-2000:]
            except OSError:  # EIO: mutt is gone
                break
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            raise SystemExit("wear: mutt failed: %r" % screen)
    finally:
        shutil.rmtree(home)
    return 0


def python(location):
    kind, path = location.split(":", 1)
    box = mailbox.mbox(path) if kind == "mbox" else mailbox.Maildir(path)
    box.lock()
    box.remove(box.keys()[0])
    box.add(LETTER.replace(b"\r\n", b"\n"))
    box.flush()
    box.unlock()
    return 0


if __name__ == "__main__":
    verbs = {verb.__name__: verb for verb in (dovecot, mutt, python)}
    sys.exit(verbs[sys.argv[1]](*sys.argv[2:]))
