#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes to look into, and what Python says of them.

    mailpeek.py fill MBOX MAILDIR SEED COUNT   the same random messages into both; MBOX.json keeps what was meant
    mailpeek.py agree COMMAND... -- ACCOUNT mbox:PATH|maildir:PATH
                                               run COMMAND (mailpeek with its options) and compare
    mailpeek.py letters MBOX MAILDIR SEED COUNT
                                               the same well-formed messages into both, with every kind of header
    mailpeek.py dovecot COMMAND... -- ACCOUNT mbox:PATH|maildir:PATH
                                               compare with what Dovecot's IMAP server says of the mailbox
    mailpeek.py hostile MBOX MAILDIR           what a terminal, a parser or a patient reader would not like
    mailpeek.py monsters MBOX                  what is too long, too deep or too many
    mailpeek.py snapshot DIR                   every file's content and times, read without touching
    mailpeek.py age DIR                        make every access time old enough for a read to renew it
    mailpeek.py wide COLUMNS                   fail if a line of standard input is wider
    mailpeek.py peak MIB COMMAND...            run COMMAND; fail if it took more memory

Exit status 1 with a line on standard error for each difference.
"""
import base64
import contextlib
import email.header
import email.utils
import hashlib
import imaplib
import json
import mailbox
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata

TEXTS = [
    ("us-ascii", "plain words and punctuation, (all) of <it>"),
    ("utf-8", "Grüße aus Zürich – naïve café €5"),
    ("utf-8", "日本語の件名とテスト"),
    ("utf-8", "emoji 😀 and עברית and العربية"),
    ("utf-8", "e\u0301 combining o\u0308"),
    ("iso-8859-1", "déjà vu à la carte"),
    ("iso-8859-15", "Preis: 5 € für œuvre"),
    ("windows-1252", "“quoted” – dash"),
    ("koi8-r", "Привет из Москвы"),
    ("windows-1251", "Здравствуйте, товарищи"),
    ("iso-2022-jp", "会議のお知らせ"),
    ("shift_jis", "重要なお知らせ"),
    ("euc-kr", "안녕하세요 여러분"),
    ("gb2312", "你好世界"),
    ("big5", "繁體中文主旨"),
    ("iso-8859-7", "Καλημέρα κόσμε"),
]


# ---- generating ------------------------------------------------------------------------------


def random_text(rng):
    charset, text = rng.choice(TEXTS)
    if rng.random() < 0.3:
        text = " ".join([text] * rng.randint(2, 6))
    return charset, text


def encoded(rng, charset, text):
    """The bytes of a header value, and what it means."""
    if charset == "us-ascii":
        return text.encode(), text
    if charset == "utf-8" and rng.random() < 0.3:
        return text.encode(), text
    words = encoded_words(rng, charset, text)
    return rng.choice([b" ", b"\n ", b"\r\n\t"]).join(words), text


def encoded_words(rng, charset, text):
    """RFC 2047, now and then cut within a character, as some mailers do."""
    spelled = rng.choice([charset, charset.upper(), charset + "*en"])
    data = text.encode(charset)
    step = rng.choice([9, 21, 30, 45, 200])
    if charset == "iso-2022-jp" or rng.random() < 0.5:
        pieces = [text[i : i + step].encode(charset) for i in range(0, len(text), step)]
    else:
        pieces = [data[i : i + step] for i in range(0, len(data), step)]
    for piece in pieces:
        if rng.random() < 0.5:
            body = b"?B?" + base64.b64encode(piece)
        else:
            body = b"?q?" + b"".join(b"_" if c == 32 else b"=%02X" % c for c in piece)
        yield b"=?" + spelled.encode() + body + b"?="


def random_header(rng):
    lines, meant = [], {"From": "", "Subject": ""}
    for name in rng.sample(["Received", "From", "To", "Subject", "Date", "X-Long", "Message-Id"], 7):
        if rng.random() < 0.05:
            continue
        spelled = rng.choice([name, name, name.lower(), name.upper()])
        if name == "Subject":
            value, meant[name] = encoded(rng, *random_text(rng))
            if rng.random() < 0.2:
                value, meant[name] = b"folded\n\t" + value, "folded " + meant[name]
        elif name == "From":
            value, phrase = encoded(rng, *random_text(rng))
            value, meant[name] = value + b" <a%d@x.example>" % rng.randint(0, 99), phrase
            meant[name] += " " + re.search(rb"<[^<]*>$", value)[0].decode()
        elif name == "Received":
            value = b"from a.example\n\tby b.example; Thu, 1 Jan 2026 00:00:00 +0000"
        elif name == "X-Long":
            value = b"x" * rng.choice([10, 1000, 5000])
        else:
            value = b"value of " + name.encode()
        lines.append(spelled.encode() + b":" + rng.choice([b" ", b" ", b"", b"   "]) + value + b"\n")
    return b"".join(lines), meant


def random_body(rng):
    pieces = []
    for _ in range(rng.choice([0, 1, 3, 20, 400])):
        pieces.append(
            rng.choice(
                [
                    b"a line of text\n",
                    b"\n",
                    b"From the beginning of a line\n",
                    b"From a@b.example Thu Jan  1 00:00:00 1970\n",
                    b">From quoted\n",
                    b">>From twice\n",
                    b"Status: RO\n",
                    b"CR LF\r\n",
                    b"NUL \0 and \x1b[31m escape\n",
                    bytes(rng.randrange(256) for _ in range(60)) + b"\n",
                    b"x" * rng.choice([100, 3000, 70000]) + b"\n",
                ]
            )
        )
    return b"".join(pieces)


SENDERS = ["a@b.example", "MAILER-DAEMON", "-", '"a b"@c.example', "bob at x.example "]


def from_line(rng, when, senders=None):
    sender = rng.choice(senders or SENDERS)
    date = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(when))
    zone = rng.choice(["", "", "", " +0000"])
    return f"From {sender} {date}{zone}\n".encode()


def quoted(message):
    return re.sub(rb"^(>*From )", rb">\1", message, flags=re.M)


def unquoted(message):
    return re.sub(rb"^>(>*From )", rb"\1", message, flags=re.M)


def random_message(rng):
    header, meant = random_header(rng)
    return header, random_body(rng), meant


def status_lines(flags):
    """Status and X-Status as an mbox has them for these Maildir flags, and "O" for not new."""
    status = ("R" if "S" in flags else "") + ("O" if "O" in flags else "")
    extra = "".join(mbox for maildir, mbox in (("R", "A"), ("F", "F"), ("T", "D"), ("D", "T")) if maildir in flags)
    return b"".join(
        f"{name}: {value}\n".encode() for name, value in (("Status", status), ("X-Status", extra)) if value
    )


def fill(mbox, maildir, seed, count):
    rng = random.Random(int(seed))
    meant = []
    mailbox.Maildir(maildir, create=True)
    with open(mbox, "wb") as out:
        for n in range(int(count)):
            header, body, said = random_message(rng)
            when = 1700000000 + rng.randint(0, 3) + 4 * n
            flags = "".join(flag for flag in "DFORST" if rng.random() < 0.3)
            message = header + status_lines(flags) + b"\n" + body
            out.write(from_line(rng, when) + quoted(message) + (b"" if message.endswith(b"\n") else b"\n") + b"\n")
            meant.append({"when": when, **said})
            write_maildir(rng, maildir, n, when, flags, header + b"\n" + body)
    with open(mbox + ".json", "w", encoding="utf-8") as out:
        json.dump(meant, out)


def write_maildir(rng, maildir, n, when, flags, message):
    name = f"{when}.M{rng.randrange(10**6)}P{n}.host"
    if rng.random() < 0.5:
        name += f",S={len(message)}"
    flags = "".join(flag for flag in flags if flag != "O")
    place = f"cur/{name}:2,{flags}" if flags or rng.random() < 0.5 else f"new/{name}"
    with open(os.path.join(maildir, place), "wb") as out:
        out.write(message)
    # Of the two, Dovecot believes the file's time.
    os.utime(os.path.join(maildir, place), (when, when))


# ---- comparing -------------------------------------------------------------------------------


class Python:
    """A mailbox as Python's mailbox module has it, in mailpeek's order."""

    def __init__(self, location):
        self.kind, self.path = location.split(":", 1)
        if self.kind == "mbox":
            self.box = mailbox.mbox(self.path, create=False)
            self.keys = self.box.keys()
        else:
            self.box = mailbox.Maildir(self.path, create=False)
            self.keys = sorted(self.box.keys(), key=lambda key: int(key.split(".")[0]))

    def flags(self, key):
        message = self.box.get_message(key)
        letters = message.get_flags()
        if self.kind == "mbox":
            out = "" if "R" in letters else "U" if "O" in letters else "N"
            order = (("A", "A"), ("F", "F"), ("T", "T"), ("D", "D"))
        else:
            out = "" if "S" in letters else "N" if message.get_subdir() == "new" else "U"
            order = (("R", "A"), ("F", "F"), ("P", "P"), ("D", "T"), ("T", "D"))
        return (out + "".join(shown for letter, shown in order if letter in letters)) or "-"

    def raw(self, key):
        stored = self.box.get_bytes(key)
        return unquoted(stored) if self.kind == "mbox" else stored

    def size(self, key):
        return len(self.box.get_bytes(key))

    def bytes(self):
        if self.kind == "mbox":
            return os.path.getsize(self.path)
        return sum(self.size(key) for key in self.keys)


def columns(text):
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def padded(text, width):
    return text + " " * max(0, width - columns(text))


def iso(when):
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(when))


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def expected_rows(python, meant):
    for n, (key, said) in enumerate(zip(python.keys, meant), 1):
        head = f"{n:5d}  {python.flags(key):5s}  {iso(said['when'])}  {python.size(key):10d}  "
        yield (head + padded(said["From"], 40) + "  " + said["Subject"]).rstrip()


def differences(command, account, location):
    python = Python(location)
    mbox = location.split(":", 1)[1] if python.kind == "mbox" else os.path.join(os.getcwd(), "ann/mbox")
    with open(mbox + ".json", encoding="utf-8") as file:
        meant = json.load(file)
    if len(meant) != len(python.keys):
        yield f"Python counts {len(python.keys)}, not {len(meant)}"
    rows = run(command + ["list", account]).decode().splitlines()[1:]
    expected = list(expected_rows(python, meant))
    if len(rows) != len(expected):
        yield f"list has {len(rows)} rows, Python {len(expected)}"
    for row, wanted in zip(rows, expected):
        if row.rstrip() != wanted:
            yield f"list:\n  {row}\n  {wanted}"
    for n, key in enumerate(python.keys, 1):
        if run(command + ["raw", account, str(n)]) != python.raw(key):
            yield f"raw {n} differs"
    unread = sum(python.flags(key)[0] in "NU" for key in python.keys)
    newest = iso(max(said["when"] for said in meant))
    wanted = [account, python.kind, str(len(python.keys)), str(unread), str(python.bytes()), newest, "-", "ok"]
    found = [row.split() for row in run(command + ["accounts"]).decode().splitlines() if row.split()[0] == account]
    if found != [wanted]:
        yield f"accounts:\n  {found}\n  {wanted}"


def agree(*args):
    split = args.index("--")
    found = list(differences(list(args[:split]), *args[split + 1 :]))
    for line in found[:20]:
        print(line, file=sys.stderr)
    return 1 if found else 0


# ---- beside Dovecot --------------------------------------------------------------------------

DOVECOT_IMAP = "/usr/lib/dovecot/imap"


def address(rng):
    """The bytes of an address, and (phrase, address) as meant."""
    charset, text = random_text(rng)
    mail = "a%d@x.example" % rng.randint(0, 99)
    if charset == "us-ascii":
        return rng.choice([b'"%s" <%s>' % (text.encode(), mail.encode()), mail.encode()])
    return b" ".join(encoded_words(rng, charset, text)) + b" <" + mail.encode() + b">"


def letter(rng, n):
    """A well-formed message whose headers IMAP takes apart."""
    lines = [b"From: " + address(rng)]
    for name, most in ((b"To", 3), (b"Cc", 2), (b"Reply-To", 1)):
        if count := rng.randint(0, most):
            lines.append(name + b": " + b",\n\t".join(address(rng) for _ in range(count)))
    if rng.random() < 0.95:
        lines.append(b"Subject: " + encoded(rng, *random_text(rng))[0].replace(b"\r\n", b"\n"))
    if rng.random() < 0.9:
        when = 1600000000 + rng.randint(0, 10**8)
        zone = rng.choice([0, 3600, -18000, 20700])
        lines.append(
            (time.strftime("Date: %a, %d %b %Y %H:%M:%S ", time.gmtime(when + zone))
             + "%s%02d%02d" % ("-" if zone < 0 else "+", abs(zone) // 3600, abs(zone) % 3600 // 60)).encode()
        )  # fmt: skip
    lines.append(b"Message-ID: <%d.%d@x.example>" % (n, rng.randrange(10**6)))
    rng.shuffle(lines)
    return b"\n".join(lines) + b"\n"


def letters(mbox, maildir, seed, count):
    rng = random.Random(int(seed))
    mailbox.Maildir(maildir, create=True)
    with open(mbox, "wb") as out:
        for n in range(int(count)):
            header, body = letter(rng, n), random_body(rng)[:20000].replace(b"\0", b"0")
            when = 1700000000 + 7 * n
            flags = "".join(flag for flag in "DFORST" if rng.random() < 0.3)
            message = header + status_lines(flags) + b"\n" + body
            # Dovecot takes no blanks in a sender.
            out.write(from_line(rng, when, SENDERS[:3]) + quoted(message))
            out.write(b"\n" if message.endswith(b"\n") else b"\n\n")
            write_maildir(rng, maildir, n, when, flags, header + b"\n" + body)


LITERAL, ATOM = re.compile(rb"\{(\d+)\}(?:\r\n)?"), re.compile(rb"[^ ()]+")


def parse_imap(data, at=0):
    """One IMAP value: a list, a string, an atom or None; and where it ends."""
    while data[at : at + 1] == b" ":
        at += 1
    if data[at : at + 1] == b"(":
        values, at = [], at + 1
        while data[at : at + 1] != b")":
            value, at = parse_imap(data, at)
            values.append(value)
            while data[at : at + 1] == b" ":
                at += 1
        return values, at + 1
    if data[at : at + 1] == b'"':
        end = at + 1
        while data[end : end + 1] != b'"':
            end += 2 if data[end : end + 1] == b"\\" else 1
        return re.sub(rb"\\(.)", rb"\1", data[at + 1 : end], flags=re.S), end + 1
    if literal := LITERAL.match(data, at):
        start = literal.end()
        return data[start : start + int(literal[1])], start + int(literal[1])
    atom = ATOM.match(data, at)[0]
    return (None if atom == b"NIL" else atom), at + len(atom)


@contextlib.contextmanager
def imap_server(kind, path):
    """Dovecot's IMAP server, started by hand on a copy of the mailbox."""
    home = tempfile.mkdtemp(prefix="dovecot", dir="/var/tmp")
    try:
        if kind == "maildir":
            shutil.copytree(path, home + "/inbox")
            place = "maildir:%s/inbox:INDEX=MEMORY" % home
        else:
            shutil.copyfile(path, home + "/inbox")
            place = "mbox:%s/mail:INBOX=%s/inbox:INDEX=MEMORY" % (home, home)
        with open(home + "/conf", "w", encoding="utf-8") as conf:
            conf.write("protocols = imap\nmail_location = %s\n" % place)
        command = "USER=somebody HOME=%s %s -c %s/conf 2>%s/errors" % (home, DOVECOT_IMAP, home, home)
        server = imaplib.IMAP4_stream(command)
        server.select("INBOX", readonly=True)
        yield server
        server.logout()
    finally:
        shutil.rmtree(home)


