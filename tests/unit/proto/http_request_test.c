#include "http_case.h"

#include <stdio.h>

static char *s_bytes; /* of the last request, which its slices point into */
static struct http_request s_request;

static int forget(void **state)
{
	(void)state;
	free(s_bytes);
	s_bytes = NULL;
	return 0;
}

static enum http_progress parse_bytes(const void *bytes, size_t length, enum http_error *ret_error)
{
	forget(NULL);
	s_bytes = exact(bytes, length);
	return http_request_parse(s_bytes, length, &s_request, ret_error);
}

/* Whole, and MORE for each of its beginnings. */
static void is_understood(const char *text)
{
	enum http_error error = HTTP_BAD_CHUNK;

	for (size_t length = 0; length < strlen(text); length++) {
		assert_int_equal(parse_bytes(text, length, &error), HTTP_MORE);
		assert_int_equal(error, HTTP_OK);
	}
	memset(&s_request, 0x5a, sizeof(s_request));
	assert_int_equal(parse_bytes(text, strlen(text), &error), HTTP_WHOLE);
	assert_int_equal(error, HTTP_OK);
	assert_int_equal(s_request.head_length, strlen(text));
}

/* Refused with the same error whether whole or byte by byte; nothing is written. */
static void bytes_are_refused(const void *bytes, size_t length, enum http_error expected)
{
	struct http_request before;
	enum http_error error = HTTP_OK;
	enum http_progress progress = HTTP_MORE;

	memset(&s_request, 0x5a, sizeof(s_request));
	before = s_request;
	for (size_t i = 0; i <= length && progress == HTTP_MORE; i++)
		progress = parse_bytes(bytes, i, &error);
	assert_int_equal(progress, HTTP_REFUSED);
	assert_int_equal(error, expected);
	assert_int_equal(parse_bytes(bytes, length, &error), HTTP_REFUSED);
	assert_int_equal(error, expected);
	assert_memory_equal(&before, &s_request, sizeof(before));
}

static void is_refused(const char *text, enum http_error expected)
{
	bytes_are_refused(text, strlen(text), expected);
}

/* A request for / of example.com with the given extra field lines. */
static const char *with_fields(const char *method, const char *fields)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: example.com\r\n%s\r\n", method,
		 fields);
	return text;
}

static const char *with_line(const char *line)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s\r\nHost: example.com\r\n\r\n", line);
	return text;
}

static const char *with_host(const char *host)
{
	static char text[1024];

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost:%s\r\n\r\n", host);
	return text;
}

static void a_plain_get_is_understood(void **state)
{
	(void)state;
	is_understood(
		"GET /ubuntu/dists?x=1 HTTP/1.1\r\nUser-Agent: apt/2.6 (x)\r\n"
		"Host:  Security.Ubuntu.com\r\nX-Tab:\t y \t\r\nX-Empty:\r\nX-Latin: \xe9\r\n\r\n");
	is_slice(s_request.method, "GET");
	is_slice(s_request.target, "/ubuntu/dists?x=1");
	is_slice(s_request.path, "/ubuntu/dists?x=1");
	is_slice(s_request.host, "Security.Ubuntu.com");
	assert_int_equal(s_request.form, HTTP_FORM_ORIGIN);
	assert_int_equal(s_request.port, 0);
	assert_int_equal(s_request.minor_version, 1);
	assert_int_equal(s_request.framing, HTTP_BODY_NONE);
	assert_int_equal(s_request.content_length, 0);
	assert_false(s_request.close);
	assert_false(s_request.upgrade);
	assert_false(s_request.expect_continue);
}

static void bytes_behind_the_head_are_not_looked_at(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n\0\n\rGET";
	enum http_error error;

	(void)state;
	assert_int_equal(parse_bytes(text, sizeof(text) - 1, &error), HTTP_WHOLE);
	assert_int_equal(s_request.head_length, 27);
}

