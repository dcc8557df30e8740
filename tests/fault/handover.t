#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every system call of one hand-over, alone or in an LMTP session beside a mailbox, fails once, falls short once where it can, and is the last of
# its process once; sendmail's own calls among them (a small stand-in that keeps what it takes). Status
# 0 means exactly one message taken, and a notice where a member was refused; status 75 none, unless
# something was killed or an answer was lost behind the final dot; status 69, of a list of which
# sendmail has the rest, that the caller will bounce. LMTP's replies 250 and 4yz mean the same, and no
# reply is 5yz.
#
# FULL=1 takes every errno of the table instead of one or two a call.

import os
import runpy
import subprocess
import sys

sys.dont_write_bytecode = True

from world import BUILD, FULL, GID, IS_ROOT, UID, World, compile_tool, sweep_all  # noqa: E402

here = os.path.dirname(os.path.abspath(__file__))
swept = runpy.run_path(os.path.join(here, "delivery.t"))
lmtp = runpy.run_path(os.path.join(here, "lmtp.t"))
Sweep, LmtpWorld, LmtpSweep = swept["Sweep"], lmtp["LmtpWorld"], lmtp["LmtpSweep"]


class HandoverWorld(World):
    """joe@one.example is a list of two elsewhere."""

    def __init__(self, refuse=None, **parameters):
        self.taken = None
        super().__init__("mbox", **parameters)
        self.taken = self.path("taken")
        os.mkdir(self.taken, 0o755)
        compile_tool(self.taken, "sink.c")
        if refuse:
            self.write("taken/SINK-REFUSE", refuse)
        self.refuse = refuse
        self.write("etc/virtmaps", "joe@one.example ann@far.example, bob@far.example\n")
        with open(self.conf, "a") as out:
            out.write("sendmail = %s/sink\n" % self.taken)
        if self.as_account and IS_ROOT:
            os.chown(self.taken, UID, GID)
        subprocess.run(
            [os.path.join(BUILD, "virtmap"), "-C", self.conf, "build"],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def reset(self):
        super().reset()
        self.reset_taken()

    def reset_taken(self):
        if self.taken:
            for name in os.listdir(self.taken):
                if name.startswith(("taken.", "part.")):
                    os.unlink(os.path.join(self.taken, name))

    def messages(self):
        """What was taken: how many of the message, how many notices; or a text."""
        message = notice = 0
        for name in os.listdir(self.taken):
            if not name.startswith("taken."):
                continue
            with open(os.path.join(self.taken, name), "rb") as file:
                text = file.read()
            if text.startswith(b"MAIL FROM:<>"):
                notice += b"\r\nFinal-Recipient: rfc822; bob@far.example\r\n" in text
                continue
            if not text.endswith(b"\r\nlast\r\n") or text.count(b"Delivered-To:") != 1:
                return "a torn message: %r" % text
            message += 1
        return (message, notice)

    def copies(self):
        found = self.messages()
        return found if isinstance(found, str) else found[0]

    def left_behind(self):
        return os.listdir(self.spool)


class WithSendmail(Sweep):
    def usual_calls(self):
        # The stand-in's and the speaker's calls may come in any order: it is enough that the
        # last trace had them.
        self.world.reset()
        return self.trace()

    def actions(self, name):
        """One errno a call will do: what is done about it does not depend on which."""
        errors = 0
        for action in super().actions(name):
            errors += action.isdigit()
            if FULL or errors < 2 or not action.isdigit():
                yield action

    def run(self):
        calls = self.usual_calls()
        sendmail = {process for process, _, name, _ in calls if name == "rename"}
        for process, number, name, before_main in calls:
            if before_main and not FULL:
                continue
            # Of sendmail's own faults it may make what it likes; dying is ours to stand.
            for action in ["kill"] if process in sendmail else self.actions(name):
                if not (name == "setgroups" and action == "ok"):  # there may be none to give up
                    self.twice(process, number, name, before_main, action)

    @staticmethod
    def behind_the_dot(fault, killed):
        """Somebody died between the dot and the answer, or the answer could not be given or
        heard: SMTP cannot tell (RFC 1047)."""
        name = fault.split(" ", 1)[0]
        return killed or name in ("read", "write", "poll", "ppoll", "mmap", "brk")


class HandoverSweep(WithSendmail):

    def judge(self, fault, action, status):
        found = self.world.messages()
        if isinstance(found, str):
            return self.complain(fault, found)
        message, notice = found
        killed = action == "kill"
        if status not in (0, 69, 75) and not (status == 128 + 9 and killed):
            return self.complain(fault, "status %d" % status)
        if status == 0 and (message != 1 or notice != bool(self.world.refuse)):
            return self.complain(fault, "status 0, but %d taken, %d notices" % found)
        if status == 69 and not (self.world.refuse and message == 1):
            return self.complain(fault, "status 69, but %d taken, %d notices" % found)
        if status == 69 and notice and not self.behind_the_dot(fault, killed):
            return self.complain(fault, "status 69, and a notice, too")
        if status == 75 and message and not self.behind_the_dot(fault, killed):
            return self.complain(fault, "status 75, but %d taken" % message)
        if action == "short" and status == 75 and not fault.startswith("pread64"):
            return self.complain(fault, "falling short is no error, but status 75")
        if action == "ok" and status == 0:
            return self.complain(fault, "did nothing, and was not noticed")
        # The spool file has a name for as long as the parent takes to open it twice.
        if self.world.left_behind() and " (0:" not in fault:
            return self.complain(fault, "left behind %s" % self.world.left_behind())
        return None


class BesideWorld(LmtpWorld):
    """joe, who has a Maildir, and far@one.example, who is elsewhere."""

    def __init__(self, **parameters):
        self.taken = None
        super().__init__(**parameters)
        self.taken = self.path("taken")
        os.mkdir(self.taken, 0o755)
        compile_tool(self.taken, "sink.c")
        self.write("etc/virtmaps", "joe@one.example joe\nfar@one.example ann@far.example\n")
        with open(self.conf, "a") as out:
            out.write("sendmail = %s/sink\nlmtp_reply_timeout = 8\n" % self.taken)
        subprocess.run(
            [os.path.join(BUILD, "virtmap"), "-C", self.conf, "build"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.people.append("far")
        self.orders.append(("far", 0))

    reset_taken = HandoverWorld.reset_taken

    def reset(self):
        super().reset()
        self.reset_taken()

    def copies_of(self, order):
        if order[0] != "far":
            return super().copies_of(order)
        whole = [file for file in os.listdir(self.taken) if file.startswith("taken.")]
        for file in whole:
            with open(os.path.join(self.taken, file), "rb") as opened:
                text = opened.read()
            if not text.endswith(b"\r\nlast\r\n") or text.count(b"Delivered-To:") != 1:
                return "a torn message: %r" % text
        return len(whole)


class BesideSweep(LmtpSweep, WithSendmail):
    """Worker and sendmail begin at the same time: which of them a number means is not certain, so
    a stand-in that cannot answer must not be waited for very long."""

    world_kind = BesideWorld
    run, actions = WithSendmail.run, WithSendmail.actions
    fsync_is_certain = False

    @classmethod
    def may_be_unheard(cls, fault, action):
        return LmtpSweep.may_be_unheard(fault, action) or cls.behind_the_dot(fault, action == "kill")


SWEEPS = [
    ("a list handed over, as root", HandoverSweep, {}, True),
    ("one member refused, as root", HandoverSweep, {"refuse": "bob@"}, True),
    ("a list handed over, as an ordinary user", HandoverSweep, {"run_as_account": True}, False),
    ("by LMTP, beside a Maildir", BesideSweep, {}, True),
]

if __name__ == "__main__":
    sys.exit(sweep_all(SWEEPS, HandoverWorld))