def imap_rows(server):
    found = server.fetch("1:*", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")[1]
    text = b""
    for piece in found:
        text += piece[0] + b"\r\n" + piece[1] if isinstance(piece, tuple) else piece + b"\n"
    at = 0
    while match := re.compile(rb"\s*\d+ (?=\()").match(text, at):
        values, at = parse_imap(text, match.end())
        yield dict(zip(values[::2], values[1::2]))


def meaning(raw):
    """A header's text, by Python's decoder."""
    if raw is None:
        return None
    text = re.sub(r"\r?\n(?=[ \t])", "", raw.decode("utf-8", "surrogateescape"))
    if "=?" in text:
        # Words of one charset may cut a character in two: joined before they are decoded.
        joined = []
        for piece, charset in email.header.decode_header(re.sub(r"\*en\?", "?", text)):
            piece = piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogateescape")
            if joined and joined[-1][1] == charset and charset:
                joined[-1][0] += piece
            else:
                joined.append([piece, charset])
        text = "".join(piece.decode(charset or "utf-8") for piece, charset in joined)
    return " ".join(text.split())


def addresses(envelope):
    """Its addresses as a header shows them, decoded, without quotes."""
    found = [(meaning(name), (box + b"@" + host).decode()) for name, _, box, host in envelope or []]
    return ", ".join(f"{name} <{mail}>" if name else mail for name, mail in found) or None


def squeezed(text):
    return None if text is None else " ".join(text.split())


def hidden(kind, stored):
    """Bytes on the wire that Dovecot leaves out of an mbox's message, less those it keeps of the quoting."""
    if kind != "mbox":
        return 0
    head, _, _ = stored.partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if line.lower().startswith((b"status:", b"x-status:"))]
    return sum(len(line) + 2 for line in lines) - len(re.findall(rb"^>+From ", stored, flags=re.M))


