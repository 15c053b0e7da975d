/*
 * One client connection and what is done for it. A session is a state machine: each state has a
 * step (s_steps in session.c) that does what can be done at once and then says what it waits for;
 * the driver session_run() calls steps until one waits.
 */
#pragma once

#include "loop/loop.h"
#include "observe/event.h"
#include "proto/http/body.h"
#include "proto/tls/hello_reader.h"
#include "proxy/relay_impl.h"
#include "proxy/server_hello_impl.h"
#include "resolve/resolver.h"

struct proxy;

enum session_state {
	/* Transparent only: the first byte decides between TLS and HTTP. Nothing but the client is
	   open. */
	SESSION_FIRST,
	/* Client bytes are held until the ClientHello is whole. In a CONNECT tunnel the server is
	   connected already, and has got no byte. */
	SESSION_HELLO,
	/* Client bytes are held until a request head is whole. A server connection may be left from
	   the request before. */
	SESSION_REQUEST,
	/* Judged and allowed; the name is being looked up. */
	SESSION_LOOKUP,
	/* Its addresses are being tried. */
	SESSION_DIAL,
	/* TLS: the hello has left. Server bytes pass; client bytes pass but for a further hello,
	   which must carry the first one's name. Ends when the server's hello has come. */
	SESSION_CONFIRM,
	/* Bytes pass unread, both ways. */
	SESSION_TUNNEL,
	/* HTTP: one request and its response pass, each exactly to its end. */
	SESSION_EXCHANGE,
	/* The last words go out to the client, then its side is closed, and what it still sends is
	   thrown away: closing at once would reset the connection and lose the words. */
	SESSION_FAREWELL,
	/* To be closed and freed by the driver. */
	SESSION_OVER,
};

enum step {
	STEP_AGAIN, /* something changed: call the step of the state that is now */
	STEP_WAIT,  /* until the sockets give what `wanted` says, or the timer fires */
};

enum close_manner {
	CLOSE_ORDERLY,
	CLOSE_RESET,
};

/* What the session speaks with its client, so how it refuses. */
enum speech {
	SPEECH_NONE,
	SPEECH_TLS,
	SPEECH_HTTP,
};

/* What becomes of the connection once the server is connected. */
enum session_purpose {
	PURPOSE_TLS,
	PURPOSE_HTTP,
	PURPOSE_CONNECT,
};

/* What was judged; kept for the events and to judge again after a reload. */
struct subject {
	enum flow_protocol protocol; /* FLOW_HTTP or FLOW_HTTPS */
	uint16_t port;
	bool named;
	struct name name;
	enum name_origin origin;
	/* of the TLS hello: */
	bool nameless;  /* it has no server name; `name` is the one of CONNECT */
	bool encrypted; /* it carries an encrypted hello; `name` is the outer name */
};

#define SESSION_RULE_SIZE 256 /* a longer label is cut and ends in "..." */

struct dial {
	struct ip_address addresses[RESOLVER_ADDRESSES_MAX];
	size_t count, next;
	int error;            /* negative errno of the last attempt */
	uint64_t deadline_ms; /* for all of it */
};

/* One HTTP request and its response. */
struct exchange {
	struct http_body request_body, response_body;
	bool is_head, upgrade, expect_continue;
	bool continued;       /* 100 Continue has come */
	bool body_begun;      /* a byte of the request's body was taken */
	bool request_done;    /* nothing of the request is to be read any more */
	bool request_stopped; /* ... because the server does not take it */
	bool headed;          /* the final response head was read */
	bool answered;        /* a byte of a response was released */
	bool response_done;
	bool close;  /* the connection ends after this exchange */
	bool reused; /* the server connection served an exchange before */
};

/* Where bytes are held and hellos read. A session has them while it runs, and keeps them between
   its turns only when something is in them: an idle one has none. */
struct session_buffers {
	struct session_buffers *next_free;
	struct hello_reader reader;
	uint8_t up[RELAY_CAPACITY], down[RELAY_CAPACITY];
};

struct session {
	struct session *older, *newer; /* of those in use; `newer` links the free ones */
	struct proxy *proxy;
	enum session_state state;
	enum close_manner manner; /* in OVER */
	bool running;             /* session_run() is at work: nobody else calls it */
	struct side client, server;
	struct relay up, down;           /* client to server, server to client */
	struct session_buffers *buffers; /* NULL: nothing is held */
	struct loop_timer timer;
	uint64_t deadline_ms, timer_due_ms;

	bool is_explicit;
	enum speech speech;
	enum session_purpose purpose;
	struct ip_endpoint source;
	struct ip_endpoint destination; /* the original one; family 0: explicit */
	struct ip_endpoint dialled;     /* family 0: not yet */

