"""One counter, added to with kazoo's recipe and over HTTP at the same time."""

import os

from claims import Api
from kazoo.exceptions import KazooException
from views import check
from workers import kazoo_client, spawn

ADDITIONS = 60
KAZOO_WORKERS = 2
TRIES_MAX = 1000


def add_with_kazoo(path, values):
    """Adds 1 again and again; an attempt that lost to another's write has changed nothing."""
    client = kazoo_client()
    counter = client.Counter(path)
    tries = 0
    for _ in range(ADDITIONS):
        while True:
            try:
                counter += 1
                break
            except KazooException:
                tries += 1
                check(tries < TRIES_MAX, "kazoo never gets through")
        values.append(counter.post_value)
    client.stop()
    client.close()


def add_over_http(name, values):
    api = Api(os.environ["HOLDFAST_HTTP"].split(","))
    for number in range(ADDITIONS):
        headers = {"Idempotency-Key": "%s-%d" % (name, number)}
        status, answer = api.call("POST", "/v1/counters/%s/-/add" % name, {"delta": 1}, headers)
        check(status == 200, "%d %s" % (status, answer))
        values.append(answer["value"])


def both_count():
    """Every value from 1 on comes once, whoever added."""
    name, values, failures = "shared", [], []
    workers = [spawn(lambda: add_over_http(name, values), "http", failures)]
    for number in range(KAZOO_WORKERS):
        target = lambda: add_with_kazoo("/counters/" + name, values)  # noqa: E731
        workers.append(spawn(target, "kazoo %d" % number, failures))
    for worker in workers:
        worker.join()
    check(not failures, failures)
    total = ADDITIONS * (KAZOO_WORKERS + 1)
    check(sorted(values) == list(range(1, total + 1)), "values %s" % sorted(values))
    status, answer = Api(os.environ["HOLDFAST_HTTP"].split(",")).call("GET", "/v1/counters/" + name)
    check(status == 200 and answer["value"] == total, "%d %s" % (status, answer))
    return "%d additions" % total


def fractions():
    """What kazoo counts in fractions is no counter over HTTP, and is left alone."""
    client = kazoo_client()
    counter = client.Counter("/counters/fraction", default=0.0)
    counter += 1.5
    api = Api(os.environ["HOLDFAST_HTTP"].split(","))
    status, answer = api.call("POST", "/v1/counters/fraction/-/add", {"delta": 1})
    check((status, answer["code"]) == (409, "not_a_counter"), "%d %s" % (status, answer))
    check(counter.value == 1.5, "value %s" % counter.value)
    client.stop()
    client.close()


COUNTERS = [
    ("a counter of kazoo and HTTP", both_count),
    ("a counter with fractions", fractions),
]
