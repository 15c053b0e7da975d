/* The fixed pools of sessions and of their buffers, as many as sessions. Memory is touched, and so
   really used, by the session that needs it. */
#pragma once

#include "proxy/session_impl.h"

struct session_table;

struct session_table *session_table_new(size_t capacity); /* NULL: out of memory */
void session_table_free(struct session_table *table);

struct session *session_table_take(struct session_table *table); /* cleared; NULL: full */
void session_table_give_back(struct session_table *table, struct session *session);

struct session *session_table_first(const struct session_table *table); /* then ->newer */
size_t session_table_count(const struct session_table *table);

/* Not cleared. There are some for each session. */
struct session_buffers *session_table_lend_buffers(struct session_table *table);
void session_table_take_buffers_back(struct session_table *table, struct session_buffers *buffers);
