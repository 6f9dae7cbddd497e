"""JSON-RPC over HTTP: a call or a batch goes out, a checked envelope comes back.

web3's provider is not used for reading: it has no bound on the whole time and size of an answer, it turns
each field into an object of its own, and its retries cannot tell a range too large from a tired node.
"""

import logging
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpx
import orjson

from entitlement import metrics
from entitlement.core.errors import InconsistentNode, NodeUnavailable

ANSWER_BYTES_MAX = 16 * 2**20
"""Some 25,000 logs, several times what fits into a block; read, it takes five times as much memory."""

HASHES_ONLY = False
"""Second parameter of the methods for blocks: their transactions as hashes."""

_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_OK = 200
_NEVER_PASSING_CODES = frozenset({-32600, -32601, -32602})
"""Invalid request, unknown method, invalid parameters: the same question gets the same answer."""

# A URL of a node often holds a key, and httpx writes every URL it asks at INFO.
logging.getLogger("httpx").setLevel(logging.WARNING)


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Read the authorities once: that takes longer than asking a node."""
    return httpx.create_ssl_context()


class RefusedByNode(NodeUnavailable):
    """The node answered with an error of its own: a range too large, a method it lacks, a limit reached."""

    def __init__(self, *, method: str, reason: str, passing: bool) -> None:
        super().__init__(method=method, reason=reason)
        self._passing = passing

    @property
    def passing(self) -> bool:
        """Whether the same question may get another answer."""
        return self._passing


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """How long a node is waited for. Seconds."""

    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    """For one whole answer, however slowly it drips."""
    tries: int = 3
    first_wait_seconds: float = 0.25
    """Before the second try; doubles each time, with up to as much again by chance."""


class JsonRpc:
    """One node. Thread-safe; close it, or use it in a `with`."""

    def __init__(self, url: str, limits: RpcLimits | None = None) -> None:
        self._url = url
        self._host = _host_of(url)
        self._limits = limits or RpcLimits()
        self._client = httpx.Client(
            timeout=httpx.Timeout(self._limits.answer_seconds, connect=self._limits.connect_seconds),
            headers={"content-type": "application/json"},
            verify=_trusted_authorities(),
        )

    def __enter__(self) -> Self:
        """Return the node itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(self, method: str, *params: object, patient: bool = True) -> Any:  # noqa: ANN401  JSON
        """Return the result of one call.

        Raises `NodeUnavailable` after the last try, or `InconsistentNode` at once for a broken envelope.
        Unless `patient`, an error of the node's own (`RefusedByNode`) is raised at once too.
        """
        return self._results(method, [params], patient=patient, batched=False)[0]

    def batch(self, method: str, params: Sequence[Sequence[object]]) -> list[Any]:
        """Return the results of one call for each entry of `params`, in their order, all or none.

        A node that refuses the batch as such is asked in halves. Raises as `call` does.
        """
        if not params:
            return []
        try:
            return self._results(method, params, patient=len(params) == 1, batched=True)
        except RefusedByNode:
            if len(params) == 1:
                raise
            half = len(params) // 2
            return self.batch(method, params[:half]) + self.batch(method, params[half:])

    def _results(
        self, method: str, params: Sequence[Sequence[object]], *, patient: bool, batched: bool
    ) -> list[Any]:
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(each)}
            for number, each in enumerate(params)
        ]
        body = orjson.dumps(requests if batched else requests[0])
        wait = self._limits.first_wait_seconds
        for remaining in reversed(range(self._limits.tries)):
            try:
                return self._measured(method, body, len(requests))
            except RefusedByNode as refusal:
                if not (patient and refusal.passing and remaining):
                    raise
            except NodeUnavailable:
                if not remaining:
                    raise
            time.sleep(wait + random.uniform(0, wait))  # noqa: S311  spreads the callers, guards nothing
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def _measured(self, method: str, body: bytes, wanted: int) -> list[Any]:
        outcome = "ok"
        try:
            with metrics.REQUEST_SECONDS.labels(self._host, method).time():
                return _unwrap(method, self._post(method, body), wanted)
        except (NodeUnavailable, InconsistentNode) as error:
            outcome = type(error).__name__
            raise
        finally:
            metrics.REQUESTS.labels(self._host, method, outcome).inc()

    def _post(self, method: str, body: bytes) -> object:
        deadline = time.monotonic() + self._limits.answer_seconds
        answer = bytearray()
        try:
            with self._client.stream("POST", self._url, content=body) as response:
                for chunk in response.iter_bytes():
                    answer += chunk
                    if time.monotonic() > deadline:
                        raise NodeUnavailable(method=method, reason="the answer takes too long")
                    if len(answer) > ANSWER_BYTES_MAX:
                        raise RefusedByNode(method=method, reason="the answer is too large", passing=False)
                status = response.status_code
        except httpx.TimeoutException as error:
            raise NodeUnavailable(method=method, reason="no answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NodeUnavailable(method=method, reason=type(error).__name__) from error
        if status in _RETRIED_STATUS:
            raise NodeUnavailable(method=method, reason=f"HTTP status {status}")
        if status == _OK:
            return _json(method, answer)
        # Some nodes put a JSON-RPC error under another status, 413 for a range that is too large.
        raise RefusedByNode(
            method=method, reason=f"HTTP status {status}: {bytes(answer[:200])!r}", passing=False
        )


def _host_of(url: str) -> str:
    """Return the host alone, for metrics: the rest of an address may hold a key."""
    try:
        return urlsplit(url).hostname or "unknown"
    except ValueError:
        return "unknown"


def _json(method: str, answer: bytes | bytearray) -> object:
    try:
        return orjson.loads(answer)
    except ValueError as error:
        raise NodeUnavailable(method=method, reason="the answer is not JSON") from error


def _unwrap(method: str, answer: object, wanted: int) -> list[Any]:
    """Return the results in the order of their ids, which count up from 0."""
    envelopes = cast("list[object]", answer if isinstance(answer, list) else [answer])
    results: dict[int, Any] = {}
    for envelope in envelopes:
        if not isinstance(envelope, dict):
            raise InconsistentNode(
                reason=f"{method} was answered with {type(envelope).__name__} for an object"
            )
        fields = cast("dict[str, Any]", envelope)
        if fields.get("error") is not None:
            raise _refusal(method, fields["error"])
        number = fields.get("id")
        if "result" not in fields or type(number) is not int or number in results:
            raise InconsistentNode(reason=f"{method} was answered without a result or under a wrong id")
        results[number] = fields["result"]
    if sorted(results) != list(range(wanted)):
        raise InconsistentNode(reason=f"{method} was asked {wanted} times and answered {sorted(results)[:5]}")
    return [results[number] for number in range(wanted)]


def _refusal(method: str, error: object) -> RefusedByNode:
    fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    code, message = fields.get("code"), str(fields.get("message", error))[:200]
    return RefusedByNode(
        method=method, reason=f"{message} (code {code})", passing=code not in _NEVER_PASSING_CODES
    )
