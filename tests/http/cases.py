"""Hostile requests: (name, bytes, what the gateway does with them).

What it does: "refused" (nothing of the first request leaves), "cut" (its head leaves, its body breaks),
"passed" (it leaves whole). Behind each comes a request for `sentinel.example`, so a body that a server
takes for longer or shorter than the gateway does is seen. HIDDEN is a request within a body.
"""

HOST = b"Host: good.example\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: evil.example\r\n\r\n"


def get(target=b"/", fields=HOST, version=b"HTTP/1.1", method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + fields + b"\r\n"


def post(fields, body, version=b"HTTP/1.1", method=b"POST"):
    return get(b"/", HOST + fields, version, method) + body


def counted(body):
    return b"Content-Length: %d\r\n" % len(body)


def chunk(data, size=None):
    return (b"%x" % len(data) if size is None else size) + b"\r\n" + data + b"\r\n"


LAST = b"0\r\n\r\n"
TE = b"Transfer-Encoding: chunked\r\n"


def hosts():
    """The field Host in every spelling."""
    passed = [b"good.example", b"GOOD.Example", b"good.example.", b"good.example:80", b"a_b.example",
              b"xn--4ca.example",
              b"   good.example"]
    refused = [b"\tgood.example", b"good.example ", b"good.example\t", b"", b"good.example,evil.example",
               b"good.example evil.example", b"good.example:080", b"good.example:",
               b"good.example:0", b"good.example:65536", b"good.example:80:80", b"good.example:+80",
               b"good.example: 80",
               b"good.example:80@evil.example", b"user@good.example", b"evil.example#good.example",
               b"evil.example/good.example", b"evil.example?good.example", b"evil.example\\good.example",
               b"good%2eexample", b"evil.example%00good.example", b"good.example%20", b"good..example",
               b".good.example",
               b"good.example..", b"\xc3\xa9.example", b"good\xc2\xadexample", b"\xef\xbc\x8egood.example",
               b"*.example",
               b"http://good.example", b"[good.example]", b"[2001:db8::1]", b"[2001:db8::1]:80",
               b"[::ffff:192.0.2.1]",
               b"[2001:db8::1", b"2001:db8::1", b"[fe80::1%25eth0]", b"192.0.2.1", b"0300.0.2.1", b"3221225985",
               b"0xc0000201",
               b"good.example\x00", b"good.example\x0b", b"good.example\x7f", b"good.example;", b"\"good.example\"",
               b"a" * 64 + b".example", b"a." * 126 + b"ab"]
    for host in passed:
        yield b"Host: %s" % host, get(fields=b"Host: %s\r\n" % host), "passed"
    for host in refused:
        yield b"Host: %s" % host, get(fields=b"Host: %s\r\n" % host), "refused"


def host_fields():
    """Who has the say when there are several, or none."""
    evil = b"Host: evil.example\r\n"
    for name, fields in (
            (b"no Host", b""),
            (b"two Hosts", HOST + evil),
            (b"two equal Hosts", HOST + HOST),
            (b"two Hosts in two cases", HOST + b"hOsT: evil.example\r\n"),
            (b"Host folded", b"Host:\r\n good.example\r\n"),
            (b"a second Host folded away", b"X: y\r\n" + b" Host: evil.example\r\n" + HOST),
            (b"a blank before Host", b" " + HOST),
            (b"a tab before Host", b"\t" + HOST),
            (b"a blank before the colon", b"Host : evil.example\r\n"),
            (b"a blank before the second's colon", HOST + b"Host : evil.example\r\n"),
            (b"a tab before the second's colon", HOST + b"Host\t: evil.example\r\n"),
            (b"NUL in the second's name", HOST + b"Ho\0st: evil.example\r\n"),
            (b"no colon", HOST + b"Host evil.example\r\n"),
            (b"Host behind a bare LF", b"X: y\n" + evil + HOST),
            (b"Host behind a bare CR", b"X: y\r" + evil + HOST),
            (b"Host behind CR CR LF", b"X: y\r\r\n" + HOST + evil),
            (b"Host as an option of Connection", HOST + b"Connection: close, host\r\n"),
            (b"empty name", HOST + b": evil.example\r\n")):
        yield name, get(fields=fields), "refused"
    for name, fields in (
            (b"X-Forwarded-Host", HOST + b"X-Forwarded-Host: evil.example\r\n"),
            (b"Forwarded", HOST + b"Forwarded: host=evil.example\r\n"),
            (b"names that resemble Host",
             HOST + b"Host_: evil.example\r\nX-Host: evil.example\r\n-Host: evil.example\r\nHost-: evil.example\r\n"),
            (b"a value that looks like a line", HOST + b"X: Host: evil.example\r\n"),
            (b"no blank behind the colon", b"Host:good.example\r\n"),
            (b"obs-text in a value", HOST + b"X: \xe9\x85\x8d\r\n")):
        yield name, get(fields=fields), "passed"


def targets():
    passed = [b"/", b"//evil.example/", b"/http://evil.example/", b"/%2e%2e/", b"/?a=//evil.example",
              b"/@evil.example/", b"/;a", b"/\\evil.example/",
              b"http://good.example/", b"HTTP://GOOD.example/x", b"http://good.example:80/", b"http://good.example"]
    refused = [b"http://evil.example/", b"http://good.example:8080/", b"http://good.example@evil.example/",
               b"http://evil.example:80@good.example/",
               b"http://evil.example#@good.example/", b"http://evil.example\\@good.example/",
               b"http://evil.example?.good.example/", b"http:/evil.example/",
               b"http:evil.example", b"http:///evil.example/", b"https://good.example/", b"ftp://good.example/",
               b"evil.example", b"evil.example:80",
               b"?evil.example", b"*", b"/#x", b"/ http://evil.example/", b"/\tx", b"/\x00", b"/\xc3\xa9", b"/\x7f",
               b"", b"http://good.example%2eevil.example/",
               b"http://good.example,evil.example/", b"http://[::1]/", b"ws://good.example/"]
    for target in passed:
        yield b"target %s" % target, get(target), "passed"
    for target in refused:
        yield b"target %s" % target, get(target), "refused"
    yield b"an absolute target and no Host in 1.0", get(b"http://good.example/", b"", b"HTTP/1.0"), "refused"
    yield b"an absolute target and Host in 1.0", get(b"http://good.example/", HOST, b"HTTP/1.0"), "passed"
    yield b"an absolute target and another Host in 1.0", get(b"http://good.example/", b"Host: evil.example\r\n",
                                                             b"HTTP/1.0"), "refused"
    yield b"no Host in 1.0", get(b"/", b"", b"HTTP/1.0"), "refused"


def first_lines():
    for line in (b"GET / HTTP/0.9", b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET / HTTP/1.10", b"GET / HTTP/01.1",
                 b"GET / http/1.1", b"GET / HTTP/1.1 ", b"GET /", b"GET",
                 b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/\tHTTP/1.1", b" GET / HTTP/1.1",
                 b"G\x00T / HTTP/1.1", b"G(T / HTTP/1.1", b"GET / HTTP/1.1 HTTP/1.1",
                 b"GET /\x0bHTTP/1.1", b"GET / HTTP/1.1\r", b"", b"\x16\x03\x01", b"GET / ICY/1.1"):
        yield b"line %s" % line, line + b"\r\n" + HOST + b"\r\n", "refused"
    yield b"line ended by a bare LF", b"GET / HTTP/1.1\n" + HOST + b"\r\n", "refused"
    yield b"head ended by bare LFs", b"GET / HTTP/1.1\nHost: good.example\n\n", "refused"
    yield b"head ended by LF CR LF", b"GET / HTTP/1.1\r\nHost: good.example\n\r\n", "refused"
    yield b"the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused"
    yield b"the HTTP/2 preface behind a request", get() + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "passed"
    yield b"CONNECT on an origin's port", get(b"good.example:443", method=b"CONNECT"), "refused"
    yield b"CONNECT to a path", get(b"/", method=b"CONNECT"), "refused"
    yield b"OPTIONS *", get(b"*", method=b"OPTIONS"), "passed"
    yield b"another method", get(method=b"PROPFIND"), "passed"
    yield b"a method in lower case", get(method=b"get"), "passed"
    yield b"100 fields", get(fields=HOST + b"X: y\r\n" * 99), "passed"
    yield b"101 fields", get(fields=HOST + b"X: y\r\n" * 100), "refused"
    yield b"a line of 30,000 bytes", get(b"/" + b"a" * 30000), "passed"
    yield b"a line of 33,000 bytes", get(b"/" + b"a" * 33000), "refused"
    yield b"a value of 30,000 bytes", get(fields=HOST + b"X: " + b"a" * 30000 + b"\r\n"), "passed"
    yield b"a flood of fields", get(fields=HOST + b"X: y\r\n" * 20000), "refused"
    yield b"a lone CR within a field", get(fields=HOST + b"X: a\rb\r\n"), "refused"
    yield b"NUL within a field", get(fields=HOST + b"X: a\x00b\r\n"), "refused"
    yield b"a form feed before a colon", get(fields=HOST + b"X\x0c: y\r\n"), "refused"


def lengths():
    """Content-Length in every spelling, before a body that hides a request."""
    size = len(HIDDEN)
    for value in (b"+%d" % size, b"-%d" % size, b"0x%x" % size, b"%d " % size + b"0", b"%d,%d" % (size, size),
                  b"%d, 0" % size, b"%d;x" % size, b"%d.0" % size, b"1e1",
                  b"", b"%d\x0b" % size, b"\x0b%d" % size, b"\"%d\"" % size, b"0\xc2\xa0%d" % size,
                  b"18446744073709551616", b"18446744073709551660", b"9223372036854775808", b"%d_0" % size,
                  b"\t%d" % size, b"%d " % size, b"%d\t" % size,
                  b"\xd9\xa4\xd9\xa4"):
        yield b"Content-Length: %s" % value, post(b"Content-Length: %s\r\n" % value, HIDDEN), "refused"
    for value in (b"%d" % size, b"00%d" % size, b"0" * 40 + b"%d" % size, b"  %d" % size):
        yield b"Content-Length: %s" % value, post(b"Content-Length: %s\r\n" % value, HIDDEN), "passed"
    for name, fields in (
            (b"twice", counted(HIDDEN) + b"Content-Length: 0\r\n"),
            (b"twice the same", counted(HIDDEN) * 2),
            (b"0 then the true one", b"Content-Length: 0\r\n" + counted(HIDDEN)),
            (b"blank before the colon", b"Content-Length : %d\r\n" % size),
            (b"folded", b"Content-Length:\r\n %d\r\n" % size),
            (b"folded on", b"Content-Length: 4\r\n 4\r\n"),
            (b"as an option of Connection", b"Connection: content-length\r\n" + counted(HIDDEN)),
            (b"behind a bare LF", b"X: y\n" + counted(HIDDEN)),
            (b"behind a bare CR", b"X: y\r" + counted(HIDDEN)),
            (b"NUL in its name", b"Content-\0Length: %d\r\n" % size)):
        yield b"Content-Length " + name, post(fields, HIDDEN), "refused"
    for name in (b"Content_Length", b"Content-Lengt", b"Content-Length-", b"X-Content-Length", b"ContentLength"):
        yield b"a field that resembles Content-Length: " + name, post(b"%s: %d\r\n" % (name, size), b""), "passed"


def codings():
    """Transfer-Encoding in every spelling; the body is a chunked one in front of a hidden request."""
    for value in (b"", b"gzip", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked",
                  b"chunked, identity", b"identity, chunked", b"chunked;q=1", b"xchunked", b"chunkedx",
                  b"\"chunked\"", b"'chunked'", b"chunked,", b",chunked", b"\x0bchunked", b"chunked\x0b",
                  b"\x00chunked", b"chun\x00ked", b"chunked\xa0", b"\tchunked", b"chunked ", b"chunked\t",
                  b"chunked\xff", b"chunked trailer", b"chu nked", b"chunked chunked",
                  b"c\xc4\xa5unked", b"[chunked]", b"compress"):
        field = b"Transfer-Encoding: %s\r\n" % value
        yield b"%s alone" % field, post(field, LAST + HIDDEN), "refused"
        yield b"%s with a length" % field, post(field + counted(LAST + HIDDEN), LAST + HIDDEN), "refused"
    for name, fields in (
            (b"twice", TE * 2),
            (b"and another one", TE + b"Transfer-Encoding: identity\r\n"),
            (b"behind another one", b"Transfer-Encoding: identity\r\n" + TE),
            (b"with a length behind", TE + b"Content-Length: 5\r\n"),
            (b"with a length before", b"Content-Length: 5\r\n" + TE),
            (b"with a length of 0", TE + b"Content-Length: 0\r\n"),
            (b"blank before the colon", b"Transfer-Encoding : chunked\r\nContent-Length: 49\r\n"),
            (b"tab before the colon", b"Transfer-Encoding\t: chunked\r\n"),
            (b"folded", b"Transfer-Encoding:\r\n chunked\r\n"),
            (b"folded on", b"Transfer-Encoding: identity\r\n , chunked\r\n"),
            (b"folded away", b"X: y\r\n Transfer-Encoding: chunked\r\n"),
            (b"behind a bare LF", b"X: y\nTransfer-Encoding: chunked\r\n"),
            (b"behind a bare CR", b"X: y\rTransfer-Encoding: chunked\r\n"),
            (b"NUL in its name", b"Transfer-\0Encoding: chunked\r\n"),
            (b"control byte in its name", b"\x01Transfer-Encoding: chunked\r\n"),
            (b"as an option of Connection", TE + b"Connection: transfer-encoding\r\n"),
            (b"ended by CR only", b"Transfer-Encoding: chunked\rX: y\r\n")):
        yield b"Transfer-Encoding " + name, post(fields, LAST + HIDDEN), "refused"
    yield b"chunked in 1.0", post(TE, LAST + HIDDEN, b"HTTP/1.0"), "refused"
    yield b"chunked in 1.0, kept alive", post(TE + b"Connection: keep-alive\r\n", LAST + HIDDEN,
                                              b"HTTP/1.0"), "refused"
    yield b"chunked in capitals", post(b"TRANSFER-ENCODING: CHUNKED\r\n", chunk(HIDDEN) + LAST), "passed"
    yield b"chunked behind blanks", post(b"Transfer-Encoding:   chunked\r\n", chunk(HIDDEN) + LAST), "passed"
    for name in (b"Transfer_Encoding", b"Transfer-Encodin", b"Transfer-Encoding-", b"X-Transfer-Encoding", b"TE",
                 b"Content-Encoding"):
        yield b"a field that resembles Transfer-Encoding: " + name, post(b"%s: chunked\r\n" % name + counted(HIDDEN),
                                                                         HIDDEN), "passed"


def chunks():
    """The sizes and the data of chunks."""
    hidden = len(HIDDEN)
    for size in (b"0x%x" % hidden, b"+%x" % hidden, b"-1", b" %x" % hidden, b"%x " % hidden, b"%x\t" % hidden,
                 b"%x;" % hidden, b"%x;x=y" % hidden, b"%x;\"\n\"" % hidden, b"%x,0" % hidden,
                 b"%xg" % hidden, b"", b";", b"0x", b"%x\r" % hidden, b"%x\x00" % hidden,
                 b"1" + b"0" * 15 + b"%02x" % hidden, b"10000000000000000", b"ffffffffffffffff", b"8000000000000000",
                 b"%x\x0b" % hidden, b"\"%x\"" % hidden):
        yield b"chunk size %s" % size, post(TE, chunk(HIDDEN, size) + LAST), "cut"
    for size in (b"%x" % hidden, b"%X" % hidden, b"00%x" % hidden, b"0" * 14 + b"%02x" % hidden):
        yield b"chunk size %s" % size, post(TE, chunk(HIDDEN, size) + LAST), "passed"
    for name, body in (
            (b"size ended by LF", b"%x\n" % hidden + HIDDEN + b"\r\n" + LAST),
            (b"data ended by LF", b"3\r\nabc\n" + LAST),
            (b"data ended by nothing", b"3\r\nabc" + LAST),
            (b"data longer than its size", b"3\r\nabcd\r\n" + LAST),
            (b"data ended by two line ends", b"3\r\nabc\r\n\r\n" + LAST),
            (b"last chunk ended by LF", b"0\n\n" + HIDDEN),
            (b"last chunk, LF behind", b"0\r\n\n" + HIDDEN),
            (b"last chunk with a size extension", b"0;x\r\n\r\n" + HIDDEN),
            (b"last chunk followed by a request", b"0\r\n" + HIDDEN.rstrip() + b"\r\n\r\n"),
            (b"trailer without colon", b"0\r\nX\r\n\r\n" + HIDDEN),
            (b"folded trailer", b"0\r\nX: y\r\n Z\r\n\r\n"),
            (b"trailer with a blank before its colon", b"0\r\nX : y\r\n\r\n" + HIDDEN),
            (b"trailer ended by LF", b"0\r\nX: y\n\r\n" + HIDDEN),
            (b"trailers without end", b"0\r\n" + b"X: y\r\n" * 2000)):
        yield b"chunks: " + name, post(TE, body), "cut"
    for name, body in (
            (b"one by one", b"".join(chunk(HIDDEN[at:at + 1]) for at in range(hidden)) + LAST),
            (b"data that looks like the last chunk", chunk(LAST + HIDDEN) + LAST),
            (b"a trailer", chunk(b"abc") + b"0\r\nX-Sum: abc\r\n\r\n"),
            (b"a trailer Host", chunk(b"abc") + b"0\r\nHost: evil.example\r\n\r\n"),
            (b"a trailer Content-Length", chunk(b"abc") + b"0\r\nContent-Length: 40\r\n\r\n"),
            (b"a trailer Transfer-Encoding", chunk(b"abc") + b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            (b"none but the last", LAST),
            (b"zeros for the last", b"0000\r\n\r\n")):
        yield b"chunks: " + name, post(TE, body), "passed"


def bodies():
    """Bodies that hide a request, of methods that do not expect one."""
    for method in (b"GET", b"HEAD", b"TRACE"):
        yield method + b" with a length", post(counted(HIDDEN), HIDDEN, method=method), "refused"
        yield method + b" with chunks", post(TE, chunk(HIDDEN) + LAST, method=method), "refused"
    for method in (b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"PROPFIND", b"post"):
        yield method + b" with a length", post(counted(HIDDEN), HIDDEN, method=method), "passed"
        yield method + b" with chunks", post(TE, chunk(HIDDEN) + LAST, method=method), "passed"
    yield b"a length of 0 before a request", post(b"Content-Length: 0\r\n", b"",
                                                  method=b"GET") + get(b"/second"), "passed"
    yield b"a body in 1.0", post(counted(HIDDEN), HIDDEN, b"HTTP/1.0"), "passed"
    yield b"a body in 1.0, kept alive", post(counted(HIDDEN) + b"Connection: keep-alive\r\n", HIDDEN,
                                             b"HTTP/1.0"), "passed"
    yield b"a body and close", post(counted(HIDDEN) + b"Connection: close\r\n", HIDDEN), "passed"
    yield b"an expectation", post(b"Expect: 100-continue\r\n" + counted(HIDDEN), HIDDEN), "passed"
    yield b"another expectation", post(b"Expect: something\r\n" + counted(HIDDEN), HIDDEN), "passed"
    yield b"two requests at once", get() + get(b"/second", b"Host: other.example\r\n"), "passed"
    yield b"two bodies at once", post(counted(HIDDEN), HIDDEN) + post(TE, chunk(HIDDEN) + LAST), "passed"
    yield b"a line end before the second request", get() + b"\r\n" + get(b"/second"), "passed"
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nUpgrade: "
    for protocol in (b"h2c", b"TLS/1.2", b"websocket", b"HTTP/1.0, websocket", b"websocket,\th2c"):
        yield b"an upgrade to " + protocol, get(fields=HOST + upgrade + protocol + b"\r\n"), "passed"
    yield b"an upgrade with a body", post(upgrade + b"websocket\r\n" + counted(HIDDEN), HIDDEN), "passed"


GROUPS = (hosts, host_fields, targets, first_lines, lengths, codings, chunks, bodies)
CASES = [case for group in GROUPS for case in group()]
