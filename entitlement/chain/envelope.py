"""The envelope of a JSON-RPC answer over HTTP: the results in it, or the error that it stands for."""

import time
from typing import Any, cast

import orjson

from entitlement.chain.refusals import RefusedByNode, Throttled, refusal_of, seconds_to_wait
from entitlement.core.errors import InconsistentNode, NodeUnavailable

_UNAVAILABLE = 503
_TOO_MANY = 429
_RETRIED_STATUS = frozenset({408, 425, 500, 502, _UNAVAILABLE, 504})


def refused_by_status(method: str, status: int, retry_after: str | None, answer: bytes) -> NodeUnavailable:
    """Return the error for an answer under another status than 200."""
    told = _error_in(answer)
    refusal = None if told is None else refusal_of(method, told)
    # A range that is too large comes under 400 and 413, and with some under 500 or 503.
    if refusal is not None and refusal.is_about_size and not isinstance(refusal, Throttled):
        return refusal
    seconds = seconds_to_wait(retry_after, time.time())
    is_busy = status == _UNAVAILABLE and seconds is not None
    if is_busy or status == _TOO_MANY or isinstance(refusal, Throttled):
        if seconds is None and isinstance(refusal, Throttled):
            seconds = refusal.retry_after
        words = "" if refusal is None else f": {refusal.reason}"
        return Throttled(method=method, reason=f"HTTP status {status}{words}", retry_after=seconds)
    if status in _RETRIED_STATUS:
        return NodeUnavailable(method=method, reason=f"HTTP status {status}")
    reason = f"HTTP status {status}: {answer[:200]!r}"
    return RefusedByNode(method=method, reason=reason, passing=False)


def _error_in(answer: bytes) -> object:
    """Return the JSON-RPC error that stands in an answer, or None."""
    try:
        told: object = orjson.loads(answer)
    except ValueError:
        return None
    if isinstance(told, list) and told:
        told = cast("list[object]", told)[0]
    return cast("dict[str, Any]", told).get("error") if isinstance(told, dict) else None


def json_in(method: str, answer: bytes | bytearray) -> object:
    """Return an answer's JSON; raises `NodeUnavailable`."""
    try:
        return orjson.loads(answer)
    except ValueError as error:
        raise NodeUnavailable(method=method, reason="the answer is not JSON") from error


def results_in(method: str, answer: object, wanted: int) -> list[Any]:
    """Return the results of an answer to so many questions, in the order of their ids, which count up from 0.

    Raises `RefusedByNode` where the node answers one of them with an error, and `InconsistentNode` where the
    answer is not one to these questions.
    """
    envelopes = cast("list[object]", answer if isinstance(answer, list) else [answer])
    results: dict[int, Any] = {}
    for envelope in envelopes:
        if not isinstance(envelope, dict):
            raise InconsistentNode(
                reason=f"{method} was answered with {type(envelope).__name__} for an object"
            )
        fields = cast("dict[str, Any]", envelope)
        if fields.get("error") is not None:
            raise refusal_of(method, fields["error"])
        number = fields.get("id")
        if "result" not in fields or type(number) is not int or number in results:
            raise InconsistentNode(reason=f"{method} was answered without a result or under a wrong id")
        results[number] = fields["result"]
    if sorted(results) != list(range(wanted)):
        raise InconsistentNode(reason=f"{method} was asked {wanted} times and answered {sorted(results)[:5]}")
    return [results[number] for number in range(wanted)]