FLAG_NAMES = {b"\\Seen": "seen", b"\\Answered": "answered", b"\\Flagged": "flagged", b"\\Draft": "draft", b"\\Deleted": "deleted"}
ENVELOPE = ("sent", "subject", "from", None, None, "to", "cc", None, None, "message-id")


def compare_row(row, imap, key, python):
    when = time.mktime(imaplib.Internaldate2tuple(b'INTERNALDATE "' + imap[b"INTERNALDATE"] + b'"'))
    yield "date", row["date"], iso(when)
    yield "flags", sorted(set(row["flags"]) - {"recent", "passed"}), sorted(FLAG_NAMES[f] for f in imap[b"FLAGS"] if f in FLAG_NAMES)
    yield "wire-size", row["wire-size"] - hidden(python.kind, python.box.get_bytes(key)), int(imap[b"RFC822.SIZE"])
    for name, value in zip(ENVELOPE, imap[b"ENVELOPE"]):
        if name == "sent":
            sent = value and iso(email.utils.mktime_tz(email.utils.parsedate_tz(value.decode())))
            yield name, row[name], sent or None
        elif name in ("from", "to", "cc"):
            yield name, squeezed(row[name] and row[name].replace('"', "")), addresses(value)
        elif name:
            yield name, squeezed(row[name]), meaning(value)


