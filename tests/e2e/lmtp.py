#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""lmtp.py COMMAND ...: clients of `virtmda -l`, and a server that starts it for each connection.

  accept PATH|PORT CLIENTS ARGUMENT...  listen on a Unix socket or on loopback and start ARGUMENT...
                                for each of CLIENTS connections, with the connection as its standard
                                input and output, as inetd and systemd (Accept=yes) do
  send PATH|PORT|- SENDER RECIPIENT...  send standard input with smtplib.LMTP ("-": to a virtmda -l
                                of its own); a line a recipient: its reply
  talk ARGUMENT... < LINES      start it on pipes, send the lines (with CRLF) one by one, print replies
  holders ARGUMENT...           start it with a connection as standard input, output and error, as
                                inetd does; which of its processes have it open (0 is the one
                                started), and what files those have
  wear TIMES ARGUMENT...        one session of TIMES times all that can happen in one; afterwards it must have
                                as many processes and descriptors as after the first time
  deaf HOW COUNT ARGUMENT...    send COUNT commands and read nothing until all stands still; then
                                every reply must come. "for-ever": never read; the server's status
  prefixes MAILDIR HOW ARGUMENT...  every prefix of a session, byte by byte; HOW is pipe or socket.
                                After each the Maildir must hold whole messages and no more than
                                asked for, and no process may be left
"""
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time

SESSION = (
    b"LHLO client\r\nMAIL FROM:<a@b> SIZE=40\r\nRCPT TO:<ann@one.example>\r\n"
    b"RCPT TO:<nobody@one.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\nend\r\n.\r\n"
    b"MAIL FROM:<>\r\nRCPT TO:<ann@one.example>\r\nDATA\r\nSubject: y\r\n\r\n.\r\nQUIT\r\n"
)
STORED = (
    b"Return-Path: <a@b>\nDelivered-To: ann@one.example\nSubject: x\n\n.dot\nend\n",
    b"Return-Path: <>\nDelivered-To: ann@one.example\nSubject: y\n\n",
)


def listen(where):
    if where.isdigit():
        return socket.create_server(("127.0.0.1", int(where)))
    server = socket.socket(socket.AF_UNIX)
    server.bind(where)
    os.chmod(where, 0o666)
    server.listen(64)
    return server


def accept(where, clients, *command):
    server = listen(where)
    children = []
    for _ in range(int(clients)):
        connection = server.accept()[0]
        children.append(subprocess.Popen(command, stdin=connection, stdout=connection, close_fds=True))
        connection.close()
    statuses = [child.wait() for child in children]
    print(*statuses)


class Lmtp(smtplib.LMTP):
    """smtplib takes a Unix socket's path for host; give it a socket that is there already."""

    def __init__(self, connection):
        smtplib.SMTP.__init__(self, "", 0)
        self.sock = connection
        self.file = None
        self.getreply()


def connect(where):
    for _ in range(200):
        try:
            if where.isdigit():
                return smtplib.LMTP("127.0.0.1", int(where))
            return smtplib.LMTP(where)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)
    raise SystemExit("nobody listens at " + where)


def send(where, sender, *recipients):
    if where == "-":
        ours, theirs = socket.socketpair()
        child = subprocess.Popen(["virtmda", "-l"], stdin=theirs, stdout=theirs)
        theirs.close()
        client = Lmtp(ours)
    else:
        client = connect(where)
    # What smtplib calls refused is what became of single recipients.
    try:
        refused = client.sendmail(sender, recipients, sys.stdin.buffer.read())
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    for recipient in recipients:
        code, text = refused.get(recipient, (250, b""))
        print(recipient, code, text.decode())
    client.quit()
    if where == "-" and child.wait() != 0:
        raise SystemExit("virtmda ended with %d" % child.returncode)


def talk(*command):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for line in sys.stdin.buffer.read().split(b"\n")[:-1]:
        try:
            child.stdin.write(line + b"\r\n")
            child.stdin.flush()
        except BrokenPipeError:
            break
    try:
        child.stdin.close()
    except BrokenPipeError:
        pass
    sys.stdout.buffer.write(child.stdout.read().replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    status = child.wait()
    print("status", status)


# ---- every prefix ---------------------------------------------------------------------------------


def start(how, command):
    """(process, writing end, reading end)"""
    if how == "socket":
        ours, theirs = socket.socketpair()
        child = subprocess.Popen(command, stdin=theirs, stdout=theirs, start_new_session=True)
        theirs.close()
        return child, ours, ours
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0
    )
    return child, child.stdin, child.stdout


