"""A node that lies: a real HTTP server in front of an honest one, with a script of what to answer instead."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

CLIENT = httpx.Client(timeout=10)

Lie = Callable[[list[Any], Any], Any]
"""Given the parameters and the honest result, what is answered instead."""


@dataclass(frozen=True)
class NodeError:
    """Instead of a result: a JSON-RPC error."""

    code: int
    message: str = "no"


@dataclass(frozen=True)
class RawAnswer:
    """Instead of the whole answer: a status and a body, as often as `times` says, then the truth."""

    status: int = 200
    body: bytes = b""
    hang_seconds: float = 0.0
    drip_seconds: float = 0.0
    """Between bytes."""
    times: int = 10**6


@dataclass
class LyingNode:
    """What is told apart from the truth, and what was asked."""

    honest: str
    url: str = ""
    lies: dict[str, Lie] = field(default_factory=dict)
    raw: list[RawAnswer] = field(default_factory=list)
    batches_refused_above: int | None = None
    asked: Counter[str] = field(default_factory=Counter)
    params: list[tuple[str, list[Any]]] = field(default_factory=list)

    def lie(self, method: str, lie: Lie) -> None:
        self.lies[method] = lie

    def answer(self, body: bytes) -> bytes:
        questions = json.loads(body)
        one = not isinstance(questions, list)
        questions = [questions] if one else questions
        if not one and self.batches_refused_above is not None and len(questions) > self.batches_refused_above:
            return json.dumps(
                {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
            ).encode()
        truth = CLIENT.post(self.honest, json=questions).json()
        answers = [self._answer(*pair) for pair in zip(questions, truth, strict=True)]
        # A batch may be answered in any order.
        return json.dumps(answers[0] if one else answers[::-1]).encode()

    def _answer(self, question: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any]:
        method, params = question["method"], question["params"]
        self.asked[method] += 1
        self.params.append((method, params))
        if method not in self.lies:
            return truth
        told = self.lies[method](params, truth.get("result"))
        if isinstance(told, NodeError):
            error = {"code": told.code, "message": told.message}
            return {"jsonrpc": "2.0", "id": question["id"], "error": error}
        return {"jsonrpc": "2.0", "id": question["id"], "result": told}


@contextmanager
def lying_node(honest: str) -> Iterator[LyingNode]:
    node = LyingNode(honest)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            raw = next((each for each in node.raw if each.times > 0), None)
            if raw is None:
                self._send(200, node.answer(body))
                return
            node.asked["raw"] += 1
            node.raw[node.raw.index(raw)] = RawAnswer(
                raw.status, raw.body, raw.hang_seconds, raw.drip_seconds, raw.times - 1
            )
            time.sleep(raw.hang_seconds)
            self._send(raw.status, raw.body, raw.drip_seconds)

        def _send(self, status: int, body: bytes, drip_seconds: float = 0.0) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            try:
                if drip_seconds:
                    for byte in body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(drip_seconds)
                else:
                    self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the reader lost its patience, as it should

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    node.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield node
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
