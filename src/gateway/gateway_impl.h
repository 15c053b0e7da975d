/*
 * What the parts of the gateway share. One struct a concern; `struct gateway` only holds them
 * together.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "config/config.h"
#include "gateway/gateway.h"
#include "inspect/inspector.h"
#include "kernel/conntrack.h"
#include "kernel/host.h"
#include "kernel/nft_helper.h"
#include "kernel/packet_log.h"
#include "kernel/ruleset.h"
#include "kernel/sets.h"
#include "observe/admin.h"
#include "observe/event.h"
#include "pins/admissions.h"
#include "pins/pins.h"
#include "policy/slot.h"
#include "proxy/proxy.h"
#include "resolve/dns_proxy.h"
#include "resolve/name_budget.h"
#include "resolve/resolver.h"
#include "sandbox/sandbox.h"

#define GATEWAY_QUEUE_FIRST 7053
#define GATEWAY_PROXY_PORT  7053 /* on 127.0.0.1 and ::1 only */
#define GATEWAY_WORKERS_MAX 64

/* Told apart by dns.budget: a cluster of 5,000 nodes, with room. 34 MiB when all are in use. */
#define GATEWAY_BUDGET_SOURCES    8192
#define GATEWAY_OWN_ADDRESSES_MAX 1024

/* Seconds: a longer time to live is taken as this. */
#define GATEWAY_TTL_MAX 86400u

/* Network rules that name the same FQDN: a policy with more is refused. */
#define GATEWAY_RULES_OF_A_NAME 64

/*
 * The ruleset that is in the kernel, as far as learners need it. Learning and reloading exclude
 * each other: a learner holds the lock for reading from its look at the policy until its elements
 * are in the kernel, so that it never writes to sets of another ruleset. A learner never waits for
 * the lock: the answer does (learn.c).
 */
struct applied {
	pthread_rwlock_t lock;
	uint32_t *numbers; /* admission number of each network rule, by position */
	size_t count;
	uint32_t *named; /* the numbers of rules by name: each has its sets in the kernel */
	size_t named_count;
	uint64_t fingerprint; /* of what is in the kernel; main thread only */
	bool in_kernel;       /* false: explicit proxy only, no ruleset */
};

/* Learns what the resolvers find: pins, then kernel elements. One a thread (its own netlink
 * socket). */
struct learning {
	struct gateway *gateway;
	struct kernel_sets *sets; /* NULL without a ruleset */
};

struct worker_figures {
	struct resolver_figures resolver;
	struct dns_proxy_figures dns;
	struct inspector_figures inspector;
	struct proxy_figures proxy;
};

struct worker {
	struct gateway *gateway;
	unsigned int number;
	pthread_t thread;
	bool started;
	struct loop *loop;
	struct learning learning;
	struct resolver *resolver;
	struct dns_proxy *dns;       /* NULL: no DNS listener is configured */
	struct inspector *inspector; /* NULL without a ruleset */
	struct proxy *proxy;
	struct loop_timer publishing;
	pthread_mutex_t figures_lock;
	struct worker_figures figures; /* as published last */
};

/* Keeps the exact names of the policy resolved (DESIGN: names of network rules, the API server's
 * address). */
struct refresher {
	struct gateway *gateway;
	struct learning learning;
	struct resolver *resolver;
	struct refresh *names; /* one a name */
	size_t count;
};

/* Turns what the kernel tells (denied packets, network rules' new flows, ended flows) into events.
 */
struct reporter {
	struct gateway *gateway;
	struct packet_log *log;
	struct conntrack_events *ends;
};

