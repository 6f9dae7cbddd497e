"""What a node says instead of an answer: too much, too often, or something else.

Codes say little: -32005 is a rate limit with one provider and a range too large with the next, and both come
under 200, 400, 413, 429 or 503. So the words decide, and the code only where they leave it open.
"""

import re
from email.utils import parsedate_to_datetime
from typing import Any, cast

import orjson

from entitlement.core.errors import NodeUnavailable

WORDS_MAX = 1_000
"""As much of a node's text is read; the advice of those that give some ends before."""

NEVER_PASSING_CODES = frozenset({-32600, -32601, -32602})
"""Invalid request, unknown method, invalid parameters: the same question gets the same answer."""

REST_SECONDS_MAX = 300.0
"""A node may ask to be left alone for so long; more is not believed."""

_RATE_CODES = frozenset({429, -32029, -32016, -32007})
_LIMIT_CODE = -32005
"""EIP-1474's "limit exceeded", which does not say what limit."""

_RATE_WORDS = re.compile(
    r"rate.?limit|request rate|too many requests|too many connections|requests? limit|throttl|throughput"
    r"|(?:requests|calls|rps)[^.]{0,20}(?:per|/|a) ?(?:second|minute|day)|\d/second|compute units|quota"
    r"|credits|daily (?:request|limit)|over capacity"
)
_SIZE_WORDS = re.compile(
    r"range|\bblocks?\b[^.]{0,40}(?:limit|max|large|wide|exceed)|(?:limit|max|exceed)[^.]{0,40}\bblocks?\b"
    r"|too many (?:results|logs|blocks)|results?\b[^.]{0,30}(?:limit|max|exceed)|more than \d+ results"
    r"|(?:exceeds?|limit|max)[^.]{0,30}results|logs matched|response (?:size|is )?.{0,10}too (?:large|big)"
    r"|response size|answer is too large|must be smaller|narrow your|timeout|timed out|deadline exceeded"
)


class RefusedByNode(NodeUnavailable):
    """The node answered with an error of its own: a range too large, a method it lacks, a limit reached."""

    def __init__(self, *, method: str, reason: str, passing: bool, words: str | None = None) -> None:
        """Take what is shown as `reason`, and all the node said as `words` where that is longer."""
        super().__init__(method=method, reason=reason)
        self._passing = passing
        self._words = reason if words is None else words[:WORDS_MAX]

    @property
    def passing(self) -> bool:
        """Whether the same question may get another answer."""
        return self._passing

    @property
    def words(self) -> str:
        """What the node said, up to `WORDS_MAX`; it may hold anything."""
        return self._words

    @property
    def is_about_size(self) -> bool:
        """Whether the node says that less may be asked for at once; only ranges of logs have a size."""
        return self.method == "eth_getLogs" and _SIZE_WORDS.search(self._words.lower()) is not None


class Throttled(RefusedByNode):
    """The node wants to be asked less often."""

    def __init__(
        self, *, method: str, reason: str, retry_after: float | None = None, words: str | None = None
    ) -> None:
        super().__init__(method=method, reason=reason, passing=True, words=words)
        self._retry_after = retry_after

    @property
    def retry_after(self) -> float | None:
        """Seconds that the node wants to be left alone, where it says so."""
        return self._retry_after


class TooSlow(NodeUnavailable):
    """No whole answer came in time."""


def refusal_of(method: str, error: object) -> RefusedByNode:
    """Return what the member `error` of a JSON-RPC answer stands for."""
    fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    code, data = fields.get("code"), fields.get("data")
    message = str(fields.get("message", error))
    # Some put the only sentence that helps beside the message.
    words = message if data is None else f"{message} {_text(data)}"
    reason = f"{message[:200]} (code {code})"
    if _is_about_rate(method, code, words.lower()):
        return Throttled(method=method, reason=reason, retry_after=_backoff_in(data), words=words)
    passing = code not in NEVER_PASSING_CODES
    return RefusedByNode(method=method, reason=reason, passing=passing, words=words)


def seconds_to_wait(retry_after: str | None, now: float) -> float | None:
    """Return what an HTTP header `Retry-After` asks for: seconds, or a date after Unix time `now`."""
    if retry_after is None:
        return None
    try:
        return _bounded(float(retry_after))
    except ValueError:
        pass
    try:
        return _bounded(parsedate_to_datetime(retry_after).timestamp() - now)
    except ValueError:
        return None


def _is_about_rate(method: str, code: object, words: str) -> bool:
    if _RATE_WORDS.search(words):
        return True
    if method == "eth_getLogs" and (_SIZE_WORDS.search(words) or code == _LIMIT_CODE):
        # A limit without a name may well be that of the range, and asking for less does no harm.
        return False
    return code in _RATE_CODES or code == _LIMIT_CODE


def _backoff_in(data: object) -> float | None:
    """Return the seconds in `data.rate.backoff_seconds`, where a provider names them."""
    rate = cast("dict[str, Any]", data).get("rate") if isinstance(data, dict) else None
    seconds: object = cast("dict[str, Any]", rate).get("backoff_seconds") if isinstance(rate, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return _bounded(seconds)


def _bounded(seconds: float) -> float:
    return max(0.0, min(float(seconds), REST_SECONDS_MAX))


def _text(data: object) -> str:
    return data if isinstance(data, str) else orjson.dumps(data).decode()
