/* Operations on a cluster that nothing happens to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "scenarios.h"
#include "session.h"

enum { TIMEOUT_MS = 10000, PIPELINED = 1000 };

static void create(struct session *session, const char *path, int mode) {
    CODE(ZOK, zoo_create(session->handle, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, mode, NULL, 0));
}

void creates_of_every_mode(void) {
    struct session session;
    session_open(&session, servers(0), TIMEOUT_MS);
    zhandle_t *handle = session.handle;
    char made[64];
    struct Stat stat;
    create(&session, "/c-modes", ZOO_PERSISTENT);
    CODE(ZOK, zoo_create2(handle, "/c-modes/sequential-", "x", 1, &ZOO_OPEN_ACL_UNSAFE,
                          ZOO_PERSISTENT_SEQUENTIAL, made, sizeof made, &stat));
    CHECK(strcmp(made, "/c-modes/sequential-0000000000") == 0, "%s", made);
    CHECK(stat.dataLength == 1 && stat.version == 0, "length %d", stat.dataLength);
    CODE(ZOK, zoo_create2(handle, "/c-modes/ephemeral-", "", 0, &ZOO_OPEN_ACL_UNSAFE,
                          ZOO_EPHEMERAL_SEQUENTIAL, made, sizeof made, &stat));
    CHECK(strcmp(made, "/c-modes/ephemeral-0000000001") == 0, "%s", made);
    CHECK(stat.ephemeralOwner == zoo_client_id(handle)->client_id, "%lx", (long)stat.ephemeralOwner);
    CODE(ZNOCHILDRENFOREPHEMERALS,
         zoo_create(handle, "/c-modes/ephemeral-0000000001/child", "", 0, &ZOO_OPEN_ACL_UNSAFE,
                    ZOO_PERSISTENT, NULL, 0));
    create(&session, "/c-modes/container", ZOO_CONTAINER);
    CODE(ZOK, zoo_create_ttl(handle, "/c-modes/ttl", "", 0, &ZOO_OPEN_ACL_UNSAFE,
                             ZOO_PERSISTENT_WITH_TTL, 60000, NULL, 0));
    CODE(ZNODEEXISTS, zoo_create(handle, "/c-modes", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    struct String_vector children;
    CODE(ZOK, zoo_get_children2(handle, "/c-modes", 0, &children, &stat));
    CHECK(children.count == 4 && stat.numChildren == 4, "%d children", children.count);
    deallocate_String_vector(&children);
    session_close(&session);
}

void versions_and_errors(void) {
    struct session session;
    session_open(&session, servers(0), TIMEOUT_MS);
    zhandle_t *handle = session.handle;
    char data[64];
    int length = sizeof data;
    struct Stat stat;
    create(&session, "/c-versions", ZOO_PERSISTENT);
    CODE(ZOK, zoo_set2(handle, "/c-versions", "one", 3, 0, &stat));
    CHECK(stat.version == 1, "version %d", stat.version);
    CODE(ZBADVERSION, zoo_set(handle, "/c-versions", "two", 3, 0));
    CODE(ZOK, zoo_set(handle, "/c-versions", "two", 3, -1));
    CODE(ZOK, zoo_get(handle, "/c-versions", 0, data, &length, &stat));
    CHECK(length == 3 && memcmp(data, "two", 3) == 0, "%.*s", length, data);
    create(&session, "/c-versions/child", ZOO_PERSISTENT);
    CODE(ZNOTEMPTY, zoo_delete(handle, "/c-versions", -1));
    CODE(ZBADVERSION, zoo_delete(handle, "/c-versions/child", 7));
    CODE(ZOK, zoo_delete(handle, "/c-versions/child", 0));
    CODE(ZNONODE, zoo_exists(handle, "/c-versions/child", 0, &stat));
    CODE(ZNONODE, zoo_set(handle, "/c-none", "", 0, -1));
    CODE(ZOK, zoo_delete(handle, "/c-versions", 2));
    session_close(&session);
}

void watches_of_every_kind(void) {
    struct session watching, writing;
    session_open(&watching, servers(1), TIMEOUT_MS);
    session_open(&writing, servers(2), TIMEOUT_MS);
    struct Stat stat;
    struct String_vector children;
    char data[8];
    int length = sizeof data;
    create(&watching, "/c-watches", ZOO_PERSISTENT);
    CODE(ZOK, zoo_wget(watching.handle, "/c-watches", session_watcher, &watching, data, &length, &stat));
    CODE(ZOK, zoo_wget_children(watching.handle, "/c-watches", session_watcher, &watching, &children));
    CODE(ZNONODE, zoo_wexists(watching.handle, "/c-watches/new", session_watcher, &watching, &stat));
    CODE(ZNONODE, zoo_wexists(watching.handle, "/c-watches/removed", session_watcher, &watching, &stat));
    CODE(ZOK, zoo_remove_watches(watching.handle, "/c-watches/removed", ZWATCHTYPE_DATA,
                                 session_watcher, &watching, 0));
    CODE(ZNOWATCHER, zoo_remove_watches(watching.handle, "/c-watches/never", ZWATCHTYPE_DATA,
                                        session_watcher, &watching, 0));
    /* Another session, through another node. */
    session_sync(&writing);
    CODE(ZOK, zoo_set(writing.handle, "/c-watches", "x", 1, -1));
    create(&writing, "/c-watches/removed", ZOO_PERSISTENT);
    create(&writing, "/c-watches/new", ZOO_PERSISTENT);
    session_wait_event(&watching, ZOO_CHANGED_EVENT, "/c-watches");
    session_wait_event(&watching, ZOO_CHILD_EVENT, "/c-watches");
    session_wait_event(&watching, ZOO_CREATED_EVENT, "/c-watches/new");
    CHECK(session_events(&watching, ZOO_CREATED_EVENT, "/c-watches/removed") == 0, "removed watch");
    deallocate_String_vector(&children);
    session_close(&writing);
    session_close(&watching);
}