# Search terms that are spelled the same, and texts that stand for themselves.
SEARCHES = ["unseen", "flagged", "answered not deleted", "larger 10000", "smaller 10000", "since 15-Nov-2023", "before 15-Nov-2023",
            "on 14-Nov-2023", "draft", "not seen flagged", "header Cc x.example", "body beginning", "from a7@x", "to a1"]
TEXT_SEARCHES = [("text", "zürich"), ("text", "nothing like it")] + [
    (word, text) for word in ("subject", "from") for text in
    ("zürich", "ZÜRICH", "москвы", "件名", "café €5", "DÉJÀ", "הער", "o\u0308", "nothing like it", "안녕하세요")]


def folded(text):
    return unicodedata.normalize("NFKD", text or "").upper().lower()


def numbers(command, account, terms):
    command = command + ["search", "-0", "-F", "number", account, *terms]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode > 1:
        raise SystemExit(f"{command} ended with {done.returncode}")
    return done.stdout.replace(b"\0", b" ").split()


def search_differences(command, account, server, rows):
    for terms in SEARCHES:
        our, their = numbers(command, account, [terms]), server.search(None, terms)[1][0].split()
        if our != their:
            yield f"search {terms}:\n  {our}\n  {their}"
    for word, text in TEXT_SEARCHES:
        server.literal = text.encode()
        our, their = numbers(command, account, [word, text]), server.search("UTF-8", word)[1][0].split()
        # Dovecot does not join words that were cut within a character; Python has done it here.
        missed = set(their) - set(our)
        if word != "text":
            place = ENVELOPE.index(word)
            meant = [addresses(row[b"ENVELOPE"][place]) if word == "from" else meaning(row[b"ENVELOPE"][place]) for row in rows]
            missed |= set(our) ^ {b"%d" % n for n, value in enumerate(meant, 1) if folded(text) in folded(value)}
        if missed:
            yield f"search {word} {text}:\n  {our}\n  {their}\n  {missed}"


