#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bustle.py LETTERS COMMAND...: read mailboxes with every command while they are used.

Two deliverers write to ann's mbox and two to bob's Maildir (a@one.example, a@two.example), LETTERS
each; Dovecot, where it is installed, moves bob's mail from new to cur and changes its flags all
the time; and COMMAND (mailpeek with its options) is asked everything over and over. Whatever it
says must have been so at some moment between question and answer: a letter that was delivered
before is there (but the last one of an mbox that is locked again), whole, once; no letter is
there that was not begun. At the end everything is there. Exit status 1 with the first lie.
"""
import concurrent.futures
import imaplib
import itertools
import json
import os
import random
import re
import subprocess
import sys
import threading

DOVECOT_IMAP = "/usr/lib/dovecot/imap"
ADDRESS = {"ann": "a@one.example", "bob": "a@two.example"}


class Lie(Exception):
    pass


class Mailbox:
    """What was begun and what was done, by letter."""

    def __init__(self, account):
        self.account, self.begun, self.done = account, set(), set()
        self.numbers = itertools.count(1)

    def least(self, done):
        """Letters of which a reader must tell: of a locked mbox the last may be left out."""
        return len(done) - (self.account == "ann" and len(done) > 0)


def letter(number):
    # Some are long enough to be seen half written.
    lines = ("x" * 70 + "\n") * (3000 if number % 6 == 0 else number % 40 * 30)
    return f"From: Zoe <z@x.example>\nSubject: letter {number}\nMessage-ID: <{number}@x.example>\n\n{lines}end {number}\n"


def stored_size(account, number):
    return len(f"Return-Path: <s@x.example>\nDelivered-To: {ADDRESS[account]}\n" + letter(number))


def deliver(mailbox, count):
    for _ in range(count):
        number = next(mailbox.numbers)
        mailbox.begun.add(number)
        command = ["virtmda", "-C", "virtmda.conf", "-f", "s@x.example", "--", ADDRESS[mailbox.account]]
        subprocess.run(command, input=letter(number).encode(), check=True)
        mailbox.done.add(number)


def wear(path, is_over):
    """As a client does: look what is new, flag, take flags away."""
    with open("dovecot.conf", "w", encoding="ascii") as conf:
        conf.write("protocols = imap\nmail_location = maildir:%s:INDEX=MEMORY:CONTROL=%s/control\n" % (path, os.getcwd()))
    rng = random.Random(1)
    while not is_over.is_set():
        server = imaplib.IMAP4_stream("USER=bob HOME=%s %s -c dovecot.conf 2>>dovecot.errors" % (os.getcwd(), DOVECOT_IMAP))
        for _ in range(20):
            count = int(server.select("INBOX")[1][0])
            if count > 0:
                flags = rng.choice(["\\Seen", "\\Flagged", "\\Answered"])
                server.store(f"{rng.randint(1, count)}:*", rng.choice(["+FLAGS", "-FLAGS"]), f"({flags})")
        server.logout()


class Reader:
    def __init__(self, command, mailbox):
        self.command, self.mailbox, self.account = command, mailbox, mailbox.account

    def ask(self, *words, allowed=(0,)):
        done = subprocess.run(self.command + list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode not in allowed:
            raise Lie(f"{words}: status {done.returncode}: {done.stdout[-500:]!r} {done.stderr!r}")
        return done.stdout.decode()

    def counted(self, words, count, done):
        if not self.mailbox.least(done) <= count <= len(self.mailbox.begun):
            raise Lie(f"{words}: {count} letters, and {len(done)} were there before, {len(self.mailbox.begun)} are begun")

    def rows(self, *words):
        done = set(self.mailbox.done)
        rows = [json.loads(row) for row in self.ask(*words, allowed=(0, 1)).splitlines()]
        seen = [int(row["subject"].split()[1]) for row in rows]
        self.counted(words, len(rows), done)
        if len(set(seen)) != len(seen) or len(done - set(seen)) > len(done) - self.mailbox.least(done):
            raise Lie(f"{words}: letters {sorted(seen)}; missing {sorted(done - set(seen))}")
        for row, number in zip(rows, seen):
            if row["size"] != stored_size(self.account, number):
                raise Lie(f"{words}: letter {number} has {row['size']} bytes instead of {stored_size(self.account, number)}")
        return rows, seen

    def one(self):
        """The newest that the list has, whole."""
        rows, seen = self.rows("list", "-j", "-F", "number,size,subject,flags,wire-size", self.account)
        if not rows:
            return
        number, which = str(rows[-1]["number"]), seen[-1]
        # A Maildir's letter of the same second may have come in front of it meanwhile.
        raw = self.ask("raw", self.account, number)
        which = int(re.search(r"^Subject: letter (\d+)$", raw, re.M)[1]) if self.account == "bob" else which
        if not raw.endswith("\n" + letter(which).split("\n", 1)[1]) and letter(which) not in raw:
            raise Lie(f"raw {number}: letter {which} is not whole: {raw[-80:]!r}")
        shown = json.loads(self.ask("show", "-j", self.account, number))
        subject = next(header["value"] for header in shown["headers"] if header["name"] == "Subject")
        if not shown["parts"][0]["text"].endswith("end " + subject.split()[1] + "\n") and not shown["parts"][0]["text"].endswith("end " + subject.split()[1]):
            raise Lie(f"show {number}: {subject} is not whole")

    def sums(self):
        for words in (["accounts", "-j", self.account], ["usage", "-j", self.account], ["folders", "-j", self.account]):
            done = set(self.mailbox.done)
            out = self.ask(*words).splitlines()
            if out:  # before the first letter there is no mailbox
                self.counted(words, json.loads(out[0])["messages"], done)
        done = set(self.mailbox.done)
        days = self.ask("timeline", "-j", self.account).splitlines()
        self.counted(["timeline"], sum(json.loads(day)["messages"] for day in days), done)

    def traces(self):
        done = set(self.mailbox.done)
        words = ["trace", "-j", "-n", "3", ADDRESS[self.account]]
        came = re.search(r'"came": ?(\d+)', self.ask(*words, allowed=(0, 1)))
        self.counted(words, int(came[1]) if came else 0, done)
        if done:
            first = min(done)
            hits = self.ask("trace", "-j", f"<{first}@x.example>", allowed=(0, 1)).splitlines()
            mine = [hit for hit in map(json.loads, hits) if hit["account"] == self.account]
            if len(mine) != 1 and len(done) > 1:
                raise Lie(f"trace of letter {first}: {hits}")

    def findings(self):
        found = self.ask("verify", "-j", self.account, allowed=(0, 1)).splitlines()
        bad = [row for row in map(json.loads, found) if row["severity"] != "note"]
        if bad:
            raise Lie(f"verify: {bad}")

    def everything(self):
        self.one()
        self.rows("search", "-j", "-F", "number,size,subject", self.account, "body", "end", "subject", "letter")
        self.sums()
        self.traces()
        self.findings()

    def while_any(self, threads):
        rounds = 0
        while rounds == 0 or any(thread.is_alive() for thread in threads):
            self.everything()
            rounds += 1
        return rounds


def main():
    count, command = int(sys.argv[1]), sys.argv[2:]
    mailboxes = [Mailbox("ann"), Mailbox("bob")]
    deliverers = [threading.Thread(target=deliver, args=(mailbox, count)) for mailbox in mailboxes for _ in range(2)]
    readers = [Reader(command, mailbox) for mailbox in mailboxes]
    is_over = threading.Event()
    client = threading.Thread(target=wear, args=(os.path.abspath("bob/Maildir"), is_over))
    for thread in deliverers:
        thread.start()
    if os.path.exists(DOVECOT_IMAP):
        client.start()
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            rounds = sum(pool.map(lambda reader: reader.while_any(deliverers), readers))
        for reader in readers:
            rows, _ = reader.rows("list", "-j", "-F", "number,size,subject", reader.account)
            if len(rows) != 2 * count:
                raise Lie(f"{len(rows)} letters in the end")
            reader.everything()
    finally:
        for thread in deliverers:
            thread.join()
        is_over.set()
        if client.is_alive():
            client.join()
    print(f"asked everything {rounds} times meanwhile")


try:
    main()
except Lie as lie:
    sys.exit(f"bustle: {lie}")
