#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every system call of one LMTP session fails once, falls short once where it can, and is the last of
# its process once: of the parent, the front, the workers and those who flush for them. Then each
# recipient is judged by the reply that the client got for it. 250 means exactly one whole copy. Any
# other reply, or none, can be tried again, and no reply is ever 5yz; it means no copy, unless
# somebody died or could not be heard when the copy was durable already, which LMTP cannot tell. What
# had no 250 is sent again, as a mail server would, and must arrive. Where a session has a second
# message its worker is the first one's, and one that dies while it waits costs nothing.
#
# FULL=1 takes every errno of the table instead of one or two a call.

import errno
import os
import runpy
import subprocess
import sys
import threading

sys.dont_write_bytecode = True

from world import BUILD, GID, HEAD, MESSAGE, UID, World, sweep_all  # noqa: E402

swept = runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "delivery.t"))
NOT_DURABLE = [str(getattr(errno, name)) for name in swept["NOT_DURABLE"]]
Sweep, KILLED = swept["Sweep"], swept["KILLED"]


class Client:
    """Waits for each reply; goes on without those who were refused."""

    def __init__(self, child):
        self.child = child
        self.heard = []

    def reply(self):
        while True:
            line = self.child.stdout.readline().decode()
            if not line:
                raise EOFError
            self.heard.append(line.rstrip())
            if line[:3] == "421":
                raise EOFError
            if line[3:4] != "-":
                return line

    def say(self, line):
        self.child.stdin.write(line + b"\r\n")
        self.child.stdin.flush()
        return self.reply()

    def begin(self):
        self.reply()
        self.say(b"LHLO me")

    def deliver(self, people, message):
        """(name, reply) of those who get one."""
        if self.say(b"MAIL FROM:<amy@two.example>")[0] != "2":
            return
        accepted = [name for name in people if self.say(b"RCPT TO:<%s@one.example>" % name.encode())[0] == "2"]
        if accepted and self.say(b"DATA")[0] == "3":
            self.child.stdin.write(message + b".\r\n")
            self.child.stdin.flush()
            for name in accepted:
                yield name, self.reply()
        else:
            self.say(b"RSET")


