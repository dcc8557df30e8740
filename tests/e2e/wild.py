#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail as it is found, not as it should be, and what others say of it.

    wild.py fill MBOX MAILDIR SEED COUNT       the same messages into both: many charsets and shapes
    wild.py agree COMMAND... -- ACCOUNT mbox:PATH|maildir:PATH
                                               run COMMAND (mailpeek with its options) and compare with
                                               Dovecot (IMAP and doveadm) and Python's mailbox module
    wild.py reasons                            the words for where readers differ, a line each
    wild.py split COMMAND... -- ACCOUNT mbox:PATH SEED COUNT
                                               mboxes that readers cut differently: does each reader
                                               find the messages that the manual says?

What mailpeek says must be what the manual's rules make of the bytes (class Meant); what another
reader says must be the same, or the bytes must have a property for which the manual says that
readers differ (CLASSES). Exit status 1 with a line on standard error for each difference that has
no such reason, and for each reason that no message gave.
"""
import base64
import codecs
import contextlib
import email.parser
import email.policy
import functools
import imaplib
import json
import mailbox
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from mailpeek import ENVELOPE, FLAG_NAMES, folded, hidden, imap_server, iso, numbers, parse_imap, quoted, run, squeezed, status_lines, write_maildir

TEXTS = [
    ("us-ascii", "plain words, (all) of it"), ("utf-8", "Grüße aus Zürich – naïve café €5"),
    ("utf-8", "日本語の件名とテスト 😀"), ("iso-8859-1", "déjà vu à la carte"),
    ("iso-8859-2", "Příliš žluťoučký kůň"), ("iso-8859-3", "Ĉu ŝanĝo ĥoro ĵaŭdo"), ("iso-8859-4", "Ķēniņš ūdens"),
    ("iso-8859-5", "Добрый день"), ("iso-8859-6", "مرحبا بالعالم"), ("iso-8859-7", "Καλημέρα κόσμε"),
    ("iso-8859-8", "שלום עולם"), ("iso-8859-9", "İyi günler şığ"), ("iso-8859-10", "Góðan daginn þið"),
    ("iso-8859-13", "Labą dieną žąsų"), ("iso-8859-14", "Ŵyr ŷd Ṫír"), ("iso-8859-15", "Preis: 5 € für œuvre"),
    ("iso-8859-16", "Bună ziua ș ț"), ("koi8-r", "Привет из Москвы"), ("koi8-u", "Їжак і ґава"),
    ("windows-1250", "„Dzień dobry” żółw"), ("windows-1251", "Здравствуйте, товарищи"),
    ("windows-1252", "“quoted” – dash"), ("windows-1253", "Καλημέρα Άννα"), ("windows-1254", "Şişli ğ ı"),
    ("windows-1255", "שלום לכולם"), ("windows-1256", "السلام عليكم"), ("windows-1257", "Sveiki, žmonės"),
    ("iso-2022-jp", "会議のお知らせ"), ("shift_jis", "重要なお知らせ"), ("euc-jp", "拝啓 時下"),
    ("euc-kr", "안녕하세요 여러분"), ("iso-2022-kr", "안녕히 가세요"), ("gb2312", "你好世界"), ("gbk", "繁體與简体"),
    ("gb18030", "漢字𠀀と"), ("big5", "繁體中文主旨"), ("utf-7", "Grüße & Küsse"), ("cp437", "Büro ½"),
    ("macintosh", "Señor “Ñ”"), ("tis-620", "สวัสดี"), ("utf-16be", "Zürich"),
]  # fmt: skip

ADDRESSES = [
    b"a@b.example", b"Ann <a@b.example>", b'"Ann B." <a@b.example>', b'"Ann \\"Q\\" B" <a@b.example>',
    b"Ann (comment) <a@b.example>", b"a@b.example (Ann Comment)", b"a@b.example (Ann (nested) C)",
    b"a (x) @ (y) b.example", b"undisclosed-recipients:;", b"Group: a@b.example, Bob <b@c.example>;",
    b"Group: a@b.example;, x@y.example", b"<@r1,@r2:a@b.example>", b"Ann <a@b.example>, Bob <b@c.example>",
    b"Ann <a@b.example>,\n Bob <b@c.example>", b"<a@b.example>", b"<>", b"", b"ann", b"Ann <ann>", b"Ann <a@b.example",
    b'"Ann <a@b.example>', b"Ann a@b.example", b"Ann <a@b.example> trailing", b'"a b"@c.example', b'"a\\"b"@c.example',
    b"a..b@c.example", b"a@[192.0.2.1]", b"a@b@c.example", b",a@b.example,,b@c.example,", b"Ann B. C. <a@b.example>",
    b"=?utf-8?q?Z=C3=BCri?= <z@b.example>", b'"=?utf-8?q?Z=C3=BCri?=" <z@b.example>',
    b"=?utf-8?q?Z=C3=BC?= =?utf-8?q?ri?= <z@b.example>", b"=?iso-8859-1?q?Z=FCri=2C_B?= <z@b.example>, b@c.example",
    b"z@b.example (=?utf-8?q?Z=C3=BCri?=)", "Zü <zü@bücher.example>".encode(), b"Z\xfc <z@b.example>",
    b"=?utf-8?q?a=40b?= <a@b.example>", b"Ann <a@b.example>; Bob <b@c.example>", b"a@b.example (unterminated",
]  # fmt: skip

# What all read alike,
DATES = [
    b"Fri, 2 Jan 2026 12:49:00 +0100", b"2 Jan 2026 12:49:00 +0100", b"Fri, 2 Jan 2026 12:49 +0100",
    b"Fri, 02 Jan 26 12:49:00 +0100", b"Fri, 2 Jan 99 12:49:00 GMT", b"Fri, 2 Jan 49 12:49:00 GMT",
    b"Fri, 2 Jan 50 12:49:00 GMT", b"Fri, 2 Jan 126 12:49:00 GMT", b"Fri, 2 Jan 2026 12:49:00 EST",
    b"Fri, 2 Jan 2026 12:49:00 PDT", b"Fri, 2 Jan 2026 12:49:00 Z", b"Fri, 2 Jan 2026 12:49:00 A",
    b"Fri, 2 Jan 2026 12:49:00 UT", b"Fri, 2 Jan 2026 12:49:00 CET", b"Fri, 2 Jan 2026 12:49:00 MET DST",
    b"Fri, 2 Jan 2026 12:49:00", b"Fri, 2 Jan 2026 12:49:00 +0100 (CET)", b"Fri, 2 Jan 2026 12:49:00 (comment) +0100",
    b"Fri,  2  Jan  2026  12:49:00  +0100", b"Fri, 2 Jan 2026\n 12:49:00 +0100", b"Fri,2 Jan 2026 12:49:00 +0100",
    b"Mon, 2 Jan 2026 12:49:00 +0100", b"fri, 2 jan 2026 12:49:00 +0100", b"2026-01-02T12:49:00Z",
    b"Fri, 31 Feb 2026 12:49:00 +0000", b"Fri, 32 Jan 2026 12:49:00 +0000", b"Fri, 0 Jan 2026 12:49:00 +0000",
    b"Fri, 2 Jan 2026 25:61:61 +0000", b"Fri, 2 Jan 2026 24:00:00 +0000", b"Fri, 2 Jan 2026 23:59:60 +0000",
    b"Fri, 2 Jan 2026 12:49:00 -0000", b"Fri, 2 Jan 2026 12:49:00 +01:00", b"Fri, 2 Jan 2026 12.49.00 +0100",
    b"Thu, 1 Jan 1970 00:00:01 +0000", b"Wed, 31 Dec 1969 23:59:59 +0000", b"Fri, 2 Jan 10000 12:49:00 +0000", b"yesterday",
    b"", b"2", b"Fri, 2 Jan", b"Fri, 2 Jan 2026 12:49:00 +1", b"Fri, 2 Jan 2026 12:49:00 +010",
    b"Tue, 29 Feb 2028 12:00:00 +0000", b"Wed, 29 Feb 2023 12:00:00 +0000",
]  # fmt: skip
# what only mailpeek reads,
ODD_DATES = {
    b"Fri 2 Jan 2026 12:49:00 +0100": "2026-01-02T11:49:00+0000",
    b"Friday, 2 January 2026 12:49:00 +0100": "2026-01-02T11:49:00+0000",
    b"Fri Jan  2 12:49:00 2026": "2026-01-02T12:49:00+0000",
    b"Fri Jan  2 12:49:00 CET 2026": "2026-01-02T12:49:00+0000",
    b"2026-01-02 12:49:00": "2026-01-02T12:49:00+0000",
    b"01/02/2026 12:49": "2026-01-02T12:49:00+0000",
    b"Fri, 2 Jan 0000 12:49:00 +0000": "2000-01-02T12:49:00+0000",
    b"Fri, 2 Jan 2026": "2026-01-02T00:00:00+0000",
    b"Fri, 2 Jan 2026 1:2:3 +0100": "2026-01-02T00:02:03+0000",
    b'"Fri, 2 Jan 2026 12:49:00 +0100"': "2026-01-02T12:49:00+0000",
}
# a zone that is none,
ODD_ZONES = {
    b"Fri, 2 Jan 2026 12:49:00 +9900": "2026-01-02T12:49:00+0000",
    b"Fri, 2 Jan 2026 12:49:00 \xfc": "2026-01-02T12:49:00+0000",
}
# and what does not fit into Dovecot's 32 bits.
FAR_DATES = {
    b"Thu, 1 Jan 1970 00:00:00 +0000": "1970-01-01T00:00:00+0000",
    b"Sat, 1 Jan 1900 00:00:00 +0000": None,
    b"Fri, 2 Jan 2126 12:49:00 +0000": "2126-01-02T12:49:00+0000",
    b"Fri, 2 Jan 9999 12:49:00 +0000": "9999-01-02T12:49:00+0000",
}
OTHER_DATES = {**ODD_DATES, **ODD_ZONES, **FAR_DATES}

IDS = [
    b"<1@x.example>", b"<1@x.example> (comment)", b"1@x.example", b"<1 2@x.example>", b"\n <1@x.example>",
    b"<1@x.example", b"<a@x> <b@x>", b"", b"<" + b"x" * 900 + b"@y>", b"<\xc3\xbc@x>", b"<\xfc@x>", b"<=?utf-8?q?x?=@y>",
]  # fmt: skip


# ---- generating ------------------------------------------------------------------------------


def codec(charset):
    return {"macintosh": "mac-roman"}.get(charset, charset)


def words(rng, charset, said, step=None):
    """RFC 2047; with `step` cut every so many bytes, whatever they are."""
    data = said.encode(codec(charset))
    for piece in [data] if step is None else [data[i : i + step] for i in range(0, len(data), step)]:
        if rng.random() < 0.5:
            body = b"?B?" + base64.b64encode(piece)
        else:
            body = b"?q?" + b"".join(bytes([c]) if chr(c).isalnum() and c < 128 else b"=%02X" % c for c in piece)
        yield b"=?" + charset.encode() + body + b"?="


def subject(rng):
    charset, said = rng.choice(TEXTS)
    raw = said.encode(codec(charset)).replace(b"\n", b" ").replace(b"\r", b" ")
    some = list(words(rng, charset, said, rng.choice([None, None, 3, 5, 9, 20])))
    gap = rng.choice([b" ", b"\n ", b"\n\t", b"  ", b" \n  ", b"\t"])
    left, right = (next(words(rng, "utf-8", text)) for text in "éü")
    broken = b"".join(b"=%02X" % c for c in said.encode()[:-1])
    return rng.choice([
        gap.join(some), gap.join(some), b"Re: " + gap.join(some) + b" (fwd)", b"Re:" + some[0] + b"fwd", b"".join(some),
        left + gap + some[0] + gap + right, raw, raw, raw + b" " + some[0], said.encode()[:-1] + b"\xff\xc3( \xed\xa0\x80",
        b"=?utf-8?q?" + broken + b"=FF=C3?= tail", some[0][:-1], some[0][:-2] + b" tail", b"=?x-none?q?caf=E9?=",
        b"=?utf-8?x?caf=E9?=", b"=?utf-8?b?Z*3!LDvMOfZQ?=", b"=?utf-8?b?R3LDvMOfZQ?= =?utf-8?b?R3I?=", b"=?utf-8?q?a b c?=",
        b"=?utf-8?q?a=G1=4?=", b"=?utf-8?q??= x =?utf-8?b??=", b"", b" ", b"\n ", b" \n \n x", b"a\n b\n\tc", b"a \n  b",
        b"\n a", b"a\n \n b", b"a\t\tb  c", b"nul \0 here", b"cr \r here", b"esc \x1b[31m", b"bell \a \x7f", b"\x9b2J",
    ])  # fmt: skip


def address(rng):
    if rng.random() < 0.3:
        return b" ".join(words(rng, *rng.choice(TEXTS), rng.choice([None, 4]))) + b" <a@b.example>"
    return rng.choice(ADDRESSES)


def head(rng, n):
    lines = [(b"X-N", b"%d" % n)]
    for names, counts, value in (
        ([b"Subject", b"subject", b"SUBJECT"], [1, 1, 1, 1, 0, 2], subject), ([b"From"], [1, 1, 1, 0, 2], address),
        ([b"To"], [1, 0, 0], address), ([b"Cc"], [1, 0, 0], address),
        ([b"Date"], [1, 1, 1, 0, 2], lambda rng: rng.choice(DATES + list(OTHER_DATES))),
        ([b"Message-ID", b"Message-Id"], [1, 1, 1, 0, 2], lambda rng: rng.choice(IDS)),
    ):  # fmt: skip
        lines += [(rng.choice(names), value(rng)) for _ in range(rng.choice(counts))]
    rng.shuffle(lines)
    return b"".join(name + b":" + rng.choice([b" ", b" ", b"", b"  ", b"\t"]) + value + b"\n" for name, value in lines)


def leaf(rng):
    """Header and body of a part that has none of its own."""
    charset, said = rng.choice(TEXTS)
    data = (said + "\n").encode(codec(charset)) * rng.choice([1, 3, 40])
    kind = rng.random()
    if kind < 0.3:
        return b"Content-Type: text/plain; charset=" + charset.encode() + b"\nContent-Transfer-Encoding: base64\n", base64.encodebytes(data)
    if kind < 0.5:
        escaped = b"".join(b"=%02X" % c for c in data)
        lines = b"=\n".join(escaped[i : i + 72] for i in range(0, len(escaped), 72))
        return b'Content-Type: text/plain; charset="' + charset.encode() + b'"\nContent-Transfer-Encoding: quoted-printable\n', lines + b"\n"
    if kind < 0.6:
        return b"Content-Type: application/octet-stream;\n name*=utf-8''%C3%BC.bin\nContent-Transfer-Encoding: base64\n", b"AAECAw==\n"
    if kind < 0.7:
        return b"Content-Disposition: attachment;\n filename*0*=utf-8''%E2%82%AC%20; filename*1=\"rates\"\n", b"x\n"
    if kind < 0.75:
        return b"Content-Type: nonsense\n", b"what is it\n"
    return b"", b"beginning and end\n"


def body(rng, depth=0):
    """Header lines and body of a part."""
    kind = rng.random()
    if depth > 3 or kind < 0.5:
        return leaf(rng)
    if kind < 0.6:
        inner_head, inner = body(rng, depth + 1)
        return b"Content-Type: message/rfc822\n", head(rng, 0) + inner_head + b"\n" + inner
    mark = rng.choice([b"b%d" % depth, b"=_x", b"b", b"with blank"])
    text = rng.choice([b"", b"", b"preamble\n"])
    for _ in range(rng.choice([0, 1, 2, 2, 3])):
        part_head, part = body(rng, depth + 1)
        text += rng.choice([b"", b"\n"]) + b"--" + mark + rng.choice([b"", b"", b" "]) + b"\n" + part_head + b"\n" + part
    text += rng.choice([b"\n--" + mark + b"--\n", b"\n--" + mark + b"--\nepilogue\n", b"", b"--other--\n"])
    return b'Content-Type: multipart/mixed; boundary="' + mark + b'"\n', text


def message(rng, n):
    lines = head(rng, n)
    kind = rng.random()
    if kind < 0.03:
        return lines if kind < 0.02 else lines[:-1]
    if kind < 0.05:
        return lines + b"\n"
    if kind < 0.06:
        return b"\n" + lines
    if kind < 0.09:
        lines += rng.choice([b"no colon here\nX-Behind: y\n", b"X Blank: y\n", b"X-Blank : y\n", b":no name\n", b"X-\xfc: y\n"])
    part_head, text = body(rng)
    if kind < 0.2:
        part_head, text = b"", b"x" * rng.choice([10, 1000, 100000]) + rng.choice([b"\n", b"", b"\r", b"\r\n", b"\0\n", b"\n\n\n"])
    whole = lines + b"MIME-Version: 1.0\n" + part_head + b"\n" + text
    if kind > 0.93:
        whole = whole.replace(b"\n", b"\r\n")
    elif kind > 0.9:
        whole = b"".join(line + rng.choice([b"\n", b"\r\n"]) for line in whole.split(b"\n"))
    return whole


def fill(mbox, maildir, seed, count):
    rng = random.Random(int(seed))
    mailbox.Maildir(maildir, create=True)
    with open(mbox, "wb") as out:
        for n in range(int(count)):
            whole = message(rng, n)
            when = 1700000000 + 7 * n
            flags = "".join(flag for flag in "DFORST" if rng.random() < 0.3)
            out.write(time.strftime("From a@b.example %a %b %e %H:%M:%S %Y\n", time.gmtime(when)).encode())
            stored = quoted(status_lines(flags) + whole)
            out.write(stored + (b"\n" if stored.endswith(b"\n") else b"\n\n"))
            write_maildir(rng, maildir, n, when, flags, whole)


# ---- what is meant ---------------------------------------------------------------------------


@functools.cache
def fields(stored):
    """The header's fields by the manual's rules: [(name, value as it stands)]."""
    header = re.split(rb"^\r?\n", stored, maxsplit=1, flags=re.M)[0]
    found = []
    for line in re.findall(rb"[^\n]*\n?(?:[ \t][^\n]*\n?)*", header):
        name, colon, value = line.partition(b":")
        if colon and name and not re.search(rb"[ \n]|^\t", name):
            found.append((name.lower(), value))
    return found


def first(stored, name):
    return next((value for found, value in fields(stored) if found == name.encode()), None)


def unfolded(value):
    return re.sub(rb"\r?\n[ \t]*", b" ", re.sub(rb"\r?\n\Z", b"", value)).strip(b" \t")


WORD = re.compile(rb"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=")


def guessed(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def unpacked(word):
    """The bytes in an encoded word."""
    charset, how, text = word.groups()
    if how in b"qQ":
        return charset, re.sub(rb"=([0-9A-Fa-f]{2})", lambda hexed: bytes.fromhex(hexed[1].decode()), text.replace(b"_", b" "))
    text = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
    return charset, base64.b64decode(text[: len(text) // 4 * 4 + (len(text) % 4 if len(text) % 4 > 1 else 0)] + b"=" * (-len(text) % 4))


def converted(charset, data, strictly=False):
    charset = codec(charset.decode("latin-1").split("*")[0])
    try:
        return data.decode(charset)
    except LookupError:
        return guessed(data) if not strictly else None
    except UnicodeDecodeError:
        return data.decode(charset, "each") if not strictly else None


def each_byte(error):
    """A mark for each byte without meaning; of a character of several bytes that lacks its last, none."""
    return "" if re.search("incomplete multibyte|truncated", error.reason) else "?" * (error.end - error.start), error.end


codecs.register_error("each", each_byte)


def pieces(value):
    """Runs of words and what stands between them: ("words", [(charset, bytes)]) and ("raw", bytes)."""
    found, at = [], 0
    for word in WORD.finditer(value):
        between = value[at : word.start()]
        if between.strip(b" \t") or not found or found[-1][0] != "words":
            found += [("raw", between), ("words", [])]
        found[-1][1].append(unpacked(word))
        at = word.end()
    return found + [("raw", value[at:])]


def joined(run_of_words):
    together = []
    for charset, data in run_of_words:
        if together and together[-1][0].lower() == charset.lower():
            together[-1][1] += data
        else:
            together.append([charset, data])
    return together


@functools.cache
def meant(value):
    out = ""
    for kind, what in pieces(unfolded(value)):
        if kind == "raw":
            out += "".join(guessed(token) for token in re.split(rb"([ \t]+)", what))
        else:
            out += "".join(converted(charset, data) for charset, data in joined(what))
    return out.replace("\0", "\ufffd")  # in JSON


# ---- where others differ ---------------------------------------------------------------------


def all_words(value):
    return [word for kind, what in pieces(unfolded(value)) if kind == "words" for word in what]


def all_joined(value):
    return [word for kind, what in pieces(unfolded(value)) if kind == "words" for word in joined(what)]


def is_known(charset):
    return converted(charset, b"x", strictly=True) is not None or charset.lower().startswith(b"utf-16")


def has_cut_words(value):
    return any(is_known(c) and converted(c, data, strictly=True) is None for c, data in all_words(value)) or any(
        converted(c, d, strictly=True) not in (None, "".join(converted(c, x) for c, x in what))
        for kind, what in pieces(unfolded(value)) if kind == "words" for c, d in joined(what))


def has_broken_words(value):
    return any(is_known(c) and converted(c, data, strictly=True) is None for c, data in all_joined(value))


def has_unknown_charset(value):
    return any(not is_known(charset) for charset, _ in all_words(value))


def is_no_utf8(value):
    return any(guessed(what) != what.decode("utf-8", "replace") for kind, what in pieces(unfolded(value)) if kind == "raw")


def has_combining_charset(value):
    return any(c.lower() in (b"windows-1255", b"windows-1258") for c, _ in all_words(value))


def has_bad_base64(value):
    return any(re.search(rb"[^A-Za-z0-9+/=]", text) or len(text) % 4 for _, how, text in WORD.findall(value) if how in b"bB")


HEADER_CLASSES = {
    "no UTF-8": is_no_utf8,
    "unknown charset": has_unknown_charset,
    "without a meaning in its charset": has_broken_words,
    "cut within a character": has_cut_words,
    "windows-1255 or windows-1258": has_combining_charset,
    "base64 that is not well-formed": has_bad_base64,
}


# ---- comparing -------------------------------------------------------------------------------


class Report:
    def __init__(self):
        self.lines, self.reasons = [], {}

    def compare(self, where, our, their, classes=(), value=b""):
        if our == their:
            return
        reason = next((name for name, has in classes if has(value)), None)
        if reason is None:
            self.lines.append(f"{where}:\n  {our!r}\n  {their!r}\n  {value[:300]!r}")
        else:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def end(self, reasons):
        """Tell; a reason that nothing had is none that the manual need give."""
        unused = sorted(set(reasons) - set(self.reasons))
        for line in self.lines[:20]:
            print(line, file=sys.stderr)
        for reason in unused:
            print(f"no message shows the difference: {reason}", file=sys.stderr)
        return 1 if self.lines or unused else 0


@contextlib.contextmanager
def copy_of(kind, path):
    home = tempfile.mkdtemp(prefix="doveadm", dir="/var/tmp")
    try:
        (shutil.copytree if kind == "maildir" else shutil.copyfile)(path, home + "/inbox")
        place = "maildir:%s/inbox" % home if kind == "maildir" else "mbox:%s/mail:INBOX=%s/inbox" % (home, home)
        with open(home + "/conf", "w", encoding="utf-8") as conf:
            conf.write("protocols = imap\nmail_location = %s:INDEX=MEMORY\n" % place)
        yield home
    finally:
        shutil.rmtree(home)


def doveadm_rows(kind, path, names):
    with copy_of(kind, path) as home:
        command = ["doveadm", "-c", home + "/conf", "-f", "json", "fetch", names, "mailbox", "INBOX", "all"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=dict(os.environ, USER="somebody", HOME=home))
    return json.loads(done.stdout.decode("utf-8", "surrogateescape"), strict=False)


def compare_headers(report, number, row, stored, python, doveadm):
    for name in ("subject", "from", "to", "cc", "message-id"):
        value = first(stored, name)
        our = row[name]
        where = f"message {number}, {name}"
        report.compare(where + " as meant", our, None if value is None else meant(value))
        value = b"" if value is None else value
        their = doveadm[f"hdr.{name}.utf8"].split("\n")[0]
        report.compare(where + " of Dovecot", squeezed(our or ""), squeezed(their), HEADER_CLASSES.items(), value)
        their = python.get(name)
        report.compare(where + " of Python", None if first(stored, name) is None else squeezed(guessed(unfolded(value))), None if their is None else squeezed(guessed(str(their).encode("utf-8", "surrogateescape"))))


DATE_CLASSES = {
    "not as RFC 5322 has it": lambda value: value in ODD_DATES,
    "zone that does not exist": lambda value: value in ODD_ZONES,
    "before 1970 or after 2106": lambda value: value in FAR_DATES,
}


def compare_date(report, number, row, stored, doveadm):
    value = first(stored, "date")
    value = b"" if value is None else unfolded(value)
    their = int(doveadm["date.sent.unixtime"])
    if value in OTHER_DATES:
        report.compare(f"message {number}, sent as meant", row["sent"], OTHER_DATES[value])
    report.compare(f"message {number}, sent of Dovecot", row["sent"], iso(their) if their else None, DATE_CLASSES.items(), value)


def mailboxes(envelope):
    """What stands around the @ in the addresses of an IMAP address list."""
    return [box + b"@" + host for _, _, box, host in envelope or [] if box and host and not re.search(b"MISSING_|SYNTAX_ERROR", box + host)]


def compare_envelope(report, number, row, stored, imap):
    """Of several headers of a name ENVELOPE has the last one, or the addresses of all."""
    envelope = dict(zip(ENVELOPE, imap[b"ENVELOPE"]))
    values = {}
    for name, value in fields(stored):
        values.setdefault(name.decode("latin-1"), []).append(unfolded(value))
    for name in ("from", "to", "cc"):
        text = row[name] if len(values.get(name, [])) < 2 else ",".join(map(meant, values[name]))
        text = re.sub(r"\([a-z]\)", "", bare(text or ""))  # a comment within an address
        for box in map(bare, map(guessed, mailboxes(envelope[name]))):
            report.compare(f"message {number}, {name} of ENVELOPE", box if box in text else text, box)
    for name in ("subject", "message-id"):
        value = values.get(name, [None])[-1]
        report.compare(f"message {number}, {name} of ENVELOPE", None if value is None else value.replace(b"\0", b"\xef\xbf\xbd").split(), None if envelope[name] is None else envelope[name].split())


def bare(text):
    return re.sub(r'["\\\s]', "", text)


def compare_state(report, number, row, imap, gone):
    flags = sorted(FLAG_NAMES[flag] for flag in imap[b"FLAGS"] if flag in FLAG_NAMES)
    report.compare(f"message {number}, flags", sorted(set(row["flags"]) - {"recent", "passed"}), flags)
    when = time.mktime(imaplib.Internaldate2tuple(b'INTERNALDATE "' + imap[b"INTERNALDATE"] + b'"'))
    report.compare(f"message {number}, date", row["date"], iso(when))
    report.compare(f"message {number}, wire-size", row["wire-size"] - gone, int(imap[b"RFC822.SIZE"]))


def sections(structure, section=""):
    """[(section, type)] of a BODYSTRUCTURE, in order."""
    if isinstance(structure[0], list):
        children = [part for part in structure if isinstance(part, list)]
        children = children[: next(n for n, part in enumerate(structure) if not isinstance(part, list))]
        yield section, "multipart/" + structure[len(children)].decode().lower()
        for n, child in enumerate(children, 1):
            yield from sections(child, f"{section}.{n}" if section else str(n))
        return
    kind = (structure[0] + b"/" + structure[1]).decode().lower()
    yield section or "1", kind
    if kind == "message/rfc822":
        inner, section = structure[8], section or "1"
        yield from sections(inner, section if isinstance(inner[0], list) else section + ".1")


def with_a_part(parts):
    """IMAP has no multipart without a part; Dovecot gives it one."""
    for n, (section, kind) in enumerate(parts):
        yield section, kind
        first_child = f"{section}.1" if section else "1"
        if kind.startswith("multipart/") and first_child not in [name for name, _ in parts[n + 1 :]]:
            yield first_child, "text/plain"


def compare_parts(report, number, command, account, imap):
    shown = json.loads(run(command + ["show", "-j", account, str(number)]))
    our = [(part["section"], part["type"]) for part in shown["parts"]]
    their = [(name, "text/plain" if kind == "nonsense/" else kind) for name, kind in sections(imap[b"BODYSTRUCTURE"])]
    report.compare(f"message {number}, parts", list(with_a_part(our)), their)


SEARCHED = 300
TERMS = ["unseen", "flagged", "answered not deleted", "draft", "since 16-Nov-2023", "before 15-Nov-2023", "on 14-Nov-2023",
         "header cc b.example", "header x-n 1", "header message-id x", "not subject e", "from a@b", "to c.example", "body beginning",
         "body preamble", "body epilogue", "text application", "body what", "text b.example"]  # fmt: skip


PHRASE = rb"(?:[^<>@,;:()\"\\\\]|\"[^\"\\\\]*\")*"
PLAIN = rb"(?:" + PHRASE + rb"<[^<>@ ]+@[\w.]+>|[\w.]+@[\w.]+)"


def is_odd_address(value):
    """Not just phrases and addresses: Dovecot searches what its parser makes of them."""
    return not re.fullmatch(PLAIN + rb"(?:,\s*" + PLAIN + rb")*", unfolded(value)) or b".." in value


def within(stored):
    return re.sub(rb"\r\n", b"\n", stored).partition(b"\n\n")[2]


def search_classes(word, text):
    """Why Dovecot may find other messages with it."""
    if word == "body":
        inner = re.compile(rb"^[\w-]+:.*(?:\n[ \t].*)*", re.M)
        return {
            "header of a part": lambda data: any(folded(text) in folded(meant(line)) for line in inner.findall(within(data))),
            "type is not of two words": lambda data: b"Content-Type: nonsense" in data,
        }
    classes = {**HEADER_CLASSES, **({"address that is malformed": is_odd_address} if word in ("from", "to", "cc") else {})}
    values = lambda data: [value for name, value in fields(data) if name == word.encode()]
    return {name: lambda data, has=has: any(map(has, values(data))) for name, has in classes.items()}


SEARCHES = [("from", "a@b"), ("to", "c.example"), ("subject", "e"), ("body", "beginning"), ("body", "preamble"), ("body", "epilogue"),
            ("body", "what"), ("body", "b.example")] + [(word, text) for _, text in TEXTS[1::10] for word in ("subject", "from", "body")]  # fmt: skip
SEARCHED = 300
TERMS = ["unseen", "flagged", "answered not deleted", "draft", "since 16-Nov-2023", "before 15-Nov-2023", "on 14-Nov-2023",
         "header cc b.example", "header x-n 1", "header message-id x", "not subject e", "from a@b", "to c.example", "body beginning",
         "body preamble", "body epilogue", "text application", "body what", "text b.example"]  # fmt: skip


PHRASE = rb"(?:[^<>@,;:()\"\\\\]|\"[^\"\\\\]*\")*"
PLAIN = rb"(?:" + PHRASE + rb"<[^<>@ ]+@[\w.]+>|[\w.]+@[\w.]+)"


def is_odd_address(value):
    """Not just phrases and addresses: Dovecot searches what its parser makes of them."""
    return not re.fullmatch(PLAIN + rb"(?:,\s*" + PLAIN + rb")*", unfolded(value)) or b".." in value


def within(stored):
    return re.sub(rb"\r\n", b"\n", stored).partition(b"\n\n")[2]


def search_classes(word, text):
    """Why Dovecot may find other messages with it."""
    if word == "body":
        inner = re.compile(rb"^[\w-]+:.*(?:\n[ \t].*)*", re.M)
        return {
            "header of a part": lambda data: any(folded(text) in folded(meant(line)) for line in inner.findall(within(data))),
            "type is not of two words": lambda data: b"Content-Type: nonsense" in data,
        }
    classes = {**HEADER_CLASSES, **({"address that is malformed": is_odd_address} if word in ("from", "to", "cc") else {})}
    values = lambda data: [value for name, value in fields(data) if name == word.encode()]
    return {name: lambda data, has=has: any(map(has, values(data))) for name, has in classes.items()}


SEARCHES = [("from", "a@b"), ("to", "c.example"), ("subject", "e"), ("body", "beginning"), ("body", "preamble"), ("body", "epilogue"),
            ("body", "what"), ("body", "b.example")] + [(word, text) for _, text in TEXTS for word in ("subject", "from", "body")]  # fmt: skip
SEARCHED = 300
TERMS = ["unseen", "flagged", "answered not deleted", "draft", "since 16-Nov-2023", "before 15-Nov-2023", "on 14-Nov-2023",
         "header x-n 1", "header message-id x", "larger 5000"]  # fmt: skip


def compare_search(report, command, account, server, stored):
    """In the first few hundred messages: to search them takes either server a moment for each term."""
    stored = stored[:SEARCHED]
    for term in TERMS:
        our, their = numbers(command, account, [f"1:{SEARCHED} {term}"]), server.search(None, f"1:{SEARCHED} {term}")[1][0].split()
        report.compare(f"search {term}", our, their)
    for word, text in SEARCHES:
        server.literal = text.encode()
        our = set(numbers(command, account, [f"1:{SEARCHED}", word, text]))
        their = set(server.search("UTF-8", f"1:{SEARCHED} {word}")[1][0].split())
        classes = search_classes(word, text).items()
        for name in our ^ their:
            report.compare(f"message {name}, search {word} {text}", name in our, name in their, classes, stored[int(name) - 1])
        if word != "body":
            has = [any(folded(text) in folded(meant(value)) for found, value in fields(data) if found == word.encode()) for data in stored]
            report.compare(f"search {word} {text} as meant", our, {b"%d" % number for number, is_there in enumerate(has, 1) if is_there})


def imap_rows(server):
    found = server.fetch("1:*", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)")[1]
    text = b"".join(piece[0] + b"\r\n" + piece[1] if isinstance(piece, tuple) else piece + b"\n" for piece in found)
    at = 0
    while match := re.compile(rb"\s*\d+ (?=\()").match(text, at):
        values, at = parse_imap(text, match.end())
        yield dict(zip(values[::2], values[1::2]))


def agree(*args):
    split = args.index("--")
    command, (account, location) = list(args[:split]), args[split + 1 :]
    kind, path = location.split(":", 1)
    report = Report()
    names = "number,flags,date,size,wire-size,sent,from,to,cc,subject,message-id"
    rows = [json.loads(line) for line in run(command + ["list", "-j", "-F", names, account]).splitlines()]
    box = mailbox.mbox(path, create=False) if kind == "mbox" else mailbox.Maildir(path, create=False)
    keys = box.keys() if kind == "mbox" else sorted(box.keys(), key=lambda key: int(key.split(".")[0]))
    stored = [box.get_bytes(key) for key in keys]
    parser = email.parser.BytesHeaderParser(policy=email.policy.compat32)
    doveadm = doveadm_rows(kind, path, "hdr.subject.utf8 hdr.from.utf8 hdr.to.utf8 hdr.cc.utf8 hdr.message-id.utf8 date.sent.unixtime size.physical")
    with imap_server(kind, path) as server:
        imaps = list(imap_rows(server))
        compare_search(report, command, account, server, stored)
    report.compare("count", (len(rows),) * 3, (len(doveadm), len(imaps), len(stored)))
    for number, (row, data, theirs, imap) in enumerate(zip(rows, stored, doveadm, imaps), 1):
        report.compare(f"message {number}, size", row["size"], len(data))
        compare_headers(report, number, row, data, {k.lower(): v for k, v in reversed(parser.parsebytes(data)._headers)}, theirs)
        compare_date(report, number, row, data, theirs)
        compare_envelope(report, number, row, data, imap)
        compare_state(report, number, row, imap, hidden(kind, data))
        if number % 4 == 0 and re.search(b"multipart|rfc822", data):
            compare_parts(report, number, command, account, imap)
    return report.end(REASONS)


REASONS = [*HEADER_CLASSES, *DATE_CLASSES, *search_classes("body", ""), "address that is malformed"]


def reasons():
    print("\n".join(REASONS))


# ---- where messages begin ----------------------------------------------------------------------

# Lines, whether they begin a message behind an empty line for mailpeek, and wherever they stand for
# Dovecot. For Python all do.
FROM_LINES = [
    (b"From a@b Thu Jan  1 00:00:00 1970", True, True),
    (b"From a@b.example Thu Jan  1 00:00 1970", True, True),
    (b"From a@b Thu Jan  1 00:00:00 1970 +0100", True, True),
    (b"From a@b Thu Jan  1 00:00:00 MET 1970", True, True),
    (b"From a@b Thu Jan  1 00:00:00 1970 remote from host", True, True),
    (b'From "a b"@c Thu Jan 01 00:00:60 1970', True, True),
    (b"From - Thu Jan 1 00:00:00 1970", True, True),
    (b"From a@b Thu, 1 Jan 1970 00:00:00 +0000", True, True),
    # blanks in the sender, or none; more than one; a short hour; a long zone
    (b"From a b Thu Jan  1 00:00:00 1970", True, False),
    (b"From bob at x.example  Thu Jan  1 00:00:00 1970", True, False),
    (b"From Thu Jan  1 00:00:00 1970", True, False),
    (b"From a@b\tThu Jan  1 00:00:00 1970", True, False),
    (b"From a@b  Thu  Jan  1  00:00:00  1970", True, False),
    (b"From a@b Thu Jan  1 0:00:00 1970", True, False),
    (b"From a@b Thu Jan  1 00:00:00 MET DST 1970", True, False),
    # dates that are none, and what stands behind one
    (b"From a@b Thu Jan  1 24:00:00 1970", False, True),
    (b"From a@b Thu Jan 32 00:00:00 1970", False, True),
    (b"From a@b Foo Jan  1 00:00:00 1970", False, True),
    (b"From a@b thu jan  1 00:00:00 1970", False, True),
    (b"From a@b Thu Jan  1 00:00:00 1870", False, True),
    (b"From a@b Thu Jan  1 00:00:00 1970 it was", False, True),
    # sentences
    (b"From here on", False, False),
    (b"From a@b Thu Jan  1 00:00:00 70", False, False),
    (b"From Monday on", False, False),
]


def random_mbox(rng):
    """Its bytes, and the numbers of the messages that mailpeek, Dovecot and Python begin."""
    begun, text, behind_empty = ([0], [0], [0]), FROM_LINES[0][0] + b"\nX-N: 0\n\nbody\n", False
    for number in range(1, 60, 3):
        kind = rng.random()
        if kind < 0.15:  # the two inner messages are none for who believes the length
            inner = b"".join(b"\n%s\nX-N: %d\n\nbody\n" % (FROM_LINES[0][0], number + n) for n in (1, 2))
            length, is_believed = rng.choice([(len(inner), True), (len(inner) - 3, False), (len(inner) + 3, False), (10**9, False)])
            text += b"\n" + FROM_LINES[0][0] + b"\nX-N: %d\nContent-Length: %d\n\n" % (number, length) + inner
            is_apart = rng.random() < 0.5
            text += (b"\n" if is_apart else b"") + FROM_LINES[0][0] + b"\nX-N: %d\n\nbody\n" % (number + 60)
            for who, hides in enumerate((is_believed, is_believed and is_apart, False)):
                begun[who].extend([number] if hides else [number, number + 1, number + 2])
                if who != 0 or is_apart or is_believed:
                    begun[who].append(number + 60)
            continue
        line, ours, dovecots = rng.choice(FROM_LINES)
        is_apart = rng.random() < 0.7
        quotes = rng.choice([b"", b"", b"", b">", b">>"])
        text += (b"\n" if is_apart else b"") + quotes + line + b"\nX-N: %d\n\nbody\n" % number
        for who, begins in enumerate((ours and is_apart, dovecots, True)):
            if begins and not quotes:
                begun[who].append(number)
    return text, begun


def split(*args):
    at = args.index("--")
    command, (account, location, seed, count) = list(args[:at]), args[at + 1 :]
    rng, path, report = random.Random(int(seed)), location.split(":", 1)[1], Report()
    for number in range(int(count)):
        text, begun = random_mbox(rng)
        line_end = rng.choice([b"\n", b"\n", b"\r\n"])
        if b"Content-Length" not in text:
            text = text.replace(b"\n", line_end)
        with open(path, "wb") as out:
            out.write(text)
        rows = run(command + ["list", "-j", "-F", "header:x-n", account]).splitlines()
        box = mailbox.mbox(path, create=False)
        found = ([json.loads(row)["x-n"] for row in rows], [row["hdr.x-n"] for row in doveadm_rows("mbox", path, "hdr.x-n")],
                 [box[key]["X-N"] for key in box.keys()])  # fmt: skip
        for who, numbers_found, numbers_begun in zip(("mailpeek", "Dovecot", "Python"), found, begun):
            report.compare(f"mbox {number} of {who}", [int(n) for n in numbers_found], numbers_begun, (), text)
    return report.end(())


if __name__ == "__main__":
    verbs = {verb.__name__: verb for verb in (fill, agree, reasons, split)}
    sys.exit(verbs[sys.argv[1]](*sys.argv[2:]))
