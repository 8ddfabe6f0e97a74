#include "session.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

/* No code of the client. */
enum { NOT_YET = 1 };

struct left {
    struct session *session;
    int node;
};

struct wanted {
    struct session *session;
    int type;
    const char *path;
};

void session_watcher(zhandle_t *handle, int type, int state, const char *path, void *context) {
    struct session *session = context != NULL ? context : (void *)zoo_get_context(handle);
    pthread_mutex_lock(&session->lock);
    if (type == ZOO_SESSION_EVENT) {
        session->expired |= state == ZOO_EXPIRED_SESSION_STATE;
    } else {
        CHECK(session->event_count < EVENTS_MAX, "more than %d events", EVENTS_MAX);
        struct event *event = &session->events[session->event_count++];
        event->type = type;
        snprintf(event->path, sizeof event->path, "%s", path);
    }
    pthread_mutex_unlock(&session->lock);
}

static bool is_connected(void *context) {
    return zoo_state(((struct session *)context)->handle) == ZOO_CONNECTED_STATE;
}

static bool is_expired(void *context) {
    struct session *session = context;
    pthread_mutex_lock(&session->lock);
    bool expired = session->expired;
    pthread_mutex_unlock(&session->lock);
    return expired;
}

static bool has_event(void *context) {
    const struct wanted *wanted = context;
    return session_events(wanted->session, wanted->type, wanted->path) > 0;
}

void session_open(struct session *session, const char *hosts, int timeout_ms) {
    memset(session, 0, sizeof *session);
    pthread_mutex_init(&session->lock, NULL);
    session->handle = zookeeper_init(hosts, session_watcher, timeout_ms, NULL, session, 0);
    CHECK(session->handle != NULL, "zookeeper_init %s", hosts);
    session_wait_connected(session);
}

void session_close(struct session *session) {
    CODE(ZOK, zookeeper_close(session->handle));
    pthread_mutex_destroy(&session->lock);
}

void session_wait_connected(struct session *session) {
    wait_until("a connection", is_connected, session);
}

static bool is_elsewhere(void *context) {
    const struct left *left = context;
    return is_connected(left->session) && session_node(left->session) != left->node;
}

void session_wait_moved(struct session *session, int from_node) {
    struct left left = {session, from_node};
    wait_until("a connection to another node", is_elsewhere, &left);
}

void session_wait_expired(struct session *session) {
    wait_until("the session to expire", is_expired, session);
}

int session_events(struct session *session, int type, const char *path) {
    int found = 0;
    pthread_mutex_lock(&session->lock);
    for (int at = 0; at < session->event_count; at++)
        found += session->events[at].type == type && strcmp(session->events[at].path, path) == 0;
    pthread_mutex_unlock(&session->lock);
    return found;
}

void session_wait_event(struct session *session, int type, const char *path) {
    struct wanted wanted = {session, type, path};
    char what[192];
    snprintf(what, sizeof what, "an event of type %d at %s", type, path);
    wait_until(what, has_event, &wanted);
    CHECK(session_events(session, type, path) == 1, "%s came more than once", what);
}

static void synced(int code, const char *value, const void *data) {
    (void)value;
    *(volatile int *)data = code;
}

static bool is_synced(void *code) {
    return *(volatile int *)code != NOT_YET;
}

void session_sync(struct session *session) {
    volatile int code = NOT_YET;
    CODE(ZOK, zoo_async(session->handle, "/", synced, (const void *)&code));
    wait_until("a sync", is_synced, (void *)&code);
    CHECK(code == ZOK, "%s", zerror(code));
}

int session_node(struct session *session) {
    return node_at(zoo_get_current_server(session->handle));
}