def send_noops(writer, count, progress):
    fd = writer.fileno()
    for _ in range(count // 1000):
        data = b"NOOP\r\n" * 1000
        while data:
            try:
                data = data[os.write(fd, data) :]
            except (BrokenPipeError, ConnectionResetError):
                return
            progress.append(len(data))


def deaf(how, count, *command):
    child, writer, reader = start(how, command)
    progress, before = [], -1
    talker = threading.Thread(target=send_noops, args=(writer, 300000 if count == "for-ever" else int(count), progress))
    talker.start()
    if count == "for-ever":
        print("status", child.wait(60))
        writer.close()
        talker.join()
        return
    while len(progress) > before:
        before = len(progress)
        time.sleep(0.3)
    if not talker.is_alive():
        raise SystemExit("so much was swallowed unanswered")
    replies = 0
    while replies < 1 + int(count):  # the greeting, too
        got = os.read(reader.fileno(), 65536)
        if not got:
            break
        replies += got.count(b"\n")
    talker.join()
    writer.close()
    print("replies", replies, "status", child.wait(20))


def one_prefix(how, command, length, patient):
    child, writer, reader = start(how, command)
    for at in range(length):
        try:
            if how == "socket":
                writer.sendall(SESSION[at : at + 1])
            else:
                writer.write(SESSION[at : at + 1])
        except (BrokenPipeError, ConnectionResetError):
            raise SystemExit("hung up before byte %d" % at)
    if patient:  # nothing more to say, but all ears
        if how == "socket":
            writer.shutdown(socket.SHUT_WR)
            while reader.recv(65536):
                pass
        else:
            writer.close()
            reader.read()
    reader.close()
    writer.close()
    status = child.wait(20)
    if status != 0:
        raise SystemExit("prefix of %d bytes: status %d" % (length, status))
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    raise SystemExit("prefix of %d bytes: a process is left" % length)


def stored(maildir):
    new = os.path.join(maildir, "new")
    messages = []
    for name in os.listdir(new) if os.path.isdir(new) else []:
        path = os.path.join(new, name)
        with open(path, "rb") as file:
            messages.append(file.read())
        os.unlink(path)
    if os.path.isdir(os.path.join(maildir, "tmp")) and os.listdir(os.path.join(maildir, "tmp")):
        raise SystemExit("something is left in tmp")
    return sorted(messages)


def processes(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        children = file.read().split()
    return [pid] + [other for child in children for other in processes(int(child))]


def open_files(pid):
    directory = "/proc/%d/fd" % pid
    return [os.readlink(os.path.join(directory, fd)) for fd in os.listdir(directory)]


def holders(*command):
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    link = "socket:[%d]" % os.fstat(theirs.fileno()).st_ino
    theirs.close()
    # Behind a reply to VRFY the parent has let go.
    ours.sendall(b"LHLO me\r\nVRFY ann@one.example\r\n")
    replies = b""
    while b" 2.1.5 " not in replies:
        replies += ours.recv(4096)
    for number, pid in enumerate(processes(child.pid)):
        files = open_files(pid)
        if link in files:
            print(number, *(file for file in files if not file.startswith("socket:")))
    ours.close()
    child.wait()


# Delivered, refused, full, discarded, passed on, forgotten; in memory and by way of a file. Of a
# message's replies, the first answers the command and each None stands for one more.
WORN = (
    b"MAIL FROM:<a@b> SIZE=40", b"RCPT TO:<ann@one.example>", b"RCPT TO:<nobody@one.example>", b"RCPT TO:<void@one.example>",
    b"RCPT TO:<full@one.example>", b"RCPT TO:<broken@one.example>", b"RCPT TO:<gone@one.example>", b"DATA",
    b"Subject: x\r\n\r\nx\r\n.", None, None, b"MAIL FROM:<>", b"RCPT TO:<ann@one.example>", b"RSET", b"VRFY ann@one.example",
    b"MAIL FROM:<>", b"RCPT TO:<bob@one.example>", b"RCPT TO:<void@one.example>", b"DATA",
    b"Subject: large\r\n\r\n" + b"x" * 70 * 1024 + b"\r\n" + b"y\r\n" * 400000 + b".", None, b"MAIL FROM:<>", b"LHLO again",
    b"VRFY ann@one.example",  # answered when the parent is done with all the rest
)  # fmt: skip


def settled(pid):
    """How many descriptors each process has, once nobody is about to close or open one."""
    last, same = None, 0
    for _ in range(500):
        try:
            now = [len(open_files(member)) for member in processes(pid)]
        except FileNotFoundError:
            now = None
        same = same + 1 if now is not None and now == last else 0
        if same == 5:
            break
        last = now
        time.sleep(0.01)
    return last


def wear(times, *command):
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs)
    theirs.close()
    replies = ours.makefile("rb")

    def reply():
        while line := replies.readline():
            if line[3:4] != b"-":
                return line
        raise SystemExit("hung up")

    reply()
    ours.sendall(b"LHLO me\r\n")
    reply()
    for time_ in range(int(times)):
        heard = []
        for line in WORN:
            if line is not None:
                ours.sendall(line + b"\r\n")
            heard.append(reply()[:3].decode())
        state = settled(child.pid), " ".join(heard)
        if time_ == 0:
            first = state
        elif state != first:
            raise SystemExit("at first %s, then %s" % (first, state))
    ours.sendall(b"QUIT\r\n")
    reply()
    if child.wait() != 0:
        raise SystemExit("status %d" % child.returncode)
    print(first[1])


def prefixes(maildir, how, *command):
    first = SESSION.index(b"\r\n.\r\n") + 5
    second = SESSION.index(b"\r\n.\r\n", first) + 5
    stored(maildir)
    for length in range(len(SESSION) + 1):
        ended = (length >= first) + (length >= second)
        one_prefix(how, command, length, True)
        messages = stored(maildir)
        if messages != sorted(STORED[:ended]):
            raise SystemExit("prefix of %d bytes: %r" % (length, messages))
        # Dropped dead: what was not answered may be delivered or not, but never in part.
        one_prefix(how, command, length, False)
        messages = stored(maildir)
        if messages not in [sorted(STORED[:number]) for number in range(ended + 1)]:
            raise SystemExit("prefix of %d bytes, then dead: %r" % (length, messages))
    print("%d prefixes" % (len(SESSION) + 1))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
