#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# terminal.py [-o | -e] [-k KEYS] COMMAND...
#
# Run COMMAND on a terminal of its own, 80 columns wide, and print what the terminal was sent. -o:
# only standard output is the terminal; -e: only standard error; what is not comes out as ours. KEYS
# are typed, with Python's escapes, each once the terminal has been quiet for a moment. Ends as the command did.

import fcntl
import getopt
import os
import pty
import select
import struct
import sys
import termios
import time

QUIET = 0.3  # seconds
LIMIT = 60


def main():
    options, command = getopt.getopt(sys.argv[1:], "oek:")
    options = dict(options)
    keys = list(options.get("-k", "").encode().decode("unicode_escape").encode("latin-1"))
    pid, terminal = pty.fork()
    if pid == 0:
        time.sleep(0.05)  # until the size is set
        if "-o" in options:
            os.dup2(outer[2], 2)
        if "-e" in options:
            os.dup2(outer[1], 1)
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], QUIET if keys else LIMIT)
        if not ready:
            if keys:
                os.write(terminal, bytes([keys.pop(0)]))
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


outer = (None, os.dup(1), os.dup(2))
os.set_inheritable(outer[1], True)
os.set_inheritable(outer[2], True)
main()
