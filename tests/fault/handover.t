#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every system call of one hand-over fails once, falls short once where it can, and is the last of
# its process once; sendmail's own calls among them (a small stand-in that keeps what it takes). Status
# 0 means exactly one message taken, and a notice where a member was refused; status 75 none, unless
# something was killed or an answer was lost behind the final dot; status 69, of a list of which
# sendmail has the rest, that the caller will bounce.
#
# FULL=1 takes every errno of the table instead of one or two a call.

import os
import runpy
import subprocess
import sys

sys.dont_write_bytecode = True

from world import BUILD, FULL, GID, IS_ROOT, UID, World, compile_tool, sweep_all  # noqa: E402

swept = runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "delivery.t"))
Sweep = swept["Sweep"]


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


class HandoverSweep(Sweep):
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
        # Parent, as root the one that reads standard input, who looks for a loop, speaker, sendmail.
        sendmail = 3 if self.world.as_account else 4
        for process, number, name, before_main in self.usual_calls():
            if before_main and not FULL:
                continue
            # Of sendmail's own faults it may make what it likes; dying is ours to stand.
            for action in ["kill"] if process == sendmail else self.actions(name):
                if not (name == "setgroups" and action == "ok"):  # there may be none to give up
                    self.twice(process, number, name, before_main, action)

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

    @staticmethod
    def behind_the_dot(fault, killed):
        """Somebody died between the dot and the answer, or the answer could not be given or
        heard: SMTP cannot tell (RFC 1047)."""
        name = fault.split(" ", 1)[0]
        return killed or name in ("read", "write", "poll", "ppoll", "mmap", "brk")


SWEEPS = [
    ("a list handed over, as root", HandoverSweep, {}, True),
    ("one member refused, as root", HandoverSweep, {"refuse": "bob@"}, True),
    ("a list handed over, as an ordinary user", HandoverSweep, {"run_as_account": True}, False),
]

if __name__ == "__main__":
    sys.exit(sweep_all(SWEEPS, HandoverWorld))
