#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""oracle.py [MAPS [ADDRESSES]]: does virtmap resolve as sendmail's own virtusertable does?

Random maps are compiled twice, by `virtmap build` and by makemap for FEATURE(`virtusertable');
random addresses are asked of both: `virtmap resolve -q`, and `sendmail -bt` (who gets it) and, where
that says error, `sendmail -bs` (the reply that a client would see). SEED in the environment
repeats a run. Exit status 1 with map, address and both answers at the first difference.

Left out, because only one of the two has it or means the same by it:
  .domain, @, lists, discard:   virtusertable has no such thing
  postmaster                    has a setting of its own in virtmda
  quoted local parts            virtmda gets them without quotes, virtusertable looks them up with
  loops                         an error when a virtmap is built; sendmail gives up while routing
  an account that is not there  virtusertable does not know accounts, so all names exist here

Where the two are meant to differ, because virtmda defers for what is a mistake in the map: a target
that comes out without a user part ("%2@d" where there is no detail; sendmail says 5.1.3), and one
that names an address without a mapping.
"""
import os
import random
import re
import shutil
import subprocess
import sys

DIRECTORY = "/run/oracle"
DOMAINS = ["d%d.example" % n for n in range(5)] + ["a.d0.example", "with-dash.example"]
ELSEWHERE = ["far.example.org", "x.far.example.org"]
USERS = ["u0", "u1", "u2", "first.last", "dash-ed", "under_score", "x", "0815"]
DETAILS = ["x", "y", "x.y", "x+y", "lists-dev", "+", "*", "++"]
NAMES = ["acc0", "acc1", "acc.two", "acc-3"]
ERRORS = [
    "error:nouser No such user here",
    "error:nouser 550 No such user here",
    "error:nohost No such host",
    "error:unavailable Not now nor ever",
    "error:tempfail Try later",
    "error:tempfail 450 Try later",
    "error:protocol What did you say",
    "error:usage Look it up",
    "error:config Our fault",
    "error:software Our fault too",
    "error:67 By number",
    "error:69 By number",
    "error:75 By number",
    "error:5.7.1:550 Refused for good",
    "error:5.7.1:Refused without a code",
    "error:5.1.1:User has left",
    "error:4.2.1:450 Switched off for now",
    "error:4.7.1:Switched off without a code",
    "error:5.2.2:552 Mailbox is full",
]

MC = """include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`virtusertable', `hash %(d)s/virtusertable')dnl
VIRTUSER_DOMAIN_FILE(`%(d)s/domains')dnl
define(`QUEUE_DIR', `%(d)s/queue')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          encoding="utf-8", **more)


def random_target(rng, domain):
    """Domains lead only to later ones, so no chain comes back to itself."""
    later = DOMAINS[DOMAINS.index(domain) + 1:] + ELSEWHERE
    kind = rng.random()
    if kind < 0.30:
        return rng.choice(NAMES + USERS)
    if kind < 0.45:
        return rng.choice(["%1", "%1%3", "acc0+%2", "acc1%3", "acc0+fixed", "%1+fixed"])
    if kind < 0.60:
        return "%s@%s" % (rng.choice(USERS), rng.choice(later))
    if kind < 0.85:
        return "%s@%s" % (rng.choice(["%1", "%1%3", "%1+%2", "u0%3", "u1+%2", "%2"]), rng.choice(later))
    return rng.choice(ERRORS)


def random_key(rng, domain):
    user, kind = rng.choice(USERS), rng.random()
    if kind < 0.35:
        local = user
    elif kind < 0.50:
        local = "%s+%s" % (user, rng.choice(DETAILS[:5]))
    elif kind < 0.62:
        local = user + "++"
    elif kind < 0.74:
        local = user + "+*"
    elif kind < 0.82:
        local = "++"
    elif kind < 0.90:
        local = "+*"
    else:
        local = ""
    key = "%s@%s" % (local, domain)
    return key.upper() if rng.random() < 0.1 else key


