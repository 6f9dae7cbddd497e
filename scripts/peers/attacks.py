"""The attacks. A call costs $0.10: 100 tokens of output at $0.001. What was admitted, the model counts."""

import asyncio
import json
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

BUDGET = 950_000_000
"""Nano-USD, no multiple of what a call costs."""
CALL = 100_000_000
AT_ONCE = 64
AFFORDABLE = 10
QUIET_SECONDS = 3.0
"""After which what was served has been accounted for."""
DENIALS = 100
LOAD_SECONDS = 4
LUA = """
wrk.method = "POST"
wrk.body = {body}
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
"""


Meanwhile = Callable[[], None]


def nothing() -> None:
    """Do nothing meanwhile."""


class Peer(Protocol):
    """A gateway before the model."""

    name: str
    chat: str
    """The address of its chat completions."""

    def key(self, budget: int) -> str:
        """Return a new key that may spend so many nano-USD."""
        ...

    def kill(self) -> None:
        """`kill -9` of all its processes."""
        ...

    def start(self) -> float:
        """Start them, and return how many seconds it took."""
        ...


@dataclass(frozen=True, slots=True)
class Denials:
    """How fast a call is refused that its key cannot pay for."""

    p50: float
    """Milliseconds, one after the other."""
    p99: float
    per_second: float | None
    """With 64 connections, by wrk; None where there is no wrk."""


def body(max_tokens: int | None) -> dict[str, object]:
    """Return a chat's body, with or without a cap on its answer."""
    asked: dict[str, object] = {"model": "bench", "messages": [{"role": "user", "content": "yes?"}]}
    return asked if max_tokens is None else asked | {"max_tokens": max_tokens}


def served(upstream: str) -> int:
    """Return how many calls the model has served."""
    return int(httpx.get(f"{upstream}/served").json()["served"])


def burst(peer: Peer, key: str, calls: int, max_tokens: int | None, meanwhile: Meanwhile = nothing) -> None:
    """Send calls at once, and wait for all answers."""

    async def send() -> None:
        limits = httpx.Limits(max_connections=calls)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            headers = {"Authorization": f"Bearer {key}"}
            asking = [client.post(peer.chat, headers=headers, json=body(max_tokens)) for _ in range(calls)]
            waiting = asyncio.gather(*asking, return_exceptions=True)
            await asyncio.to_thread(meanwhile)
            await waiting

    asyncio.run(send())


def at_once(peer: Peer, upstream: str) -> int:
    """Return how many of 64 calls at once were admitted on $0.95."""
    key, before = peer.key(BUDGET), served(upstream)
    burst(peer, key, AT_ONCE, 100)
    return served(upstream) - before


def without_a_cap(peer: Peer, upstream: str) -> int:
    """Return how many of 10 calls at once were admitted that $1.00 pays for and that name no max_tokens."""
    key, before = peer.key(AFFORDABLE * CALL + CALL // 2), served(upstream)
    burst(peer, key, AFFORDABLE, None)
    return served(upstream) - before


def after_a_kill(peer: Peer, upstream: str) -> int:
    """Return how many calls were admitted on $0.95, in two bursts of 64 with a `kill -9` during the first."""
    key, before = peer.key(BUDGET), served(upstream)

    def kill() -> None:
        given_up = time.monotonic() + QUIET_SECONDS
        while served(upstream) == before and time.monotonic() < given_up:
            time.sleep(0.02)
        # The model takes half a second: what it was given is under way, and none of it accounted for.
        time.sleep(0.2)
        peer.kill()

    burst(peer, key, AT_ONCE, 100, kill)
    time.sleep(QUIET_SECONDS)
    peer.start()
    burst(peer, key, AT_ONCE, 100)
    return served(upstream) - before


def retries(peer: Peer, upstream: str) -> int:
    """Return how many of three deliveries of one request, under one Idempotency-Key, were served."""
    key, before = peer.key(BUDGET), served(upstream)
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "one-request"}
    for _ in range(3):
        httpx.post(peer.chat, headers=headers, json=body(100), timeout=60)
    return served(upstream) - before


def denials(peer: Peer, wrk: str | None) -> Denials | None:
    """Measure refusals of a key that has spent its budget; None where it goes on being served."""
    key = peer.key(CALL + CALL // 2)
    headers = {"Authorization": f"Bearer {key}"}
    took: list[float] = []
    with httpx.Client(timeout=60) as client:
        for _ in range(AFFORDABLE):
            if client.post(peer.chat, headers=headers, json=body(100)).is_client_error:
                break
            time.sleep(QUIET_SECONDS)
        for _ in range(DENIALS):
            began = time.perf_counter()
            answer = client.post(peer.chat, headers=headers, json=body(100))
            if answer.is_client_error:
                took.append(1_000 * (time.perf_counter() - began))
    if len(took) < DENIALS // 2:
        return None
    slowest = statistics.quantiles(took, n=100)[-1]
    return Denials(statistics.median(took), slowest, None if wrk is None else _load(wrk, peer.chat, key))


def _load(wrk: str, url: str, key: str) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA.format(body=json.dumps(json.dumps(body(100))), key=key))
        script.flush()
        command = [wrk, "-t1", f"-c{AT_ONCE}", f"-d{LOAD_SECONDS}s", "-s", script.name, url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found.group(1))
