#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill_delivery.py sendmail
kill_delivery.py virtmda MAILBOX

Wait for a delivery and kill -9 one side of it: the sendmail that still writes the message to
virtmda, or every virtmda, as soon as MAILBOX grows. Prints what was done, or "too late" when
the delivery was over first.
"""
import os
import signal
import sys
import time


def deliveries():
    """(pid, parent's pid) of every virtmda."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="latin-1") as file:
                    stat = file.read()
            except OSError:
                continue
            command = stat[stat.index("(") + 1:stat.rindex(")")]
            if command == "virtmda":
                found.append((int(name), int(stat[stat.rindex(")") + 2:].split()[1])))
    return found


def size(path):
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def main():
    side, mailbox = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    before = size(mailbox) if mailbox else 0
    print("ready", flush=True)
    end, seen = time.monotonic() + 60, False
    while time.monotonic() < end:
        running = deliveries()
        if not running:
            if seen:
                break
            continue
        seen = True
        if side == "sendmail":
            ours = {pid for pid, _ in running}
            kill({parent for _, parent in running if parent not in ours and parent != 1})
            print("killed sendmail")
            return
        if size(mailbox) > before:
            kill(pid for pid, _ in running)
            print("killed virtmda with %d bytes written" % (size(mailbox) - before))
            return
    print("too late")


main()
