#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of virtmap serve; SOCKET is a path, or a port of 127.0.0.1.

socketmap.py ask SOCKET "MAP KEY"...     print each reply
socketmap.py send SOCKET TEXT            send these bytes (\\n and \\0 as in C), print what comes, to the end
socketmap.py crowd SOCKET COUNT          COUNT clients that are silent, slow, garbled, or never read, and
                                         one more that asks in between and must be answered
socketmap.py republish SOCKET COUNT COMMAND...
                                         at least COUNT questions on one connection while COMMAND N is run
                                         for N from 1 to 10 and makes a map in which gen@one.example is
                                         refused with "generation N"; every answer must be that of a map
                                         that was there while it was asked for
"""
import resource
import socket
import subprocess
import sys
import threading


def connect(where):
    if where.isdigit():
        return socket.create_connection(("127.0.0.1", int(where)), 60)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect(where)
    return client


def netstring(data):
    return b"%d:%s," % (len(data), data)


class Client:
    def __init__(self, where):
        self.socket = connect(where)
        self.file = self.socket.makefile("rb")

    def reply(self):
        length = b""
        while (c := self.file.read(1)) != b":":
            if not c:
                raise SystemExit("socketmap: the server hung up")
            length += c
        data = self.file.read(int(length))
        if self.file.read(1) != b",":
            raise SystemExit("socketmap: no comma behind %r" % data)
        return data

    def ask(self, question):
        self.socket.sendall(netstring(question))
        return self.reply()


def ask(where, *questions):
    client = Client(where)
    for question in questions:
        print(client.ask(question.encode()).decode())


def send(where, text):
    client = connect(where)
    client.sendall(text.encode().decode("unicode_escape").encode("latin-1"))
    client.shutdown(socket.SHUT_WR)
    while data := client.recv(4096):
        sys.stdout.write(data.decode())


def crowd(where, count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(int(count), hard - 64)
    good = Client(where)
    clients = []
    for i in range(count):
        client = connect(where)
        client.setblocking(False)
        clients.append(client)
        try:
            if i % 4 == 1:
                client.send(b"22:verify ann@one")
            elif i % 4 == 2:
                client.send(b"GET / HTTP/1.1\r\n\r\n")
            elif i % 4 == 3:
                # Many questions, and no answer is ever read.
                client.send(netstring(b"verify ann@one.example") * 200)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        if i % 50 == 0:
            # Only who was idle for longest may have been let go, and this one was not.
            answers = good.ask(b"verify ann@one.example"), good.ask(b"verify nobody@one.example")
            if answers[0] != b"OK OK" or not answers[1].startswith(b"OK REJECT 5.1.1 "):
                raise SystemExit("socketmap: wrong answers %r" % (answers,))
    if Client(where).ask(b"verify ann@one.example") != b"OK OK":
        raise SystemExit("socketmap: wrong answer behind the crowd")
    print(len(clients))


def republish(where, count, *command):
    started, finished, failed = [0], [0], []

    def publish():
        for n in range(1, 11):
            started[0] = n
            if subprocess.run([*command, "error:5.7.1:generation %d" % n], stdout=subprocess.DEVNULL).returncode != 0:
                failed.append(n)
            finished[0] = n

    client = Client(where)

    def generation():
        oldest = finished[0]
        answer = client.ask(b"verify gen@one.example")
        newest = started[0]
        prefix = b'OK REJECT 5.7.1 "550 generation '
        if not answer.startswith(prefix):
            raise SystemExit("socketmap: %r" % answer)
        number = int(answer[len(prefix):].rstrip(b'"'))
        if not oldest <= number <= newest:
            raise SystemExit("socketmap: %d, but only %d to %d were there" % (number, oldest, newest))

    publisher = threading.Thread(target=publish)
    publisher.start()
    questions = 0
    while publisher.is_alive() or questions < int(count):
        generation()
        if client.ask(b"verify ann@one.example") != b"OK OK":
            raise SystemExit("socketmap: ann was not found")
        if not client.ask(b"verify nobody@one.example").startswith(b"OK REJECT 5.1.1 "):
            raise SystemExit("socketmap: nobody was found")
        questions += 3
    publisher.join()
    generation()
    if failed:
        raise SystemExit("socketmap: could not publish %s" % failed)
    print(finished[0])


{"ask": ask, "send": send, "crowd": crowd, "republish": republish}[sys.argv[1]](*sys.argv[2:])
