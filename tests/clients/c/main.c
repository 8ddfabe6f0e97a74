/* The C client of ZooKeeper (libzookeeper_mt), unmodified, against three nodes. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

#include "scenarios.h"

struct scenario {
    const char *name;
    void (*run)(void);
};

static const struct scenario SCENARIOS[] = {
    {"creates of every mode", creates_of_every_mode},
    {"versions and errors", versions_and_errors},
    {"watches of every kind", watches_of_every_kind},
    {"transactions", transactions},
    {"access lists", access_lists},
    {"pipelined writes in order", pipelined_writes_in_order},
    {"watches survive a restart of the only node", watches_survive_a_restart_of_the_only_node},
    {"a session moves when its node is killed", a_session_moves_when_its_node_is_killed},
    {"writes go on when the leader is killed", writes_go_on_when_the_leader_is_killed},
    {"a frozen session expires", a_frozen_session_expires},
    {"a closed session leaves nothing", a_closed_session_leaves_nothing},
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs all, or those whose name contains the argument. */
int main(int count, char **arguments) {
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    int ran = 0;
    for (size_t at = 0; at < sizeof SCENARIOS / sizeof SCENARIOS[0]; at++) {
        const struct scenario *scenario = &SCENARIOS[at];
        if (count > 1 && strstr(scenario->name, arguments[1]) == NULL)
            continue;
        double began = seconds();
        printf("c: %s\n", scenario->name);
        fflush(stdout);
        scenario->run();
        printf("c: ok, %.1f s\n", seconds() - began);
        ran++;
    }
    printf("c: %d scenarios passed\n", ran);
    return ran > 0 ? 0 : 1;
}
