#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sink.py ADDRESS DIRECTORY

A mail host elsewhere: take every message by SMTP on ADDRESS, port 25, and write it to
DIRECTORY/N (from 1), envelope first: a line "FROM <...> PARAMETERS", a line "TO <...> PARAMETERS" for
each recipient, an empty line, the message with LF line ends. Says "ready" when it listens; ends
when it is killed.
"""
import os
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def message(self):
        lines = []
        while True:
            line = self.rfile.readline()
            if line in (b".\r\n", b""):
                return b"".join(lines)
            lines.append(line[line.startswith(b".") :].replace(b"\r\n", b"\n"))

    def keep(self, envelope):
        self.server.count += 1
        path = os.path.join(self.server.directory, str(self.server.count))
        with open(path + ".part", "wb") as out:
            out.write(b"".join(line + b"\n" for line in envelope) + b"\n" + self.message())
        os.rename(path + ".part", path)

    def handle(self):
        envelope = []
        self.say("220 sink ESMTP")
        for line in self.rfile:
            line = line.rstrip(b"\r\n")
            verb = line[:4].upper()
            if verb == b"EHLO":
                for text in ("250-sink", "250-8BITMIME", "250-SIZE", "250 DSN"):
                    self.say(text)
                continue
            if verb == b"DATA":
                self.say("354 go on")
                self.keep(envelope)
            elif verb == b"MAIL":
                envelope = [b"FROM " + line[10:]]
            elif verb == b"RCPT":
                envelope.append(b"TO " + line[8:])
            self.say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    address, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    with Server((address, 25), Session) as server:
        server.directory, server.count = directory, 0
        print("ready", flush=True)
        server.serve_forever()


main()