def dovecot_differences(command, account, location):
    python = Python(location)
    fields = "number,flags,date,wire-size,sent,from,to,cc,subject,message-id"
    rows = [json.loads(line) for line in run(command + ["list", "-j", "-F", fields, account]).splitlines()]
    with imap_server(*location.split(":", 1)) as server:
        theirs = list(imap_rows(server))
        yield from search_differences(command, account, server, theirs)
    if not len(rows) == len(theirs) == len(python.keys):
        yield f"{len(rows)} messages, Dovecot has {len(theirs)}, Python {len(python.keys)}"
        return
    for row, imap, key in zip(rows, theirs, python.keys):
        for what, our, their in compare_row(row, imap, key, python):
            if our != their:
                yield f"message {row['number']}, {what}:\n  {our!r}\n  {their!r}"


def dovecot(*args):
    split = args.index("--")
    found = list(dovecot_differences(list(args[:split]), *args[split + 1 :]))
    for line in found[:20]:
        print(line, file=sys.stderr)
    return 1 if found else 0


# ---- hostile ---------------------------------------------------------------------------------

DANGEROUS = [
    b"\x1b]0;title\x07\x1b[2J\x1b[31m",
    b"\x9b31m\xc2\x9b31m",
    "\u202eesrever\u2066\u200b\u2028\ufeff".encode(),
    b"=?utf-8?q?=1B[2J=0D=0Agone=07=C2=9B=E2=80=AE?=",
    b"=?utf-8?b?G1sySg0K?=",
    b"=?iso-2022-jp?q?=1B$B=1B?=",
    b"=?utf-7?q?+ABs-[2J?=",
    b"=?no-such-charset?q?=FF=1B?=",
    b"=?../../../etc/passwd?q?x?=",
    b"=?utf-8?q?" + b"=FF" * 100 + b"?=",
    b"nul \0 in \0 between",
    b"cr \r in between",
    b"\xff\xfe\xfa\x80",
    "a".encode() + "\u0301".encode() * 5000,
    b"=?utf-8?q?" * 3000,
    b"x" * 300000,
    b"\\^[ not an escape",
    b"",
]