static void an_absolute_target_gives_path_and_agrees_with_host(void **state)
{
	static const struct {
		const char *text, *path, *host;
		uint16_t port;
	} cases[] = {
		{"GET http://a.b/x?y HTTP/1.1\r\nHost: A.B\r\n\r\n", "/x?y", "A.B", 0},
		{"GET HTTP://a.b HTTP/1.1\r\nHost: a.b:80\r\n\r\n", "/", "a.b", 80},
		{"GET http://a.b:80/ HTTP/1.1\r\nHost: a.b\r\n\r\n", "/", "a.b", 0},
		{"GET http://a.b:8080/ HTTP/1.1\r\nHost: a.b:8080\r\n\r\n", "/", "a.b", 8080},
		{"GET http://a.b:81/ HTTP/1.0\r\nHost: a.b:81\r\n\r\n", "/", "a.b", 81},
		{"OPTIONS http://a.b HTTP/1.1\r\nHost: a.b\r\n\r\n", "*", "a.b", 0},
		{"OPTIONS http://a.b/ HTTP/1.1\r\nHost: a.b\r\n\r\n", "/", "a.b", 0},
		{"GET http://[::1]:81/@ HTTP/1.1\r\nHost: [::1]:81\r\n\r\n", "/@", "[::1]", 81},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_understood(cases[i].text);
		assert_int_equal(s_request.form, HTTP_FORM_ABSOLUTE);
		is_slice(s_request.path, cases[i].path);
		is_slice(s_request.host, cases[i].host);
		assert_int_equal(s_request.port, cases[i].port);
	}
}

static void an_absolute_target_that_differs_from_host_is_refused(void **state)
{
	(void)state;
	is_refused("GET http://a.b/ HTTP/1.1\r\nHost: a.c\r\n\r\n", HTTP_AUTHORITY_MISMATCH);
	is_refused("GET http://a.b/ HTTP/1.1\r\nHost: a.bc\r\n\r\n", HTTP_AUTHORITY_MISMATCH);
	is_refused("GET http://a.b/ HTTP/1.1\r\nHost: a.b:81\r\n\r\n", HTTP_AUTHORITY_MISMATCH);
	is_refused("GET http://a.b:81/ HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_AUTHORITY_MISMATCH);
	is_refused("GET http://a.b/ HTTP/1.0\r\nHost: a.c\r\n\r\n", HTTP_AUTHORITY_MISMATCH);
	is_refused("GET http://a.b/ HTTP/1.1\r\n\r\n", HTTP_NO_HOST);
}

static void connect_names_host_and_port(void **state)
{
	static const char *const hosts[] = {"a.b:443", "A.b", "a.b:443\r\nContent-Length: 0"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "CONNECT a.b:443 HTTP/1.1\r\nHost: %s\r\n\r\n",
			 hosts[i]);
		is_understood(text);
		assert_int_equal(s_request.form, HTTP_FORM_AUTHORITY);
		is_slice(s_request.host, "a.b");
		is_slice(s_request.path, "");
		assert_int_equal(s_request.port, 443);
	}
	is_understood("CONNECT [2001:db8::1]:8443 HTTP/1.0\r\n\r\n");
	is_slice(s_request.host, "[2001:db8::1]");
	assert_int_equal(s_request.port, 8443);
}