void transactions(void) {
    struct session session;
    session_open(&session, servers(0), TIMEOUT_MS);
    zhandle_t *handle = session.handle;
    struct Stat stat;
    char one[64], two[64];
    zoo_op_t ops[4];
    zoo_op_result_t results[4];
    zoo_create_op_init(&ops[0], "/c-multi", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, one, sizeof one);
    zoo_create_op_init(&ops[1], "/c-multi/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, two, sizeof two);
    zoo_set_op_init(&ops[2], "/c-multi", "data", 4, 0, &stat);
    zoo_check_op_init(&ops[3], "/c-multi", 1);
    CODE(ZOK, zoo_multi(handle, 4, ops, results));
    CHECK(strcmp(two, "/c-multi/s-0000000000") == 0 && stat.version == 1, "%s", two);
    zoo_set_op_init(&ops[0], "/c-multi", "lost", 4, 1, &stat);
    zoo_delete_op_init(&ops[1], "/c-multi", -1);
    zoo_delete_op_init(&ops[2], "/c-multi/s-0000000000", -1);
    CODE(ZNOTEMPTY, zoo_multi(handle, 3, ops, results));
    CHECK(results[0].err == ZOK, "%d", results[0].err);
    CHECK(results[1].err == ZNOTEMPTY, "%d", results[1].err);
    CHECK(results[2].err == ZRUNTIMEINCONSISTENCY, "%d", results[2].err);
    CODE(ZOK, zoo_exists(handle, "/c-multi", 0, &stat));
    CHECK(stat.version == 1 && stat.numChildren == 1, "version %d", stat.version);
    session_close(&session);
}

static void authenticated(int code, const void *data) {
    *(volatile int *)data = code;
}

static bool is_answered(void *code) {
    return *(volatile int *)code != 1;
}

static void authenticate(struct session *session, const char *name) {
    volatile int code = 1;
    CODE(ZOK, zoo_add_auth(session->handle, "digest", name, (int)strlen(name), authenticated,
                           (const void *)&code));
    wait_until("the answer to an auth", is_answered, (void *)&code);
    CHECK(code == ZOK, "%s", zerror(code));
}

void access_lists(void) {
    struct session owner, stranger;
    session_open(&owner, servers(1), TIMEOUT_MS);
    session_open(&stranger, servers(1), TIMEOUT_MS);
    struct Stat stat;
    char data[8];
    int length = sizeof data;
    authenticate(&owner, "holdfast:secret");
    CODE(ZOK, zoo_create(owner.handle, "/c-private", "x", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
    CODE(ZNOAUTH, zoo_get(stranger.handle, "/c-private", 0, data, &length, &stat));
    CODE(ZNOAUTH, zoo_set_acl(stranger.handle, "/c-private", -1, &ZOO_OPEN_ACL_UNSAFE));
    struct ACL_vector list;
    CODE(ZOK, zoo_get_acl(owner.handle, "/c-private", &list, &stat));
    CHECK(list.count == 1 && strcmp(list.data[0].id.scheme, "digest") == 0, "%d", list.count);
    CHECK(strncmp(list.data[0].id.id, "holdfast:", 9) == 0, "%s", list.data[0].id.id);
    deallocate_ACL_vector(&list);
    CODE(ZBADVERSION, zoo_set_acl(owner.handle, "/c-private", 5, &ZOO_READ_ACL_UNSAFE));
    CODE(ZOK, zoo_set_acl(owner.handle, "/c-private", 0, &ZOO_READ_ACL_UNSAFE));
    length = sizeof data;
    CODE(ZOK, zoo_get(stranger.handle, "/c-private", 0, data, &length, &stat));
    CHECK(stat.aversion == 1, "%d", stat.aversion);
    CODE(ZNOAUTH, zoo_set(owner.handle, "/c-private", "y", 1, -1));
    session_close(&stranger);
    session_close(&owner);
}

static volatile int answered;

static void must_be_next(int code, const struct Stat *stat, const void *data) {
    int expected = (int)(intptr_t)data;
    CHECK(code == ZOK, "%s", zerror(code));
    CHECK(answered == expected, "answer %d came as number %d", expected, answered);
    CHECK(stat->version == expected + 1, "version %d of write %d", stat->version, expected);
    answered++;
}

static bool all_answered(void *unused) {
    (void)unused;
    return answered == PIPELINED;
}

void pipelined_writes_in_order(void) {
    struct session session;
    session_open(&session, servers(2), TIMEOUT_MS);
    create(&session, "/c-pipeline", ZOO_PERSISTENT);
    answered = 0;
    for (intptr_t at = 0; at < PIPELINED; at++)
        CODE(ZOK, zoo_aset(session.handle, "/c-pipeline", "x", 1, (int)at, must_be_next, (void *)at));
    wait_until("all answers", all_answered, NULL);
    session_close(&session);
}
