/* What every scenario uses: checks that end the program, waiting for conditions, and orders to the
 * runner (run.py says which there are). */
#pragma once

#include <stdbool.h>

enum { WAIT_SECONDS = 30 };

#define CHECK(condition, ...) \
    do { \
        if (!(condition)) \
            fail(__FILE__, __LINE__, #condition, __VA_ARGS__); \
    } while (0)

/* The code of a call must be the one named. */
#define CODE(expected, call) check_code(__FILE__, __LINE__, #call, (expected), (call))

_Noreturn void fail(const char *file, int line, const char *condition, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void check_code(const char *file, int line, const char *call, int expected, int got);

/* Asks again and again until the answer is true; ends the program after WAIT_SECONDS. */
void wait_until(const char *what, bool (*is_true)(void *), void *context);

/* Sends an order to the runner and returns the value of its answer, 0 where it has none. */
int order(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* host:port of node `number`, or all of them with commas for 0. */
const char *servers(int number);
/* Number of the node that listens at this host:port. */
int node_at(const char *address);
