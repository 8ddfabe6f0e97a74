"""Locks over HTTP, as a program without any library would take them."""

import http.client
import itertools
import json
import random
import time
import urllib.parse

REQUEST_TIMEOUT = 45
SERVER_WAIT = 30
TRIES_FOR = 60.0
TTL = "30s"


class Unexpected(Exception):
    pass


class Api:
    """Requests to the first of the nodes that answers; what is sent twice changes nothing."""

    def __init__(self, nodes):
        self.nodes = list(nodes)
        random.shuffle(self.nodes)

    def call(self, method, path, body=None, headers=()):
        until = time.monotonic() + TRIES_FOR
        while True:
            try:
                status, answer = self._once(method, path, body, dict(headers))
            except (OSError, http.client.HTTPException) as error:
                status, answer = 503, {"title": repr(error)}
            if status not in (503, 504):
                return status, answer
            if time.monotonic() > until:
                raise Unexpected("%s %s: %s" % (method, path, answer))
            self.nodes.append(self.nodes.pop(0))
            time.sleep(0.02)

    def _once(self, method, path, body, headers):
        where = urllib.parse.urlsplit(self.nodes[0])
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=REQUEST_TIMEOUT)
        try:
            text = None if body is None else json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else {}
        finally:
            connection.close()


class Session:
    """A session with claims of its own making."""

    ids = itertools.count(1)

    def __init__(self, nodes, name):
        self.api = Api(nodes)
        self.name = name
        owner = {"service": "contest", "host": "here"}
        self._expect(("PUT", "/v1/sessions/" + name, {"ttl": TTL, "owner": owner}), (200, 201))

    def _expect(self, request, statuses, headers=()):
        status, answer = self.api.call(*request, headers=headers)
        if status not in statuses:
            raise Unexpected("%s %s: %d %s" % (request[0], request[1], status, answer))
        return status, answer

    def keep_alive(self):
        self._expect(("POST", "/v1/sessions/%s/keepalive" % self.name), (200,))

    def acquire(self, lock, wish, wait=None):
        """The claim once it holds, or None when `wait` was over before."""
        path = "/v1/locks/%s/-/claims/c%d-%s" % (lock, next(self.ids), self.name)
        body = dict(wish) if wait is None else dict(wish, wait=wait)
        headers = {"Holdfast-Session": self.name, "Prefer": "wait=%d" % SERVER_WAIT}
        until = time.monotonic() + TRIES_FOR
        while time.monotonic() < until:
            status, claim = self._expect(("PUT", path, body), (200, 201, 202, 423, 410), headers)
            if status in (423, 410):
                if wait is None:
                    raise Unexpected("%s: %s" % (path, claim))
                return None
            if claim["state"] == "held":
                return claim
        raise Unexpected("%s still waits: %s" % (path, claim))

    def release(self, claim):
        headers = {"Holdfast-Session": self.name}
        self._expect(("DELETE", claim["release"]), (200,), headers)

    def close(self):
        self._expect(("DELETE", "/v1/sessions/" + self.name), (200,))
