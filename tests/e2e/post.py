#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""post.py [-rs] [-b ADDRESS] [-p PORT] SENDER RECIPIENT... < MESSAGE

Send the bytes on standard input by SMTP as they are: lines end in CRLF on the wire, dots
are doubled, nothing else is changed (smtplib would mend bare CRs and refuse strange
addresses). SENDER "" is the null sender; addresses go on the wire as written. Returns
when the server has answered QUIT, which an interactive sendmail does after delivery.
Exit status 0 when at least one recipient and the message were accepted, otherwise 1 with the
server's refusals on standard error. -b names the address to come from, -p the server's port (25),
-s prints the whole dialogue, except the message, and -r ends it behind the recipients.
"""
import getopt
import os
import socket
import sys


class Session:
    def __init__(self, port, source, show):
        self.socket = socket.create_connection(("127.0.0.1", port), 120, (source, 0))
        self.replies = self.socket.makefile("rb")
        self.show = show

    def print(self, mark, line):
        if self.show:
            print(mark, os.fsdecode(line), flush=True)

    def reply(self):
        while True:
            line = self.replies.readline()
            if not line:
                raise SystemExit("post: the server hung up")
            if line[3:4] != b"-":
                self.print("<", line.rstrip())
                return line

    def say(self, line):
        self.print(">", line)
        self.socket.sendall(line + b"\r\n")
        return self.reply()


def on_the_wire(message):
    message = message.replace(b"\n", b"\r\n")
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    if message.startswith(b"."):
        message = b"." + message
    return message.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def main():
    options, words = getopt.getopt(sys.argv[1:], "rsb:p:")
    options = dict(options)
    sender, *recipients = (os.fsencode(word) for word in words)
    message = sys.stdin.buffer.read()
    session = Session(int(options.get("-p", "25")), options.get("-b", "127.0.0.1"), "-s" in options)
    session.reply()
    refused = []

    def step(line, want):
        answer = session.say(line)
        if answer[:1] != want:
            refused.append(answer)
        return answer[:1] == want

    step(b"EHLO client.test.example", b"2")
    step(b"MAIL FROM:<%s> BODY=8BITMIME" % sender, b"2")
    accepted = [r for r in recipients if step(b"RCPT TO:<%s>" % r, b"2")]
    sent = False
    if accepted and "-r" not in options and step(b"DATA", b"3"):
        session.print(">", b"(the message: %d lines)" % message.count(b"\n"))
        session.socket.sendall(on_the_wire(message))
        answer = session.reply()
        sent = answer[:1] == b"2"
        if not sent:
            refused.append(answer)
    session.say(b"QUIT")
    for answer in refused:
        sys.stderr.buffer.write(b"post: " + answer.rstrip() + b"\n")
    return 0 if sent else 1


sys.exit(main())
