"""One work queue, put into and taken from with kazoo's LockingQueue and over HTTP at the same time."""

import os
import threading

from claims import Api
from views import check
from workers import kazoo_client, spawn

ITEMS = 40
QUEUE = "/v1/queues/shared"


def http():
    return Api(os.environ["HOLDFAST_HTTP"].split(","))


class Tally:
    """What was done so far, by whomever."""

    def __init__(self, total):
        self.total = total
        self.done = []
        self.lock = threading.Lock()

    def add(self, value):
        # What is put over HTTP here is JSON.
        with self.lock:
            self.done.append(value.strip('"'))

    def is_full(self):
        with self.lock:
            return len(self.done) >= self.total


def put_with_kazoo():
    client = kazoo_client()
    queue = client.LockingQueue("/queues/shared")
    for number in range(ITEMS):
        queue.put(b"kazoo-%d" % number)
    client.stop()
    client.close()


def put_over_http():
    api = http()
    for number in range(ITEMS):
        headers = {"Idempotency-Key": "put-%d" % number}
        status, answer = api.call("POST", QUEUE + "/-/items", "http-%d" % number, headers)
        check(status == 201, "%d %s" % (status, answer))


def take_with_kazoo(tally):
    client = kazoo_client()
    queue = client.LockingQueue("/queues/shared")
    while not tally.is_full():
        value = queue.get(timeout=1)
        if value is None:
            continue
        check(queue.consume(), "kazoo lost its item")
        tally.add(value.decode())
    client.stop()
    client.close()


def take_over_http(tally, session):
    api = http()
    status, answer = api.call("PUT", "/v1/sessions/" + session, {})
    check(status in (200, 201), "%d %s" % (status, answer))
    number = 0
    while not tally.is_full():
        number += 1
        headers = {
            "Holdfast-Session": session,
            "Idempotency-Key": "%s-%d" % (session, number),
            "Prefer": "wait=1",
        }
        status, answer = api.call("POST", QUEUE + "/-/take", {}, headers)
        check(status == 200, "%d %s" % (status, answer))
        for delivery in answer["deliveries"]:
            path = "%s/-/items/%s/ack" % (QUEUE, delivery["item"])
            headers = {"Holdfast-Session": session, "Idempotency-Key": "ack-%s" % delivery["item"]}
            status, acked = api.call("POST", path, {"delivery": delivery["delivery"]}, headers)
            check(status == 200, "%d %s" % (status, acked))
            tally.add(delivery["value"])


def both_work():
    """Each item is done once, whoever put it and whoever took it."""
    status, answer = http().call("PUT", QUEUE, {"max_tries": 5})
    check(status == 200, "%d %s" % (status, answer))
    tally, failures = Tally(2 * ITEMS), []
    workers = [
        spawn(put_with_kazoo, "kazoo puts", failures),
        spawn(put_over_http, "http puts", failures),
    ]
    for number in range(2):
        workers.append(spawn(lambda: take_with_kazoo(tally), "kazoo takes", failures))
        session = "worker-%d" % number
        target = lambda session=session: take_over_http(tally, session)  # noqa: E731
        workers.append(spawn(target, session, failures))
    for worker in workers:
        worker.join()
    check(not failures, failures)
    expected = sorted("%s-%d" % (by, n) for by in ("http", "kazoo") for n in range(ITEMS))
    check(sorted(tally.done) == expected, "done %s" % sorted(tally.done))
    status, answer = http().call("GET", QUEUE)
    check((answer["items"], answer["taken"], answer["dead"]) == (0, 0, 0), answer)
    return "%d items" % len(tally.done)


def given_back():
    """What a client of kazoo's had when it ended comes back, and the try counts."""
    client = kazoo_client()
    queue = client.LockingQueue("/queues/left")
    queue.put(b"item", priority=7)
    check(queue.get(timeout=5) == b"item", "kazoo does not find what it put")
    client.stop()
    client.close()
    api = http()
    api.call("PUT", "/v1/sessions/heir", {})
    headers = {"Holdfast-Session": "heir", "Prefer": "wait=20"}
    status, answer = api.call("POST", "/v1/queues/left/-/take", {}, headers)
    check(status == 200 and answer["deliveries"], "%d %s" % (status, answer))
    delivery = answer["deliveries"][0]
    check((delivery["priority"], delivery["attempt"]) == (7, 2), delivery)


QUEUES = [
    ("a work queue of kazoo and HTTP", both_work),
    ("a work queue that a client of kazoo left", given_back),
]
