#!/usr/bin/python3
"""usage: tests/differential/dns_answers.py READ_DNS_ANSWER

Holds our reading of DNS answers against dnspython's: sound answers, and thousands of them with bytes changed, cut
out, doubled or put in, always the same ones. Where we take a message, dnspython must read the same question and the
same addresses and aliases, in the same order. We may refuse what it takes (we are stricter); never a sound one.
Exit 0 when both agree, 1 otherwise, 77 when python3-dnspython is not installed.
"""

import random
import subprocess
import sys

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rdataclass
    import dns.rdatatype
    import dns.rrset
except ImportError:
    print("python3-dnspython is not installed")
    sys.exit(77)

MUTATIONS = 3000  # of each sound message
LEARNED = (dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.CNAME)
PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789_-"
TTL_TOP = 1 << 31  # such values count as 0: RFC 2181 section 8


def sound_messages():
    def answer(name, kind, *records, code="NOERROR", authority=(), flags=0, edns=False):
        query = dns.message.make_query(name, kind, use_edns=edns or None)
        reply = dns.message.make_response(query, recursion_available=True)
        reply.flags |= flags
        reply.set_rcode(dns.rcode.from_text(code))
        for section, texts in ((reply.answer, records), (reply.authority, authority)):
            section += [dns.rrset.from_text(owner, ttl, "IN", type_, data) for owner, ttl, type_, data in texts]
        return reply.to_wire()

    soa = ("test.example.", 300, "SOA", "ns.test.example. admin.test.example. 1 2 3 4 5")
    return [
        answer("a.example.", "A", ("a.example.", 60, "A", "203.0.113.1"), ("a.example.", 60, "A", "203.0.113.2")),
        answer("a.example.", "AAAA", ("a.example.", 60, "AAAA", "2001:db8::1"), edns=True),
        answer("www.test.example.", "A", ("www.test.example.", 60, "CNAME", "x.cdn.example."),
               ("x.cdn.example.", 20, "CNAME", "y.cdn.example."), ("y.cdn.example.", 5, "A", "203.0.113.7"), edns=True),
        answer("none.test.example.", "A", code="NXDOMAIN", authority=[soa]),
        answer("t.example.", "TXT", ("t.example.", 60, "TXT", '"one" "two"')),
        answer("h.example.", "HTTPS", ("h.example.", 60, "HTTPS", "1 . alpn=h2 ipv4hint=203.0.113.9 ech=AAAA"),
               ("h.example.", 60, "A", "203.0.113.9")),
        answer("cut.example.", "A", ("cut.example.", 60, "A", "203.0.113.1"), flags=dns.flags.TC),
        answer("A-b_c.\\032odd\\.label.example.", "A", ("a-b_c.\\032odd\\.label.example.", TTL_TOP - 1, "A", "1.2.3.4")),
    ]


def mutate(message, choose):
    message = bytearray(message)
    for _ in range(choose.randint(1, 3)):
        at = choose.randrange(len(message))
        way = choose.randrange(8)
        if way < 4:
            message[at] = choose.choice((choose.randrange(256), message[at] ^ 1 << choose.randrange(8), 0xC0, 0, 12))
        elif way == 4:
            del message[at:at + choose.randint(1, 12)]
        elif way == 5:
            message[at:at] = bytes(choose.randrange(256) for _ in range(choose.randint(1, 4)))
        elif way == 6:
            message[at:at] = message[at:at + 16]
        else:
            message[at:at + 2] = (0xC000 | choose.randrange(len(message) + 4)).to_bytes(2, "big")
        if not message:
            return b"\0"
    return bytes(message)


def presentation(name):
    """As struct dns_name has it."""
    labels = ["".join(chr(byte) if byte in PLAIN else f"\\{byte:03d}" for byte in label.lower())
              for label in name.labels[:-1]]
    return ".".join(labels) or "."


def as_dnspython_reads(wire):
    """The line that read_dns_answer should print."""
    message = dns.message.from_wire(wire, one_rr_per_rrset=True, continue_on_error=True)
    question = message.question[0]
    parts = [f"{message.id} {int(message.rcode()) if int(message.rcode()) < 16 else 2} "
             f"{'truncated' if message.flags & dns.flags.TC else 'whole'} "
             f"{presentation(question.name)} {int(question.rdtype)} {int(question.rdclass)}"]
    for rrset in message.answer:
        if rrset.rdclass != dns.rdataclass.IN or rrset.rdtype not in LEARNED or message.flags & dns.flags.TC:
            continue
        data = rrset[0]
        text = presentation(data.target) if rrset.rdtype == dns.rdatatype.CNAME else data.address
        parts.append(f"{presentation(rrset.name)} {int(rrset.rdtype)} {0 if rrset.ttl >= TTL_TOP else rrset.ttl} {text}")
    return ";".join(parts)


def read_by_us(program, messages):
    framed = b"".join(len(message).to_bytes(2, "big") + message for message in messages)
    done = subprocess.run([program], input=framed, stdout=subprocess.PIPE, check=True)
    lines = done.stdout.decode("ascii").splitlines()
    assert len(lines) == len(messages)
    return lines


def main():
    choose = random.Random(20240520)
    sound = sound_messages()
    messages = sound + [mutate(message, choose) for message in sound for _ in range(MUTATIONS)]
    taken = wrong = 0
    for index, (message, ours) in enumerate(zip(messages, read_by_us(sys.argv[1], messages))):
        if ours == "refused":
            if index < len(sound):
                wrong += 1
                print(f"refused, but sound: {message.hex()}")
            continue
        taken += 1
        try:
            theirs = as_dnspython_reads(message)
        except (dns.exception.DNSException, ValueError, IndexError) as error:
            theirs = repr(error)
        if ours != theirs:
            wrong += 1
            print(f"{message.hex()}\n  we:        {ours}\n  dnspython: {theirs}")
    print(f"{len(messages)} messages, {taken} taken by us, {wrong} differences")
    return 1 if wrong or taken < len(messages) // 20 else 0


if __name__ == "__main__":
    sys.exit(main())
