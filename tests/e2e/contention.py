#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""contention.py MAILBOX MESSAGES SENDERS RECIPIENT

SENDERS processes deliver MESSAGES messages to RECIPIENT through virtmda, all into one mbox,
while the lock programs of mutt, procmail and liblockfile, and a holder of fcntl's lock, take
turns on it. Whoever holds a lock sees that the mailbox stands still, and then adds a
byte-identical copy of nothing: a lock that is not respected is reported. Ends with a line that
says how often each had its turn; exit status 1 if a delivery failed, if the mailbox moved
under a lock, or if a program never got its turn.
"""
import fcntl
import multiprocessing
import os
import shutil
import subprocess
import sys
import time

HOLD = 0.03  # seconds that a lock is held


def dotlock(take, give):
    def with_lock(mailbox, watch):
        if subprocess.run([word % mailbox if "%s" in word else word for word in take],
                          stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            return False
        try:
            watch()
        finally:
            subprocess.run([word % mailbox if "%s" in word else word for word in give], check=True)
        return True
    return with_lock


def fcntl_lock(mailbox, watch):
    with open(mailbox, "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        watch()
    return True


LOCKS = {
    "mutt_dotlock": dotlock(["mutt_dotlock", "-r", "0", "%s"], ["mutt_dotlock", "-u", "%s"]),
    "lockfile": dotlock(["lockfile", "-1", "-r", "0", "%s.lock"], ["rm", "-f", "%s.lock"]),
    "dotlockfile": dotlock(["dotlockfile", "-l", "-r", "0", "%s.lock"], ["dotlockfile", "-u", "%s.lock"]),
    "fcntl": fcntl_lock,
}


def locker(name, mailbox, done, results):
    turns, moved = 0, 0
    while not done.is_set():
        sizes = []

        def watch():
            sizes.append(os.stat(mailbox).st_size)
            time.sleep(HOLD)
            sizes.append(os.stat(mailbox).st_size)

        if LOCKS[name](mailbox, watch):
            turns += 1
            moved += sizes[0] != sizes[1]
        time.sleep(HOLD)
    results.put((name, turns, moved))


def deliver(mailbox, recipient, number):
    text = "Subject: %d\n\n%s" % (number, "message %d\n" % number * (number % 50 + 1))
    return subprocess.run(["virtmda", "-f", "ann@one.example", "--", recipient],
                          input=text.encode()).returncode


def main():
    mailbox, messages, senders, recipient = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    done, results = multiprocessing.Event(), multiprocessing.Queue()
    names = [name for name in LOCKS if name == "fcntl" or shutil.which(name)]
    lockers = [multiprocessing.Process(target=locker, args=(name, mailbox, done, results)) for name in names]
    for process in lockers:
        process.start()
    with multiprocessing.Pool(senders) as pool:
        failed = [code for code in pool.starmap(
            deliver, [(mailbox, recipient, n) for n in range(messages)], chunksize=1) if code != 0]
    done.set()
    turns = sorted(results.get() for _ in lockers)
    for process in lockers:
        process.join()
    print("failed deliveries: %d; turns: %s" % (len(failed), ", ".join("%s %d" % t[:2] for t in turns)))
    for name, count, moved in turns:
        if moved:
            print("the mailbox changed %d times while %s held its lock" % (moved, name))
        if not count:
            print("%s never had its turn" % name)
    return 1 if failed or any(moved or not count for _, count, moved in turns) else 0


sys.exit(main())
