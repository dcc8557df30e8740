#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dialogue.py [PORT] < LINES

An SMTP session by hand: each line is said and its reply printed; a line that begins with "!" is
run by the shell in between.
"""
import socket
import subprocess
import sys

port = int(sys.argv[1]) if len(sys.argv) > 1 else 25
connection = socket.create_connection(("127.0.0.1", port), 120)
replies = connection.makefile("r", newline="")


def reply():
    while True:
        line = replies.readline()
        if not line:
            raise SystemExit("dialogue: the server hung up")
        if line[3:4] != "-":
            return line.rstrip()


reply()
for line in sys.stdin:
    line = line.rstrip("\n")
    if line.startswith("!"):
        subprocess.run(line[1:], shell=True, check=True)
        continue
    connection.sendall(line.encode() + b"\r\n")
    print(reply(), flush=True)