def hostile(mbox, maildir):
    mailbox.Maildir(maildir, create=True)
    with open(mbox, "wb") as out:
        for n, text in enumerate(DANGEROUS):
            message = b"From: " + text + b" <a@b>\nSubject: " + text + b"\n\n" + text + b"\n"
            out.write(b"From a@b Thu Jan  1 00:00:00 1970\n" + quoted(message) + b"\n")
            with open(os.path.join(maildir, f"cur/{n}.x:2,"), "wb") as file:
                file.write(message)
        out.write(b"From a@b Thu Jan  1 00:00:00 1970\n" + b"X: y\n" * 100000 + b"Subject: beyond\n\nbody\n\n")
        out.write(b"From a@b Thu Jan  1 00:00:00 1970\nSubject: ")
        for _ in range(64):
            out.write(b"y" * 1024 * 1024)
        out.write(b"\n\nbody\n\nFrom a@b Thu Jan  1 00:00:00 1970\nSubject: the last\n\nbody\n\n")
    for name in (b"cur/\x1b[2J", b"new/\xff\xfe:2,\x80S", b"cur/1.\xe2\x80\xae:2,"):
        with open(os.path.join(os.fsencode(maildir), name), "wb") as file:
            file.write(b"Subject: odd name\n\n")


def monsters(mbox):
    """Messages that are too much of something."""
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(10000))
    long_name = b"".join(b" filename*%d*=utf-8''%%41%%42;\n" % n for n in range(5000))
    messages = [
        b"X-Header: value\n" * 100000 + b"\nbody\n",
        nested + b"\nthe innermost\n",
        b"Content-Type: message/rfc822\n\n" * 10000 + b"Subject: innermost\n\ntext\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100000 + b"--b--\n",
        b"Subject: long\n\n" + b"a line of text\n" * 200000,
        b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B\x1b(" * 100000 + b"\xff" * 100000 + b"\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment;\n" + long_name
        + b" x=y\n\n" + b"-" * 1000000 + b"\n--b--\n",
    ]
    with open(mbox, "wb") as out:
        for message in messages:
            out.write(b"From a@b Thu Jan  1 00:00:00 1970\n" + message + b"\n")


# ---- looking at a tree -----------------------------------------------------------------------


def entries(directory):
    if not os.path.isdir(directory):
        yield directory
        return
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOATIME)
    try:
        names = sorted(os.listdir(fd), key=os.fsencode)
    finally:
        os.close(fd)
    yield directory
    for name in names:
        path = os.path.join(directory, name)
        if os.path.isdir(path) and not os.path.islink(path):
            yield from entries(path)
        else:
            yield path


def digest(path):
    fd = os.open(path, os.O_RDONLY | os.O_NOATIME)
    with open(fd, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def snapshot(directory):
    for path in entries(directory):
        st = os.lstat(path)
        content = digest(path) if os.path.isfile(path) and not os.path.islink(path) else "-"
        print(
            ascii(path), st.st_ino, oct(st.st_mode), st.st_nlink, st.st_uid, st.st_size,
            st.st_mtime_ns, st.st_atime_ns, st.st_ctime_ns, content,
        )  # fmt: skip


def age(directory):
    for path in entries(directory):
        os.utime(path, (1000000000, 1000000001), follow_symlinks=False)


def wide(limit):
    lines = [line.rstrip("\n") for line in sys.stdin if columns(line.rstrip("\n")) > int(limit)]
    for line in lines:
        print(f"{columns(line)} columns: {line}", file=sys.stderr)
    return 1 if lines else 0


def peak(mib, *command):
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    if taken <= int(mib):
        return 0
    print(f"{taken} MiB, more than {mib}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    verbs = {verb.__name__: verb for verb in (fill, agree, letters, dovecot, hostile, monsters, snapshot, age, wide, peak)}
    sys.exit(verbs[sys.argv[1]](*sys.argv[2:]))
