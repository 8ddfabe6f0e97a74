/* A handle of the C client that remembers what its watchers were told. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <zookeeper/zookeeper.h>

enum { EVENTS_MAX = 64, PATH_MAX_SEEN = 128 };

struct event {
    int type;
    char path[PATH_MAX_SEEN];
};

struct session {
    zhandle_t *handle;
    pthread_mutex_t lock;
    /* Events of watches; what the session is told of itself is in `expired`. */
    struct event events[EVENTS_MAX];
    int event_count;
    bool expired;
};

/* Connects to `hosts` and waits until that is done. */
void session_open(struct session *session, const char *hosts, int timeout_ms);
void session_close(struct session *session);

void session_wait_connected(struct session *session);
/* Waits until it is connected to another node; the moment without any may be too short to see. */
void session_wait_moved(struct session *session, int from_node);
/* Waits until the session is told that it has expired. */
void session_wait_expired(struct session *session);
/* How many events of this kind at this path have come so far. */
int session_events(struct session *session, int type, const char *path);
/* Waits for the first of them, and checks that there is only one. */
void session_wait_event(struct session *session, int type, const char *path);
/* Returns once its node has everything that was acknowledged to anybody before. */
void session_sync(struct session *session);
/* Number of the node it is connected to. */
int session_node(struct session *session);

/* The watcher of all watches; its context is the session. */
void session_watcher(zhandle_t *handle, int type, int state, const char *path, void *session);
