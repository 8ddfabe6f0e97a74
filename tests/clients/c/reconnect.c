/* Nodes that are killed, and sessions that end. */
#include <string.h>

#include "check.h"
#include "scenarios.h"
#include "session.h"

enum { LONG_TIMEOUT_MS = 20000, SHORT_TIMEOUT_MS = 2000, WRITES = 200, KILL_AT = 50 };

static void create(struct session *session, const char *path, int mode) {
    CODE(ZOK, zoo_create(session->handle, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, mode, NULL, 0));
}

/* A data watch, a child watch and one for a znode to come. */
static void watch(struct session *session, const char *path, const char *missing) {
    struct Stat stat;
    struct String_vector children;
    CODE(ZOK, zoo_wexists(session->handle, path, session_watcher, session, &stat));
    CODE(ZOK, zoo_wget_children(session->handle, path, session_watcher, session, &children));
    deallocate_String_vector(&children);
    CODE(ZNONODE, zoo_wexists(session->handle, missing, session_watcher, session, &stat));
}

static void change(struct session *session, const char *path, const char *missing) {
    CODE(ZOK, zoo_set(session->handle, path, "x", 1, -1));
    create(session, missing, ZOO_PERSISTENT);
}

static void wait_for_events(struct session *session, const char *path, const char *missing) {
    session_wait_event(session, ZOO_CHANGED_EVENT, path);
    session_wait_event(session, ZOO_CHILD_EVENT, path);
    session_wait_event(session, ZOO_CREATED_EVENT, missing);
}

static bool is_disconnected(void *context) {
    return zoo_state(((struct session *)context)->handle) != ZOO_CONNECTED_STATE;
}

void watches_survive_a_restart_of_the_only_node(void) {
    struct session watching, writing;
    session_open(&writing, servers(2), LONG_TIMEOUT_MS);
    create(&writing, "/c-away", ZOO_PERSISTENT);
    create(&writing, "/c-calm", ZOO_PERSISTENT);
    session_open(&watching, servers(1), LONG_TIMEOUT_MS);
    int64_t id = zoo_client_id(watching.handle)->client_id;
    watch(&watching, "/c-away", "/c-away/new");
    watch(&watching, "/c-calm", "/c-calm/new");
    order("kill 1");
    wait_until("the connection to break", is_disconnected, &watching);
    session_wait_connected(&writing);
    change(&writing, "/c-away", "/c-away/new");
    order("start 1");
    session_wait_connected(&watching);
    CHECK(zoo_client_id(watching.handle)->client_id == id, "another session");
    /* What changed meanwhile is told by the answer to setWatches, the rest by the watches that it made. */
    wait_for_events(&watching, "/c-away", "/c-away/new");
    change(&writing, "/c-calm", "/c-calm/new");
    wait_for_events(&watching, "/c-calm", "/c-calm/new");
    session_close(&watching);
    session_close(&writing);
}

void a_session_moves_when_its_node_is_killed(void) {
    struct session session;
    struct Stat stat;
    session_open(&session, servers(0), LONG_TIMEOUT_MS);
    int64_t id = zoo_client_id(session.handle)->client_id;
    create(&session, "/c-moved", ZOO_PERSISTENT);
    create(&session, "/c-moved/ephemeral", ZOO_EPHEMERAL);
    watch(&session, "/c-moved", "/c-moved/new");
    int first = session_node(&session);
    order("kill %d", first);
    session_wait_moved(&session, first);
    CHECK(zoo_client_id(session.handle)->client_id == id, "another session");
    CODE(ZOK, zoo_exists(session.handle, "/c-moved/ephemeral", 0, &stat));
    CHECK(stat.ephemeralOwner == id, "%lx", (long)stat.ephemeralOwner);
    change(&session, "/c-moved", "/c-moved/new");
    wait_for_events(&session, "/c-moved", "/c-moved/new");
    order("start %d", first);
    session_close(&session);
}

/* A write whose connection broke may have happened or not; the next one tells. */
void writes_go_on_when_the_leader_is_killed(void) {
    struct session session;
    struct Stat stat;
    session_open(&session, servers(0), LONG_TIMEOUT_MS);
    create(&session, "/c-leader", ZOO_PERSISTENT);
    int64_t id = zoo_client_id(session.handle)->client_id;
    int leader = order("leader");
    int done = 0, unknown = 0;
    for (int write = 0; done < WRITES; write++) {
        if (write == KILL_AT)
            order("kill %d", leader);
        int code = zoo_set(session.handle, "/c-leader", "x", 1, -1);
        CHECK(code == ZOK || code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT, "%s", zerror(code));
        CHECK(unknown < WRITES, "%d writes of unknown outcome", unknown);
        done += code == ZOK;
        unknown += code != ZOK;
        if (code != ZOK)
            session_wait_connected(&session);
    }
    CODE(ZOK, zoo_exists(session.handle, "/c-leader", 0, &stat));
    CHECK(stat.version >= done && stat.version <= done + unknown, "version %d after %d writes, %d unknown",
          stat.version, done, unknown);
    CHECK(zoo_client_id(session.handle)->client_id == id, "another session");
    order("start %d", leader);
    session_close(&session);
}

void a_frozen_session_expires(void) {
    struct session frozen, other;
    struct Stat stat;
    session_open(&other, servers(0), LONG_TIMEOUT_MS);
    session_open(&frozen, servers(0), SHORT_TIMEOUT_MS);
    CHECK(zoo_recv_timeout(frozen.handle) == SHORT_TIMEOUT_MS, "%d", zoo_recv_timeout(frozen.handle));
    create(&frozen, "/c-frozen", ZOO_EPHEMERAL);
    order("freeze %lx", (long)zoo_client_id(frozen.handle)->client_id);
    session_wait_expired(&frozen);
    CHECK(zoo_state(frozen.handle) == ZOO_EXPIRED_SESSION_STATE, "state %d", zoo_state(frozen.handle));
    CHECK(is_unrecoverable(frozen.handle) == ZINVALIDSTATE, "recoverable");
    CODE(ZINVALIDSTATE, zoo_exists(frozen.handle, "/", 0, &stat));
    session_wait_connected(&other);
    session_sync(&other);
    CODE(ZNONODE, zoo_exists(other.handle, "/c-frozen", 0, &stat));
    session_close(&other);
    CODE(ZOK, zookeeper_close(frozen.handle));
}

void a_closed_session_leaves_nothing(void) {
    struct session closing, other;
    struct Stat stat;
    session_open(&other, servers(2), LONG_TIMEOUT_MS);
    session_open(&closing, servers(1), LONG_TIMEOUT_MS);
    create(&closing, "/c-closed", ZOO_EPHEMERAL);
    session_sync(&other);
    CODE(ZOK, zoo_wexists(other.handle, "/c-closed", session_watcher, &other, &stat));
    session_close(&closing);
    session_wait_event(&other, ZOO_DELETED_EVENT, "/c-closed");
    CODE(ZNONODE, zoo_exists(other.handle, "/c-closed", 0, &stat));
    session_close(&other);
}