static void a_broken_connect_is_refused(void **state)
{
	(void)state;
	is_refused("CONNECT a.b HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_BAD_TARGET);
	is_refused("CONNECT a.b: HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_BAD_TARGET);
	is_refused("CONNECT :443 HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_BAD_TARGET);
	is_refused("CONNECT / HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_BAD_TARGET);
	is_refused("CONNECT u@a.b:443 HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_BAD_TARGET);
	is_refused("CONNECT http://a.b:443/ HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_BAD_TARGET);
	is_refused("connect a.b:443 HTTP/1.1\r\nHost: a.b\r\n\r\n", HTTP_BAD_TARGET);
	is_refused("CONNECT a.b:443 HTTP/1.1\r\nHost: c.d:443\r\n\r\n", HTTP_AUTHORITY_MISMATCH);
	is_refused("CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:80\r\n\r\n", HTTP_AUTHORITY_MISMATCH);
	is_refused("CONNECT a.b:443 HTTP/1.1\r\n\r\n", HTTP_NO_HOST);
	is_refused("CONNECT a.b:443 HTTP/1.1\r\nHost: a.b\r\nContent-Length: 1\r\n\r\n",
		   HTTP_BAD_LENGTH);
	is_refused("CONNECT a.b:443 HTTP/1.1\r\nHost: a.b\r\nTransfer-Encoding: chunked\r\n\r\n",
		   HTTP_BAD_CODING);
}

static void an_asterisk_is_for_options_only(void **state)
{
	(void)state;
	is_understood(with_line("OPTIONS * HTTP/1.1"));
	assert_int_equal(s_request.form, HTTP_FORM_ASTERISK);
	is_slice(s_request.path, "*");
	is_refused(with_line("GET * HTTP/1.1"), HTTP_BAD_TARGET);
	is_refused(with_line("options * HTTP/1.1"), HTTP_BAD_TARGET);
	is_refused(with_line("OPTIONS ** HTTP/1.1"), HTTP_BAD_TARGET);
}

static void broken_targets_are_refused(void **state)
{
	static const char *const targets[] = {
		"",
		"x",
		"/#f",
		"/a b",
		"/a\tb",
		"/\xc3\xa9",
		"?x",
		"https://example.com/",
		"ftp://a/",
		"http:/example.com/",
		"http://",
		"http:///x",
		"http://example.com?x",
		"http://u@example.com/",
		"http://u:p@example.com/",
		"http://example.com:/",
		"http://example.com:0/",
		"http://example.com:x/",
		"http://example.com\\@evil/",
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		snprintf(line, sizeof(line), "GET %s HTTP/1.1", targets[i]);
		is_refused(with_line(line), HTTP_BAD_TARGET);
	}
	is_understood(with_line("GET //x HTTP/1.1")); /* a path, RFC 9112 section 3.2.1 */
	is_slice(s_request.path, "//x");
}

static void broken_first_lines_are_refused(void **state)
{
	(void)state;
	is_refused("\r\n", HTTP_BAD_START_LINE);
	is_refused(" GET / HTTP/1.1\r\n", HTTP_BAD_START_LINE);
	is_refused("GET\r\n", HTTP_BAD_START_LINE);
	is_refused("G(T / HTTP/1.1\r\n", HTTP_BAD_START_LINE);
	is_refused("G\xc3T / HTTP/1.1\r\n", HTTP_BAD_START_LINE);
	is_refused("GET\t/ HTTP/1.1\r\n", HTTP_BAD_START_LINE);
	is_refused("GET / HTTP/1.1\n", HTTP_BAD_START_LINE);
	is_refused("GET / HTTP/1.1\r\r\n", HTTP_BAD_START_LINE);
	bytes_are_refused("GET /\0 HTTP/1.1\r\n", 17, HTTP_BAD_START_LINE);
	bytes_are_refused("\x16\3\1\2\0\1", 6, HTTP_BAD_START_LINE); /* a TLS hello */
}

static void other_versions_are_refused(void **state)
{
	static const char *const lines[] = {
		"GET /",           "GET / HTTP/0.9", "GET / HTTP/1.2",  "GET / HTTP/2.0",
		"PRI * HTTP/2.0",  "GET / http/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.10",
		"GET / HTTP/01.1", "GET / HTTP/1",   "GET / XTTP/1.1",  "GET /a b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		is_refused(with_line(lines[i]), HTTP_BAD_VERSION);
}

static void broken_fields_are_refused(void **state)
{
	static const char *const fields[] = {
		"X : y\r\n",
		" X: y\r\n",
		"\tX: y\r\n",
		"X: y\r\n folded\r\n",
		"X: y\r\n\tfolded\r\n",
		": y\r\n",
		"X\r\n",
		"X(: y\r\n",
		"X: y\n",
		"X: a\rb\r\n",
		"X: a\x01\r\n",
		"X: a\x7f\r\n",
		"X: a\x01\n",
		"X: a\n\n",
		"X\xc3: y\r\n",
		"X: y\r\r\n",
		" \r\n",
	};
	static const char nul[] = "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		is_refused(with_fields("GET", fields[i]), HTTP_BAD_FIELD);
	bytes_are_refused(nul, sizeof(nul) - 1, HTTP_BAD_FIELD);
}

/* Servers differ on whether an absolute target says it in HTTP/1.0, and the proxy takes it out. */
static void host_is_needed_in_every_version(void **state)
{
	(void)state;
	is_refused("GET / HTTP/1.1\r\nX: y\r\n\r\n", HTTP_NO_HOST);
	is_refused("GET / HTTP/1.0\r\n\r\n", HTTP_NO_HOST);
	is_refused("GET http://a.b/ HTTP/1.0\r\n\r\n", HTTP_NO_HOST);
	is_understood("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
	is_slice(s_request.host, "a");
	assert_int_equal(s_request.minor_version, 0);
}

/* Some servers take the blank for a part of the host, the length or the coding. */
static void blanks_that_some_servers_keep_are_refused(void **state)
{
	static const char *const starts[] = {
		"Host:", "Host: a\r\nContent-Length:", "Host: a\r\nTransfer-Encoding:"};
	static const char *const values[] = {"a", "1", "chunked"};
	static const char *const blanks[][2] = {{"\t", ""}, {" \t ", ""}, {"", " "}, {" ", "\t"}};
	char head[128];

	(void)state;
	for (size_t field = 0; field < 3; field++)
		for (size_t i = 0; i < 4; i++) {
			snprintf(head, sizeof(head), "POST / HTTP/1.1\r\n%s%s%s%s\r\n\r\n",
				 starts[field], blanks[i][0], values[field], blanks[i][1]);
			is_refused(head, HTTP_BAD_FIELD);
		}
	is_understood("POST / HTTP/1.1\r\nHost:  a\r\nContent-Length:   1\r\nX:\ty\t\r\n\r\n");
}

static void two_hosts_are_refused(void **state)
{
	(void)state;
	is_refused(with_fields("GET", "hOST: example.com\r\n"), HTTP_DUPLICATE_HOST);
}

static void sound_hosts_are_split(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} cases[] = {
		{"a", "a", 0},
		{" a.b-c_d.Example:8080", "a.b-c_d.Example", 8080},
		{"10.0.0.1:65535", "10.0.0.1", 65535},
		{"a.:1", "a.", 1},
		{"[2001:db8::1]", "[2001:db8::1]", 0},
		{"[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]", 80},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_understood(with_host(cases[i].text));
		is_slice(s_request.host, cases[i].host);
		assert_int_equal(s_request.port, cases[i].port);
	}
}

static void broken_hosts_are_refused(void **state)
{
	static const char *const hosts[] = {
		"",          ":80",
		"a:",        "a:0",
		"a:080",     "a:65536",
		"a:100000",  "a:8a",
		"a:-1",      "a b",
		"a,b",       "u@a",
		"a/",        "a%2eb",
		"*.a",       "\xc3\xa9",
		"[::1",      "[]",
		"[::1]x",    "[::1]:",
		"[1.2.3.4]", "[::1%1]",
		"[v1.x]",    "::1",
		"[::1]]",    "a:80:80",
		"]",         "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		is_refused(with_host(hosts[i]), HTTP_BAD_HOST);
}

static void a_length_frames_a_body(void **state)
{
	(void)state;
	is_understood(with_fields("POST", "Content-Length: 42\r\n"));
	assert_int_equal(s_request.framing, HTTP_BODY_LENGTH);
	assert_int_equal(s_request.content_length, 42);
	is_understood(with_fields("POST", "Content-Length: 0\r\n"));
	assert_int_equal(s_request.framing, HTTP_BODY_NONE);
	is_understood(with_fields("POST", "Content-Length: 9223372036854775807\r\n"));
	assert_true(s_request.content_length == INT64_MAX);
}

static void an_unclear_length_is_refused(void **state)
{
	static const char *const fields[] = {
		"Content-Length:\r\n",
		"Content-Length: +1\r\n",
		"Content-Length: -1\r\n",
		"Content-Length: 0x1\r\n",
		"Content-Length: 1 1\r\n",
		"Content-Length: 1, 1\r\n",
		"Content-Length: 1\r\nContent-Length: 1\r\n",
		"Content-Length: 9223372036854775808\r\n",
		"Content-Length: 92233720368547758070\r\n",
		"Content-Length: 18446744073709551617\r\n",
		"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		is_refused(with_fields("POST", fields[i]), HTTP_BAD_LENGTH);
}

static void chunked_frames_a_body(void **state)
{
	(void)state;
	is_understood(with_fields("POST", "tRANSFER-eNCODING: Chunked\r\n"));
	assert_int_equal(s_request.framing, HTTP_BODY_CHUNKED);
}

/* Common servers do not skip it, and read it as the next request. */
static void a_body_that_could_hide_a_request_is_refused(void **state)
{
	static const char *const methods[] = {"GET", "HEAD", "TRACE"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		is_refused(with_fields(methods[i], "Content-Length: 1\r\n"), HTTP_BAD_LENGTH);
		is_refused(with_fields(methods[i], "Transfer-Encoding: chunked\r\n"),
			   HTTP_BAD_CODING);
		is_understood(with_fields(methods[i], "Content-Length: 0\r\n"));
	}
	is_understood(with_fields("DELETE", "Content-Length: 1\r\n"));
}

static void any_other_coding_is_refused(void **state)
{
	static const char *const fields[] = {
		"Transfer-Encoding:\r\n",
		"Transfer-Encoding: gzip\r\n",
		"Transfer-Encoding: gzip, chunked\r\n",
		"Transfer-Encoding: chunked, chunked\r\n",
		"Transfer-Encoding: chunked;q=1\r\n",
		"Transfer-Encoding: identity\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: xchunked\r\n",
		"Transfer-Encoding: \"chunked\"\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		is_refused(with_fields("POST", fields[i]), HTTP_BAD_CODING);
	is_refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		   HTTP_BAD_CODING);
}

static void connection_says_when_it_ends(void **state)
{
	static const struct {
		const char *text;
		bool close;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE , ,Close\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection:\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", true},
		{"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_understood(cases[i].text);
		assert_int_equal(s_request.close, cases[i].close);
	}
}

static void connection_may_not_remove_what_frames_or_routes(void **state)
{
	(void)state;
	is_refused(with_fields("GET", "Connection: close, Host\r\n"), HTTP_BAD_FIELD);
	is_refused(with_fields("GET", "Connection: content-length\r\n"), HTTP_BAD_FIELD);
	is_refused(with_fields("GET", "Connection: transfer-encoding ,x\r\n"), HTTP_BAD_FIELD);
}

static void upgrade_and_expectation_are_seen(void **state)
{
	(void)state;
	is_understood(with_fields("GET", "Connection: upgrade\r\nUpgrade: websocket\r\n"));
	assert_true(s_request.upgrade);
	is_understood(with_fields("GET", "Upgrade:\r\n"));
	assert_false(s_request.upgrade);
	is_understood(with_fields("PUT", "Expect: 100-Continue\r\nContent-Length: 1\r\n"));
	assert_true(s_request.expect_continue);
	is_understood(with_fields("PUT", "Expect: 200-ok\r\n"));
	assert_false(s_request.expect_continue);
	is_understood("PUT / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
	assert_false(s_request.expect_continue);
}

static char s_long[HTTP_HEAD_MAX + 100];

/* A head of exactly `length` bytes, one field filling it. */
static void fill_head(size_t length)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";

	memset(s_long, 'x', sizeof(s_long));
	memcpy(s_long, start, sizeof(start) - 1);
	memcpy(s_long + length - 4, "\r\n\r\n", 4);
}

static void a_head_up_to_the_limit_is_understood(void **state)
{
	enum http_error error;

	(void)state;
	fill_head(HTTP_HEAD_MAX);
	assert_int_equal(parse_bytes(s_long, HTTP_HEAD_MAX - 1, &error), HTTP_MORE);
	assert_int_equal(parse_bytes(s_long, HTTP_HEAD_MAX, &error), HTTP_WHOLE);
	assert_int_equal(parse_bytes(s_long, HTTP_HEAD_MAX + 9, &error), HTTP_WHOLE);
	assert_int_equal(s_request.head_length, HTTP_HEAD_MAX);
}

static void a_longer_head_is_refused(void **state)
{
	enum http_error error;

	(void)state;
	for (size_t over = 1; over <= 4; over++) {
		fill_head(HTTP_HEAD_MAX + over);
		assert_int_equal(parse_bytes(s_long, HTTP_HEAD_MAX - 1, &error), HTTP_MORE);
		assert_int_equal(parse_bytes(s_long, HTTP_HEAD_MAX, &error), HTTP_REFUSED);
		assert_int_equal(error, HTTP_TOO_LONG);
		assert_int_equal(parse_bytes(s_long, HTTP_HEAD_MAX + over, &error), HTTP_REFUSED);
		assert_int_equal(error, HTTP_TOO_LONG);
	}
	memset(s_long, 'G', sizeof(s_long));
	assert_int_equal(parse_bytes(s_long, HTTP_HEAD_MAX, &error), HTTP_REFUSED);
	assert_int_equal(error, HTTP_TOO_LONG);
}

static void a_hundred_fields_are_understood_and_one_more_is_not(void **state)
{
	size_t length = (size_t)snprintf(s_long, sizeof(s_long), "GET / HTTP/1.1\r\nHost: a\r\n");

	(void)state;
	for (int field = 1; field < 100; field++)
		length += (size_t)snprintf(s_long + length, sizeof(s_long) - length, "X: y\r\n");
	snprintf(s_long + length, sizeof(s_long) - length, "\r\n");
	is_understood(s_long);
	snprintf(s_long + length, sizeof(s_long) - length, "X: y\r\n\r\n");
	is_refused(s_long, HTTP_TOO_LONG);
}

static void every_error_has_its_own_text(void **state)
{
	(void)state;
	for (enum http_error a = HTTP_OK; a <= HTTP_BAD_STATUS; a++)
		for (enum http_error b = HTTP_OK; b < a; b++)
			assert_string_not_equal(http_error_text(a), http_error_text(b));
}

static void a_slice_equals_a_token_in_any_case(void **state)
{
	const struct http_slice slice = {.at = "GeT /", .length = 3}, empty = {.at = NULL};

	(void)state;
	assert_true(http_slice_is(&slice, "get"));
	assert_true(http_slice_is(&slice, "GET"));
	assert_false(http_slice_is(&slice, "ge"));
	assert_false(http_slice_is(&slice, "gett"));
	assert_false(http_slice_is(&slice, "gex"));
	assert_true(http_slice_is(&empty, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_plain_get_is_understood, forget),
		cmocka_unit_test_teardown(bytes_behind_the_head_are_not_looked_at, forget),
		cmocka_unit_test_teardown(an_absolute_target_gives_path_and_agrees_with_host,
					  forget),
		cmocka_unit_test_teardown(an_absolute_target_that_differs_from_host_is_refused,
					  forget),
		cmocka_unit_test_teardown(connect_names_host_and_port, forget),
		cmocka_unit_test_teardown(a_broken_connect_is_refused, forget),
		cmocka_unit_test_teardown(an_asterisk_is_for_options_only, forget),
		cmocka_unit_test_teardown(broken_targets_are_refused, forget),
		cmocka_unit_test_teardown(broken_first_lines_are_refused, forget),
		cmocka_unit_test_teardown(other_versions_are_refused, forget),
		cmocka_unit_test_teardown(broken_fields_are_refused, forget),
		cmocka_unit_test_teardown(host_is_needed_in_every_version, forget),
		cmocka_unit_test_teardown(blanks_that_some_servers_keep_are_refused, forget),
		cmocka_unit_test_teardown(two_hosts_are_refused, forget),
		cmocka_unit_test_teardown(sound_hosts_are_split, forget),
		cmocka_unit_test_teardown(broken_hosts_are_refused, forget),
		cmocka_unit_test_teardown(a_length_frames_a_body, forget),
		cmocka_unit_test_teardown(an_unclear_length_is_refused, forget),
		cmocka_unit_test_teardown(chunked_frames_a_body, forget),
		cmocka_unit_test_teardown(a_body_that_could_hide_a_request_is_refused, forget),
		cmocka_unit_test_teardown(any_other_coding_is_refused, forget),
		cmocka_unit_test_teardown(connection_says_when_it_ends, forget),
		cmocka_unit_test_teardown(connection_may_not_remove_what_frames_or_routes, forget),
		cmocka_unit_test_teardown(upgrade_and_expectation_are_seen, forget),
		cmocka_unit_test_teardown(a_head_up_to_the_limit_is_understood, forget),
		cmocka_unit_test_teardown(a_longer_head_is_refused, forget),
		cmocka_unit_test_teardown(a_hundred_fields_are_understood_and_one_more_is_not,
					  forget),
		cmocka_unit_test_teardown(every_error_has_its_own_text, forget),
		cmocka_unit_test_teardown(a_slice_equals_a_token_in_any_case, forget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
