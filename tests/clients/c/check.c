#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

enum { POLL_NANOSECONDS = 10 * 1000 * 1000, POLLS_MAX = WAIT_SECONDS * 100, NODES = 3 };

_Noreturn void fail(const char *file, int line, const char *condition, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s: ", file, line, condition);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _Exit(1);
}

void check_code(const char *file, int line, const char *call, int expected, int got) {
    if (got != expected)
        fail(file, line, call, "%s (%d), not %s (%d)", zerror(got), got, zerror(expected), expected);
}

void wait_until(const char *what, bool (*is_true)(void *), void *context) {
    const struct timespec pause = {0, POLL_NANOSECONDS};
    for (int polls = 0; !is_true(context); polls++) {
        CHECK(polls < POLLS_MAX, "waited %d s for %s", WAIT_SECONDS, what);
        nanosleep(&pause, NULL);
    }
}

int order(const char *format, ...) {
    char answer[256];
    va_list arguments;
    va_start(arguments, format);
    putchar('@');
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    fflush(stdout);
    CHECK(fgets(answer, sizeof answer, stdin) != NULL, "the runner is gone");
    CHECK(strncmp(answer, "ok", 2) == 0, "%s: %s", format, answer);
    return atoi(answer + 2);
}

const char *servers(int number) {
    static char one[NODES][64];
    const char *all = getenv("HOLDFAST_ZOOKEEPER");
    CHECK(all != NULL, "HOLDFAST_ZOOKEEPER is not set: run me with run.py");
    if (number == 0)
        return all;
    const char *from = all;
    for (int skip = 1; skip < number; skip++)
        from = strchr(from, ',') + 1;
    char *to = one[number - 1];
    snprintf(to, sizeof one[0], "%.*s", (int)strcspn(from, ","), from);
    return to;
}

int node_at(const char *address) {
    for (int number = 1; number <= NODES; number++)
        if (strcmp(servers(number), address) == 0)
            return number;
    fail(__FILE__, __LINE__, "a node listens there", "%s is none of %s", address, servers(0));
}
