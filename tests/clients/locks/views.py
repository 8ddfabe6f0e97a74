"""What HTTP shows of a lock that ZooKeeper clients take, and how each side lets the other in."""

import os
import threading
import time

from claims import Session
from orders import order
from workers import kazoo_client

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.02


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def until(what, condition):
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        check(time.monotonic() < end, "waited %.0f s for %s" % (WAIT_SECONDS, what))
        time.sleep(POLL_SECONDS)


def address(client):
    return "%s:%d" % client._connection._socket.getsockname()


def in_background(action):
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


class Scene:
    """A session over HTTP and two of kazoo, and the lock's views."""

    def __init__(self, lock):
        self.lock = lock
        self.path = "/locks/" + lock
        self.http = Session(os.environ["HOLDFAST_HTTP"].split(","), "scene-" + lock)
        self.first = kazoo_client()
        self.second = kazoo_client()

    def view(self, name):
        status, answer = self.http.api.call("GET", "/v1/locks/%s/-/%s" % (self.lock, name))
        check(status == 200, "%s: %d %s" % (name, status, answer))
        return answer

    def waiters(self):
        return self.view("queue")["waiters"]

    def close(self):
        self.http.close()
        for client in (self.first, self.second):
            client.stop()
            client.close()


def queue_and_explain():
    """One holds with kazoo, one waits by HTTP, one with kazoo: the views say so, with addresses."""
    scene = Scene("views")
    holder, last = scene.first.Lock(scene.path), scene.second.Lock(scene.path)
    holder.acquire()
    claims = []
    by_http = in_background(lambda: claims.append(scene.http.acquire(scene.lock, {})))
    until("HTTP to wait", lambda: len(scene.waiters()) == 1)
    by_kazoo = in_background(last.acquire)
    until("kazoo to wait", lambda: len(scene.waiters()) == 2)
    queue = scene.view("queue")
    held = queue["holders"][0]
    czxid = scene.first.exists(scene.path + "/" + holder.node).czxid
    check(held["owner"]["host"] == address(scene.first), "owner %s" % held)
    check(held["fence"] == czxid, "fence %s, czxid %d" % (held, czxid))
    check(held["session"] == "0x%x" % scene.first.client_id[0], "session %s" % held)
    check(queue["waiters"][0]["owner"]["service"] == "contest", "first waiter %s" % queue)
    check(queue["waiters"][1]["owner"]["host"] == address(scene.second), "second waiter %s" % queue)
    lines = "\n".join(scene.view("explain")["lines"])
    for told in (address(scene.first), address(scene.second), "2 claims wait", "fence %d" % czxid):
        check(told in lines, "%s is not in: %s" % (told, lines))
    holder.release()
    by_http.join(WAIT_SECONDS)
    check(bool(claims) and not last.is_acquired, "HTTP comes first")
    scene.http.release(claims[0])
    by_kazoo.join(WAIT_SECONDS)
    check(last.is_acquired, "then kazoo")
    last.release()
    scene.close()


def ended_sessions():
    """A holder's session ends: the next in line has the lock, whichever door it waits at."""
    scene = Scene("ends")
    holder, waiter = scene.first.Lock(scene.path), scene.second.Lock(scene.path)
    holder.acquire()
    claims = []
    by_http = in_background(lambda: claims.append(scene.http.acquire(scene.lock, {})))
    until("HTTP to wait", lambda: len(scene.waiters()) == 1)
    session = "0x%x" % scene.first.client_id[0]
    status, answer = scene.http.api.call("DELETE", "/v1/sessions/" + session)
    check(status == 200, "%d %s" % (status, answer))
    by_http.join(WAIT_SECONDS)
    check(bool(claims), "HTTP has the lock after the holder's end")
    by_kazoo = in_background(waiter.acquire)
    until("kazoo to wait", lambda: len(scene.waiters()) == 1)
    scene.http.close()
    by_kazoo.join(WAIT_SECONDS)
    check(waiter.is_acquired, "kazoo has the lock after the holder's end")
    waiter.release()
    scene.http = Session(os.environ["HOLDFAST_HTTP"].split(","), "scene-after")
    scene.close()


def broken():
    """A hold of a recipe that is broken over HTTP is gone for its client too."""
    scene = Scene("breaks")
    holder, waiter = scene.first.Lock(scene.path), scene.second.Lock(scene.path)
    holder.acquire()
    by_kazoo = in_background(waiter.acquire)
    until("kazoo to wait", lambda: len(scene.waiters()) == 1)
    fence = scene.view("queue")["holders"][0]["fence"]
    path, headers = "/v1/locks/%s/-/break" % scene.lock, {"If-Match": '"f%d"' % fence}
    status, answer = scene.http.api.call("POST", path, {"reason": "test"}, headers)
    check(status == 200, "%d %s" % (status, answer))
    by_kazoo.join(WAIT_SECONDS)
    check(waiter.is_acquired, "the next in line has the lock")
    check(scene.first.exists(scene.path + "/" + holder.node) is None, "the broken claim's znode is there")
    waiter.release()
    scene.close()


def moved():
    """A holder's node is killed: it still holds, and is shown where its client is now."""
    scene = Scene("moves")
    holder = scene.first.Lock(scene.path)
    holder.acquire()
    before, fence = address(scene.first), scene.view("queue")["holders"][0]["fence"]
    port = scene.first._connection._socket.getpeername()[1]
    nodes = os.environ["HOLDFAST_ZOOKEEPER"].split(",")
    node = 1 + next(at for at, one in enumerate(nodes) if one.endswith(":%d" % port))
    order("kill %d" % node)
    until("kazoo to be connected elsewhere", lambda: scene.first.connected and address(scene.first) != before)
    held = scene.view("queue")["holders"]
    check(len(held) == 1 and held[0]["fence"] == fence, "the hold goes on: %s" % held)
    check(held[0]["owner"]["host"] == address(scene.first), "owner %s" % held)
    order("start %d" % node)
    holder.release()
    scene.close()


def releases_both_ways():
    """The lock goes to and fro between the doors, each side waiting for the other."""
    scene = Scene("to-and-fro")
    for _ in range(10):
        claim = scene.http.acquire(scene.lock, {})
        lock = scene.first.Lock(scene.path)
        waiting = in_background(lock.acquire)
        until("kazoo to wait", lambda: len(scene.waiters()) == 1)
        check(not lock.is_acquired, "kazoo has what HTTP holds")
        scene.http.release(claim)
        waiting.join(WAIT_SECONDS)
        check(lock.is_acquired, "kazoo has the lock")
        check(scene.http.acquire(scene.lock, {}, wait="0s") is None, "HTTP has what kazoo holds")
        lock.release()
    scene.close()


VIEWS = [
    ("queue and explain", queue_and_explain),
    ("sessions that end", ended_sessions),
    ("a hold that is broken", broken),
    ("a holder whose node is killed", moved),
    ("to and fro", releases_both_ways),
]
