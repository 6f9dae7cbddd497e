"""JSON-RPC over HTTP: a call or a batch goes out, a checked envelope comes back.

web3's provider is not used for reading: it has no bound on the whole time and size of an answer, it turns
each field into an object of its own, and its retries cannot tell a range too large from a tired node.
"""

import logging
import ssl
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import httpx
import orjson

from entitlement import metrics
from entitlement.chain.addresses import host_of
from entitlement.chain.envelope import json_in, refused_by_status, results_in
from entitlement.chain.pacing import Clock, TokenBucket, full_jitter
from entitlement.chain.refusals import RefusedByNode, Throttled, TooSlow
from entitlement.core.errors import InconsistentNode, NodeUnavailable

ANSWER_BYTES_MAX = 16 * 2**20
"""Some 25,000 logs, several times what fits into a block; read, it takes five times as much memory."""

HASHES_ONLY = False
"""Second parameter of the methods for blocks: their transactions as hashes."""

_OK = 200

# A URL of a node often holds a key, and httpx writes every URL it asks at INFO.
logging.getLogger("httpx").setLevel(logging.WARNING)


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Read the authorities once: that takes longer than asking a node."""
    return httpx.create_ssl_context()


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """How long a node is waited for, and how often it is asked. Seconds."""

    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    """For one whole answer, however slowly it drips."""
    tries: int = 3
    first_wait_seconds: float = 0.5
    """The most that is waited before the second try; it doubles each time, and chance takes a part of it."""
    longest_wait_seconds: float = 10.0
    """A node that wants to be left alone for longer is not waited for: the question fails."""
    requests_per_second: int | None = None
    """Each question of a batch counts, as providers count; None: as fast as the node answers."""

    @property
    def batch_most(self) -> int:
        """How many questions a batch may hold: no more than may be asked in a second."""
        return self.requests_per_second or sys.maxsize


class Rpc(ABC):
    """A node, or several that stand in for each other: what is asked comes back, or an error of ours."""

    def __enter__(self) -> Self:
        """Return the node itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""

    @property
    @abstractmethod
    def chosen(self) -> str:
        """The name of the node that is asked next: its host, since an address may hold a key."""

    @abstractmethod
    def doubt(self, reason: str) -> None:
        """Hear that what the chosen node says does not fit together; one that stands alone is kept."""

    @property
    @abstractmethod
    def _batch_most(self) -> int:
        """How many questions go out at once."""

    @abstractmethod
    def _results(
        self, method: str, params: Sequence[Sequence[object]], *, patient: bool, batched: bool
    ) -> list[Any]:
        """Return the results of one call for each entry of `params`, or raise."""

    def call(self, method: str, *params: object, patient: bool = True) -> Any:  # noqa: ANN401  JSON
        """Return the result of one call.

        Raises `NodeUnavailable` after the last try, or `InconsistentNode` at once for a broken envelope.
        Unless `patient`, an error of the node's own (`RefusedByNode`) is raised at once too, but for the one
        that says no more than "not so fast".
        """
        return self._results(method, [params], patient=patient, batched=False)[0]

    def batch(self, method: str, params: Sequence[Sequence[object]]) -> list[Any]:
        """Return the results of one call for each entry of `params`, in their order, all or none.

        A node that refuses the batch as such is asked in halves. Raises as `call` does.
        """
        if not params:
            return []
        if len(params) <= self._batch_most:
            try:
                return self._results(method, params, patient=len(params) == 1, batched=True)
            except RefusedByNode:
                if len(params) == 1:
                    raise
        half = (len(params) + 1) // 2
        return self.batch(method, params[:half]) + self.batch(method, params[half:])