	struct subject subject;
	enum reason reason;
	bool has_rule;
	char rule[SESSION_RULE_SIZE];
	bool judged;      /* the subject is allowed and in use */
	bool verdict_due; /* ... and its event is not written yet */
	bool end_due;     /* its verdict was written, and the end of it is not yet */
	uint64_t started_ms, out_before, in_before;
	uint64_t out_counted, in_counted; /* in the proxy's figures */

	struct resolver_lookup lookup;
	bool looking_up;
	struct dial dial;

	struct exchange exchange;
	size_t scanned;  /* held bytes of a head that were searched for line ends */
	bool head_begun; /* the head's time is running */
	bool first_request;
	bool farewell_sent;
	size_t drained;

	struct server_hello server_hello;
	size_t hello_fed; /* held bytes, behind the released ones, that the reader has */
	bool in_second_hello;
	uint32_t record_left; /* of a client record that may pass */
};

/* ------------------------------------------------------------------ session.c */

/* A session for an accepted socket, which it owns from now on. */
void session_begin(struct session *session, int descriptor, const struct ip_endpoint *source,
		   const struct ip_endpoint *destination, bool is_explicit);
void session_run(struct session *session);
/* For what is said outside of a step. Taken back at the end of session_run(). */
void session_take_buffers(struct session *session);
/* Ends in OVER; the driver closes. Also from outside of a step, then followed by session_run(). */
enum step session_over(struct session *session, enum close_manner manner);
enum step session_go(struct session *session, enum session_state state, uint64_t within_ms);
/* The state is given up `after_ms` from now, see session_expired(). */
void session_set_deadline(struct session *session, uint64_t after_ms);
/* Opens the server's side on a socket that connects, which the session owns from now on. Negative
   errno. */
int session_add_server(struct session *session, int descriptor);
void session_close_server(struct session *session, enum close_manner manner);
/* What was said to the client goes out, then the connection ends. */
enum step session_farewell(struct session *session);
void session_prepare_first(struct session *session);

/* ------------------------------------------------------------------ verdict.c */

/* Judges the subject; reason and rule are left in the session. A hit is counted when allowed. */
enum rule_action session_judge(struct session *session);
/* What the policy in force says of the subject: RULE_ALLOWS, or why not. Changes nothing. */
enum reason session_judge_again(const struct session *session);
/* The subject that is allowed was connected: its event, and from here its bytes. */
void session_admit(struct session *session, const char *detail);
/* What was admitted has ended: its event, once. */
void session_end(struct session *session, const char *detail);
/* Writes the verdict's event and refuses by alert or text. `status`: of HTTP. */
enum step session_deny(struct session *session, enum reason reason, unsigned int status,
		       const char *detail);
/* Refuses what was judged, by session->reason. */
enum step session_deny_judged(struct session *session);
/* Writes a deny and nothing else. */
void session_emit_deny(struct session *session, enum reason reason, const char *detail);
/* An HTTP response of our own about a failure that is no verdict. */
enum step session_fail(struct session *session, unsigned int status, const char *text);

/* ------------------------------------------------------------------ reply.c */

/* Put into the empty `down`. */
void reply_http(struct session *session, unsigned int status, const char *text);
void reply_alert(struct session *session, enum reason reason);

/* ------------------------------------------------------------------ dial.c */

enum step session_connect(struct session *session); /* from an allowed subject */
enum step step_lookup(struct session *session);
enum step step_dial(struct session *session);
void dial_expired(struct session *session);

/* ------------------------------------------------------------------ tls_session.c, tunnel.c */

enum step step_first(struct session *session);
enum step step_hello(struct session *session);
enum step step_confirm(struct session *session);
enum step step_tunnel(struct session *session);
enum step session_begin_hello(struct session *session);
enum step session_begin_confirm(struct session *session);
/* What became of one direction. */
enum pass {
	PASS_OPEN,   /* nothing more can be done now; the sides' `wanted` say when */
	PASS_AGAIN,  /* something was received */
	PASS_FAILED, /* a connection failed */
};
/* OPEN and wanted when `error` is -EAGAIN, else FAILED. */
enum pass pass_blocked(struct side *side, uint32_t wanted, int error);
/* Tells the receiver of an emptied relay that its sender has ended. */
void tunnel_pass_end(struct session *session, struct relay *relay, const struct side *to);

/* ------------------------------------------------------------------ http_session.c,
 * http_exchange.c
 */

enum step step_request(struct session *session);
enum step step_exchange(struct session *session);
/* The next request on the connection, or the first. */
enum step session_begin_request(struct session *session);
enum step session_begin_exchange(struct session *session);
/* Is there something in the held bytes that makes reading the head (again) worth while? */
bool http_head_due(const struct relay *relay, size_t *scanned);