class LmtpWorld(World):
    """joe, and where there are two, ann: of the same uid or another. What is to arrive are orders:
    (who, which message)."""

    def __init__(self, format="maildir", ann=None, large=False, messages=1, **parameters):
        self.ann = ann
        super().__init__(format, **parameters)
        self.home_of_ann = self.path("ann")
        self.people = ["joe"]
        if ann is not None:
            os.mkdir(self.home_of_ann, 0o700)
            os.chown(self.home_of_ann, UID + ann, GID + ann)
            with open(self.path("etc/accounts"), "a") as out:
                out.write("ann:x:%d:%d::%s:/bin/sh:\n" % (UID + ann, GID + ann, self.home_of_ann))
            self.write("etc/virtmaps", "joe@one.example joe\nann@one.example ann\n")
            subprocess.run(
                [os.path.join(BUILD, "virtmap"), "-C", self.conf, "build"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            self.people.append("ann")
        self.messages = [
            MESSAGE.replace(b"Subject: one", b"Subject: %d" % number) + b"more\n" * (230000 if large else 0)
            for number in range(messages)
        ]
        if messages == 1:
            self.messages = [self.messages[0].replace(b"Subject: 0", b"Subject: one")]
        self.orders = [(name, number) for number in range(messages) for name in self.people]

    def converse(self, orders, wrapper=()):
        """One session; (status, {order: reply})."""
        child = subprocess.Popen(
            [*wrapper, os.path.join(BUILD, "virtmda"), "-C", self.conf, "-l"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=self.preexec,
        )
        watch = threading.Timer(20, child.kill)
        watch.start()
        client = Client(child)
        replies = {}
        try:
            client.begin()
            for number, message in enumerate(self.messages):
                people = [name for name, which in orders if which == number]
                for name, reply in client.deliver(people, message.replace(b"\n", b"\r\n")) if people else ():
                    replies[name, number] = reply
            client.say(b"QUIT")
        except (EOFError, BrokenPipeError):
            pass
        for end in (child.stdin, child.stdout):
            try:
                end.close()
            except BrokenPipeError:
                pass
        status = child.wait()
        watch.cancel()
        self.bad = [line for line in client.heard if line[:1] == "5"]
        self.said = client.heard[-1] if client.heard else ""
        return status if status >= 0 else 128 - status, replies

    def reset(self):
        super().reset()
        home = self.path("ann")
        if self.ann is not None and os.path.isdir(home):
            subprocess.run(["rm", "-rf", home + "/Maildir"], check=True)
            for part in ("", "/tmp", "/new", "/cur"):
                os.mkdir(home + "/Maildir" + part, 0o700)
                os.chown(home + "/Maildir" + part, UID + self.ann, GID + self.ann)

    def copies_of(self, order):
        name, number = order
        if name == "joe" and self.format == "mbox":
            return self.copies_mbox()
        new = os.path.join(self.maildir if name == "joe" else self.home_of_ann + "/Maildir", "new")
        wanted = [HEAD.replace(b"joe", name.encode()) + message for message in self.messages]
        count = 0
        for file in os.listdir(new) if os.path.isdir(new) else []:
            with open(os.path.join(new, file), "rb") as opened:
                found = opened.read()
            if found not in wanted:
                return "a torn message in " + file
            count += found == wanted[number]
        return count

    def left_behind(self):
        left = super().left_behind()
        tmp = self.home_of_ann + "/Maildir/tmp"
        return left + (os.listdir(tmp) if os.path.isdir(tmp) else [])


class LmtpSweep(Sweep):
    fsync_is_certain = True

    def trace(self):
        path = self.world.path("spool/trace")
        status, replies = self.world.converse(self.world.orders, wrapper=[self.inject, "-t", path])
        for order in self.world.orders:
            if status != 0 or not replies.get(order, "").startswith("250 ") or self.world.copies_of(order) != 1:
                raise SystemExit("an undisturbed session: status %d, %s" % (status, self.world.said))
        with open(path) as file:
            rows = [line.split() for line in file]
        calls, in_main = [], False
        for process, number, name in rows:
            in_main = in_main or name == "getppid"
            calls.append((int(process), int(number), name, not in_main))
        return calls

    def usual_calls(self):
        # Several processes at a time: calls come in any order, and a poll more or less.
        self.world.reset()
        return self.trace()

    def one(self, process, number, name, before_main, action):
        self.world.reset()
        self.faults += 1
        rule = "%d:%d:%s:%s" % (process, number, action, name)
        fault = "%s (%s)" % (name, rule)
        status, replies = self.world.converse(self.world.orders, wrapper=[self.inject, rule])
        if status not in (0, 75) and not (status == KILLED and action == "kill") and not before_main:
            self.complain(fault, "status %d" % status)
        if self.world.bad:
            self.complain(fault, self.world.bad[0])
        # (With helpers that flush it may be another's call, and nothing has failed.)
        certain = self.fsync_is_certain and self.world.ann != 0
        if name == "fsync" and action in NOT_DURABLE and certain and len(replies) > 0:
            if all(reply.startswith("250 ") for reply in replies.values()):
                self.complain(fault, "not durable, but 250")
        again = [order for order in self.world.orders if not self.judge_one(fault, action, order, replies)]
        self.judge_session(process, name, action, fault, again)
        self.send_again(fault, again)

    def judge_session(self, process, name, action, fault, again):
        pass

    def judge_one(self, fault, action, order, replies):
        """Has this recipient had its 250?"""
        copies = self.world.copies_of(order)
        good = replies.get(order, "").startswith("250 ")
        if isinstance(copies, str):
            self.complain(fault, "%s: %s" % (order, copies))
        elif good and copies != 1:
            self.complain(fault, "%s: 250, but %d copies" % (order, copies))
        elif not good and copies != 0 and order in replies and not self.may_be_unheard(fault, action):
            self.complain(fault, "%s: %s, but %d copies" % (order, replies.get(order), copies))
        return good

    @staticmethod
    def may_be_unheard(fault, action):
        return action == "kill" or fault.split(" ", 1)[0] in ("sendmsg", "recvmsg")

    def send_again(self, fault, again):
        before = {order: self.world.copies_of(order) for order in again}
        if not again:
            return
        status, replies = self.world.converse(again)
        for order in again:
            copies = self.world.copies_of(order)
            if status != 0 or not replies.get(order, "").startswith("250 ") or copies != before[order] + 1:
                self.complain(fault, "then again: %s: %s copies" % (order, copies))


class StayingSweep(LmtpSweep):
    """The worker of the first message, process 2, gets the second one, too."""

    def trace(self):
        calls = super().trace()
        if sum(process == 2 and name == "renameat2" for process, _, name, _ in calls) != len(self.world.orders):
            raise SystemExit("an undisturbed session has more than one worker")
        return calls

    def judge_session(self, process, name, action, fault, again):
        # It waits for a job in no other call.
        if process == 2 and name == "recvmsg" and again:
            self.complain(fault, "it had nothing to do, but %s had no 250" % again)


SWEEPS = [
    ("into a Maildir, as root", LmtpSweep, {}, True),
    ("into an mbox in root's mail directory", LmtpSweep, {"format": "mbox"}, True),
    ("two messages, one after the other", StayingSweep, {"messages": 2}, True),
    ("into two Maildirs of one uid", LmtpSweep, {"ann": 0}, True),
    ("into an mbox and a Maildir of two uids", LmtpSweep, {"ann": 1}, True),
    ("a large message", LmtpSweep, {"large": True}, True),
    ("into a Maildir, as the account", LmtpSweep, {"run_as_account": True}, False),
]

if __name__ == "__main__":
    sys.exit(sweep_all(SWEEPS, LmtpWorld))