class JsonRpc(Rpc):
    """One node. Thread-safe; close it, or use it in a `with`."""

    def __init__(
        self,
        url: str,
        limits: RpcLimits | None = None,
        *,
        name: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Take the node's address; `name` is what metrics call it, by default its host."""
        self._url = url
        self._name = name or host_of(url)
        self._limits = limits or RpcLimits()
        self._clock = clock or Clock()
        self._rest_until = self._clock.now()
        per_second = self._limits.requests_per_second
        self._bucket = TokenBucket(per_second, self._clock.now()) if per_second is not None else None
        self._client = httpx.Client(
            timeout=httpx.Timeout(self._limits.answer_seconds, connect=self._limits.connect_seconds),
            headers={"content-type": "application/json"},
            # Reading the authorities takes a tenth of a second, and only TLS asks for them.
            verify=_trusted_authorities() if url.lower().startswith("https:") else False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def chosen(self) -> str:
        """The node's name."""
        return self._name

    def doubt(self, reason: str) -> None:
        """Change nothing: there is no other node."""

    @property
    def _batch_most(self) -> int:
        return self._limits.batch_most

    def ask_once(self, method: str, params: Sequence[Sequence[object]], *, batched: bool) -> list[Any]:
        """Return the results of one call for each entry of `params`; a try and no more. Raises as `call`."""
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(each)}
            for number, each in enumerate(params)
        ]
        self._await_turn(method, len(requests))
        try:
            return self._measured(method, orjson.dumps(requests if batched else requests[0]), len(requests))
        except Throttled as refusal:
            self._rest_until = self._clock.now() + (refusal.retry_after or 0.0)
            raise

    def _results(
        self, method: str, params: Sequence[Sequence[object]], *, patient: bool, batched: bool
    ) -> list[Any]:
        for attempt in range(self._limits.tries):
            is_last = attempt == self._limits.tries - 1
            try:
                return self.ask_once(method, params, batched=batched)
            except Throttled:
                if is_last:
                    raise
            except RefusedByNode as refusal:
                if is_last or not (patient and refusal.passing):
                    raise
            except NodeUnavailable:
                if is_last:
                    raise
            limits = self._limits
            self._clock.sleep(
                full_jitter(attempt, first=limits.first_wait_seconds, longest=limits.longest_wait_seconds)
            )
        raise AssertionError("the last try returns or raises")

    def _await_turn(self, method: str, count: int) -> None:
        now = self._clock.now()
        wait = self._rest_until - now
        if wait > self._limits.longest_wait_seconds:
            reason = f"it wants to be left alone for {wait:.0f} s more"
            raise Throttled(method=method, reason=reason, retry_after=wait)
        if self._bucket is not None:
            wait = max(wait, self._bucket.take(count, now))
        if wait > 0:
            self._clock.sleep(wait)

    def _measured(self, method: str, body: bytes, wanted: int) -> list[Any]:
        outcome = "ok"
        try:
            with metrics.REQUEST_SECONDS.labels(self._name, method).time():
                return results_in(method, self._post(method, body), wanted)
        except (NodeUnavailable, InconsistentNode) as error:
            outcome = type(error).__name__
            raise
        finally:
            metrics.REQUESTS.labels(self._name, method, outcome).inc()

    def _post(self, method: str, body: bytes) -> object:
        deadline = time.monotonic() + self._limits.answer_seconds
        answer = bytearray()
        try:
            with self._client.stream("POST", self._url, content=body) as response:
                for chunk in response.iter_bytes():
                    answer += chunk
                    if time.monotonic() > deadline:
                        raise TooSlow(method=method, reason="the answer takes too long")
                    if len(answer) > ANSWER_BYTES_MAX:
                        raise RefusedByNode(method=method, reason="the answer is too large", passing=False)
                status, headers = response.status_code, response.headers
        except httpx.TimeoutException as error:
            raise TooSlow(method=method, reason="no answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NodeUnavailable(method=method, reason=type(error).__name__) from error
        if status == _OK:
            return json_in(method, answer)
        raise refused_by_status(method, status, headers.get("retry-after"), bytes(answer))