def random_map(rng):
    entries = {}
    for domain in DOMAINS:
        for _ in range(rng.randrange(1, 14)):
            entries.setdefault(random_key(rng, domain).lower(), (domain, random_target(rng, domain)))
    lines = ["%s\t%s" % (key, target) for key, (_, target) in entries.items()]
    rng.shuffle(lines)
    domains = sorted({domain for domain, _ in entries.values()})
    return "\n".join(lines) + "\n", domains


def random_address(rng, domains):
    user, kind = rng.choice(USERS + ["nobody"]), rng.random()
    if kind < 0.35:
        local = user
    elif kind < 0.85:
        local = "%s+%s" % (user, rng.choice(DETAILS[:5]))
    elif kind < 0.90:
        local = user + "+"
    elif kind < 0.95:
        local = "%s+%s" % (user, rng.choice(DETAILS))
    else:
        local = rng.choice(["+x", "++", "+", "+*", "+x+y", "%s++" % user])
    address = "%s@%s" % (local, rng.choice(domains))
    return address.title() if rng.random() < 0.1 else address


def write(name, text):
    path = os.path.join(DIRECTORY, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def sendmail_routes(addresses):
    """address test mode: what ruleset 0 makes of each address, blanks between tokens taken out."""
    command = ["/usr/sbin/sendmail", "-bt", "-C%s/oracle.cf" % DIRECTORY]
    out = run(command, input="".join("3,0 %s\n" % a for a in addresses)).stdout
    routes = []
    for block in out.split("\n> ")[1:] if not out.startswith("> ") else out.split("\n> "):
        found = re.findall(r"^parse +returns: (.*)$", block, re.M)
        if found:
            routes.append(found[-1])
    if len(routes) != len(addresses):
        raise SystemExit("oracle: %d answers to %d addresses:\n%s" % (len(routes), len(addresses), out[-2000:]))
    return routes


def sendmail_replies(addresses):
    """The reply to each RCPT, as (code, status, text), by address."""
    command = ["/usr/sbin/sendmail", "-bs", "-Am", "-C%s/oracle.cf" % DIRECTORY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        def reply():
            while True:
                line = server.stdout.readline().decode("utf-8")
                if line[3:4] != "-":
                    return line.strip()

        def say(line):  # one at a time: sendmail turns away who talks before he is asked
            server.stdin.write(line.encode("utf-8") + b"\r\n")
            server.stdin.flush()
            return reply()

        reply()
        say("EHLO client.test.example")
        say("MAIL FROM:<>")
        pattern = re.compile(r"(\d{3}) (?:(\d\.\d+\.\d+) )?(?:<[^>]*>\.\.\. )?(.*)")
        parsed = {a: pattern.fullmatch(say("RCPT TO:<%s>" % a)).groups() for a in addresses}
        say("QUIT")
    return parsed


def expected_refusal(route, reply):
    """What class it is, the reply says where the map's text begins with a reply code. Without one
    sendmail says 553 5.3.0 to RCPT for every word, even tempfail; there the word counts."""
    word, text = re.fullmatch(r'\$# error \$@ (\S+(?: \. \S+)*) \$: (.*)', route).groups()
    word = word.replace(" ", "")
    code, _, spoken = reply
    if spoken == "User address required":
        return "defer", None, ""
    if re.match(r'"?\d{3} ', text):
        temporary = code.startswith("4")
    else:
        temporary = word in ("tempfail", "75") or word.startswith("4.")
    if temporary:
        return "defer", None, spoken
    status = word if "." in word else {"nouser": "5.1.1", "67": "5.1.1"}.get(word)
    return ("nouser" if status == "5.1.1" else "reject"), status, spoken


def expected(address, route, reply, domains):
    """sendmail's answer in the words of `virtmap resolve -q`: word, status or None, the rest."""
    mailer = route.split(" ")[1]
    if mailer == "error":
        return expected_refusal(route, reply)
    rest = route.split(" $: ", 1)[1].replace(" ", "")
    if mailer == "local":
        # "+x" and its like are names to sendmail, and accounts nowhere.
        return "noaccount" if rest.startswith("+") else "account", None, rest
    user, _, host = rest.partition("<@")
    host = host.rstrip(">").rstrip(".").lower()
    if host not in domains:
        return "forward", None, "%s@%s" % (user, host)
    # Nothing matched: what came in, or what a target led to?
    same = "%s@%s" % (user, host) == address.lower()
    return ("nouser" if same else "nomapping"), None, ""


def virtmap_answers(addresses):
    answers = []
    for start in range(0, len(addresses), 500):
        chunk = addresses[start:start + 500]
        out = run(["virtmap", "-C", DIRECTORY + "/virtmda.conf", "resolve", "-q", "--"] + chunk).stdout
        lines = out.splitlines()
        if len(lines) != len(chunk):
            raise SystemExit("oracle: virtmap gives %d lines for %d addresses:\n%s" % (len(lines), len(chunk), out[-2000:]))
        answers += lines
    return answers


def agree(want, line):
    kind, status, text = want
    word, _, rest = line.partition(" ")
    if kind in ("nomapping", "noaccount"):
        why = {"nomapping": " has no mapping", "noaccount": " is no alias and no account"}[kind]
        return word == "nouser" or word == "defer" and line.endswith(why)
    if kind == "nouser" and word == "nouser":
        return True
    if kind in ("nouser", "reject"):
        return word == "reject" and text in rest and (status is None or rest.startswith(status + " "))
    if kind == "defer":
        return word == "defer" and text in rest
    return word == kind and rest.lower() == text.lower()


def compare(rng, naddresses):
    text, domains = random_map(rng)
    source = write("virtmaps", text)
    write("domains", "".join(d + "\n" for d in domains))
    for command in (["virtmap", "-C", DIRECTORY + "/virtmda.conf", "build"],
                    ["/usr/sbin/makemap", "hash", DIRECTORY + "/virtusertable"]):
        with open(source, encoding="utf-8") as file:
            result = run(command, stdin=file)
        if result.returncode != 0:
            print("oracle: %s: %s\n%s" % (" ".join(command), result.stdout, text))
            return 0
    addresses = [random_address(rng, domains) for _ in range(naddresses)]
    routes = sendmail_routes(addresses)
    errors = [a for a, route in zip(addresses, routes) if route.startswith("$# error")]
    replies = sendmail_replies(errors)
    differences = 0
    for address, route, line in zip(addresses, routes, virtmap_answers(addresses)):
        want = expected(address, route, replies.get(address), domains)
        if not agree(want, line):
            differences += 1
            if differences <= 10:
                print("%s\n  sendmail: %s  (%s)\n  virtmap:  %s" % (address, " ".join(filter(None, want)), route, line))
    if differences:
        print("%d of %d differ; the map:\n%s" % (differences, naddresses, text))
    return naddresses if not differences else 0


def main():
    maps = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    naddresses = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    os.makedirs(DIRECTORY + "/queue", 0o700)
    write("oracle.mc", MC % {"d": DIRECTORY})
    write("oracle.cf", run(["m4", DIRECTORY + "/oracle.mc"]).stdout)
    names = {*NAMES, *USERS, *DETAILS[:3], "lists-dev", "nobody"}
    write("accounts", "".join("%s:x:20001:20001::/home/ann\n" % name for name in sorted(names)))
    write("virtmda.conf", """map = %(d)s/virtmaps
domains = %(d)s/virtmda.domains
accounts = passwd-file:%(d)s/accounts
aliases = none
""" % {"d": DIRECTORY})
    rng = random.Random(seed)
    agreed = 0
    for number in range(maps):
        one = compare(rng, naddresses)
        if not one:
            print("oracle: map %d of SEED=%d" % (number + 1, seed))
            return 1
        agreed += one
    print("%d addresses over %d maps resolved alike (SEED=%d)" % (agreed, maps, seed))
    return 0


sys.exit(main())
