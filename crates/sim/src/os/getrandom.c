/* The operating system's randomness for the simulation, as a seeded sequence.
 *
 * The standard library's hash seeds come from getrandom, tokio's branch order and the shards of its
 * watch channels from those hash seeds, and openraft's election timeouts from the same call. So one
 * function decides them all, and nothing in the product has to know that it is simulated.
 *
 * Only the binary `sim` is linked with this. Without HOLDFAST_SIM_SEED it asks the kernel. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static enum { UNDECIDED, SEEDED, KERNEL } source = UNDECIDED;
static uint64_t state;

static uint64_t next(void) { /* SplitMix64 */
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

ssize_t getrandom(void *buffer, size_t length, unsigned int flags) {
    if (source == UNDECIDED) {
        const char *seed = getenv("HOLDFAST_SIM_SEED");
        source = seed ? SEEDED : KERNEL;
        state = seed ? strtoull(seed, NULL, 10) : 0;
    }
    if (source == KERNEL)
        return syscall(SYS_getrandom, buffer, length, flags);
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)buffer)[i] = (unsigned char)next();
    return (ssize_t)length;
}
