"""A bad line to a real node: an HTTP server between the follower and Anvil that spoils answers by a seed.

What it tells it has taken from the node: answers come late, twice, not at all, cut in the middle, emptied, in
another order, as an old answer to the same question, or under a status of their own.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from random import Random
from typing import Any

import httpx

KINDS = ("late", "dropped", "cut", "5xx", "429", "no logs", "half the logs", "twice", "disordered", "old")
KINDS_OF_LOGS = ("no logs", "half the logs", "twice", "disordered", "cut", "dropped")
LATE_SECONDS = 0.02
JSON = {"content-type": "application/json"}


@dataclass
class BadLine:
    """What the line does to answers, and how often it did."""

    honest: str
    seed: int
    url: str = ""
    spoils: float = 0.25
    """Of all answers, those that are spoilt; 0 mends the line."""
    done: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _old: dict[bytes, bytes] = field(default_factory=dict)
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        # In turn, so that each comes although questions in flight come in no order.
        self._of_logs = cycle(self._random.sample(KINDS_OF_LOGS, len(KINDS_OF_LOGS)))
        self._of_others = cycle(self._random.sample(KINDS, len(KINDS)))

    def answer(self, body: bytes) -> tuple[int, bytes] | None:
        """Return a status and a body, or None where the connection is to be broken."""
        truth = self._client.post(self.honest, content=body, headers=JSON).content
        with self._lock:
            is_of_logs = b"eth_getLogs" in body and b"fromBlock" in body and b"logIndex" in truth
            kinds = self._of_logs if is_of_logs else self._of_others
            # Of logs twice as often: there are few such answers, and what matters is in them.
            share = 2 * self.spoils if is_of_logs else self.spoils
            kind = next(kinds) if self._random.random() < share else None
            chance = self._random.random()
            before, self._old[body] = self._old.get(body, truth), truth
            if kind in ("no logs", "half the logs", "twice", "disordered"):
                spoilt = self._spoilt_logs(kind, body, truth, chance)
            else:
                spoilt = before if kind == "old" else truth
            if kind is not None and (spoilt != truth or kind in ("late", "dropped", "cut", "5xx", "429")):
                self.done[kind] += 1
        match kind:
            case "late":
                time.sleep(LATE_SECONDS)
            case "dropped":
                return None
            case "cut":
                return 200, truth[: int(len(truth) * chance)]
            case "5xx":
                return 502, b"bad gateway"
            case "429":
                return 429, b'{"error":"slow down"}'
            case _:
                pass
        return 200, spoilt

    def _spoilt_logs(self, kind: str, body: bytes, truth: bytes, chance: float) -> bytes:
        asked, told = json.loads(body), json.loads(truth)
        if isinstance(asked, list):
            # What was kept back of a range is told when its blocks are asked for by their hashes, in a batch.
            # Answers of a batch in another order are no fault, and the reader must not mind.
            return json.dumps(told[::-1]).encode() if kind == "disordered" else truth
        logs: list[Any] = told.get("result") or []
        if asked["method"] != "eth_getLogs" or not logs:
            return truth
        spoilt = {
            "no logs": [],
            "half the logs": logs[: int(len(logs) * chance)],
            "twice": [*logs, logs[-1]],
            "disordered": logs[::-1],
        }[kind]
        return json.dumps(told | {"result": spoilt}).encode()


@contextmanager
def bad_line(honest: str, seed: int) -> Iterator[BadLine]:
    line = BadLine(honest, seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            answer = line.answer(self.rfile.read(int(self.headers["content-length"])))
            if answer is None:
                self.close_connection = True
                return
            status, body = answer
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    line.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        line._client.close()