struct gateway {
	const struct gateway_options *options;
	int service; /* the service manager's socket, or -1 (service.h) */
	struct config *config;
	struct loop *loop; /* main thread: signals, admin, kernel's reports, refresher, saving */
	struct loop_watch signals;
	struct loop_timer saving, sweeping, checking;
	struct policy_slot *slot;
	struct pins *pins;
	struct admissions *admissions;
	struct name_budget *budget;
	struct events *events;
	struct applied applied;
	struct worker *workers;
	unsigned int worker_count;
	struct refresher refresher;
	struct reporter reporter;
	struct admin *admin;
	struct life_sign *life_sign;
	struct sandbox_identity identity; /* who the process becomes */
	struct nft_helper *helper;        /* NULL without a ruleset */
	struct ip_address own_addresses[GATEWAY_OWN_ADDRESSES_MAX];
	size_t own_address_count;
	_Atomic uint64_t lifetime_ms, grace_ms; /* of pins: dns.stale_after, dns.grace */
	uint64_t saved_changes;                 /* of the pins, when they were saved last */
	unsigned int switched;                  /* kernel settings that were off before (host.h) */
	uint64_t started_ms;
	const uint8_t *numbers_in_use; /* during a sweep of admissions */
	uint64_t reloads, failed_reloads;
	uint64_t restored_rulesets;
	bool ruleset_is_missing; /* and could not be put back so far */
	bool flows_are_unjudged; /* some could not be judged, or cut: to be tried again */
};

/* start.c: opens everything and starts the workers. Negative: told in the log; what is open stays
   open, for the caller to close. */
int gateway_start(struct gateway *gateway);

/* confine.c. Negative: told in the log, and the process must not go on. */
int gateway_start_helper(struct gateway *gateway); /* before anything is open */
int gateway_confine(struct gateway *gateway);      /* when everything is, before the threads */

/* control.c. Negative: told in the log (signals: errno says why). */
int control_open_signals(struct gateway *gateway);
int control_open_admin(struct gateway *gateway);

/* load.c: file and flags → config and policy. NULL: problems say why. */
struct config *gateway_load(struct gateway *gateway, struct policy **ret_policy,
			    struct problems *problems);
void gateway_log_problems(const struct problems *problems);
struct name_budget_limits gateway_budget_limits(const struct config *config);

/* apply.c: the policy → kernel. With the lock held for writing. Negative errno: `error` says why,
   and the kernel is as it was. */
int gateway_apply(struct gateway *gateway, const struct config *config, const struct policy *policy,
		  bool first, struct text *error);

/* enforce.c. Main thread only. */
/* All of the ruleset, anew. Negative errno: `error` says why. */
int gateway_put_ruleset(struct gateway *gateway, struct text *error);
/* What is in the kernel now is right. */
void gateway_remember_ruleset(struct gateway *gateway);
/* Puts it back when it is not. */
void gateway_check_ruleset(struct gateway *gateway);

/* learn.c */
int learning_open(struct learning *learning, struct gateway *gateway);
void learning_close(struct learning *learning);
struct learner learning_learner(struct learning *learning);

/* worker.c */
int worker_open(struct worker *worker, struct gateway *gateway, unsigned int number);
int worker_start(struct worker *worker);
void worker_close(struct worker *worker); /* stops its thread first */
struct worker_figures worker_figures(struct worker *worker);
struct resolver_settings gateway_resolver_settings(const struct config *config);

/* refresh.c */
int refresher_open(struct refresher *refresher, struct gateway *gateway);
/* After a swap of the policy. -ENOMEM: the old names stay. */
int refresher_renew(struct refresher *refresher);
void refresher_close(struct refresher *refresher);

/* report.c */
int reporter_open(struct reporter *reporter, struct gateway *gateway);
void reporter_close(struct reporter *reporter);

/* reload.c */
int gateway_reload(struct gateway *gateway, struct text *error); /* 0, or negative and words */

/* flows.c */
/* Judges every running flow that the kernel forwards; cuts what is no longer allowed. Returns how
 * many. */
size_t gateway_judge_flows(struct gateway *gateway);
/* At the start, before any number is given: what an earlier process admitted by a number that the
 * registry has lost (no disk, no file) would else be judged by what the number means next. Negative
 * errno: some may be left. */
int gateway_cut_unknown_flows(struct gateway *gateway);
/* Takes back the numbers that neither a rule nor a running flow carries. */
void gateway_sweep_admissions(struct gateway *gateway);

/* state.c */
int state_load(struct gateway *gateway);
void state_save(struct gateway *gateway);
int state_keep_admissions(struct gateway *gateway);

/* status.c */
void gateway_status(struct gateway *gateway, struct text *reply);
