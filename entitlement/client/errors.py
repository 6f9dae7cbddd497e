"""How asking for credit goes wrong.

CreditError
  CreditRefused              the service said no, and why: `code`, `detail`, `figures`
    InsufficientCredit         402, the account cannot pay
    KeyLimitReached            402, the key's own limit is in the way
    KeyRefused                 401, the key is unknown, expired or revoked
    GatewayNotAuthenticated    401, the gateway's service token is wrong
    RateLimited                429, more requests in a time than are allowed; `retry_after`
    UnknownHold · HoldAlreadyEnded · HoldExpired        404, 409, 410: of a hold or a lease
    UnknownRequest             404, of a question about a request
  CreditUnavailable          no answer within the deadline: nobody may be served on it
  InvalidAnswer              an answer that is not of the protocol: nothing of it was believed
"""

from collections.abc import Mapping

from entitlement.client.json_values import as_whole


class CreditError(Exception):
    """Anything that can be expected to go wrong between a gateway and the service."""


class CreditUnavailable(CreditError):
    """The service did not answer in time, or said that it cannot serve now.

    Whether the last try took effect is not known: repeat it with the same request id, or let the hold expire.
    """

    def __init__(self, reason: str, *, retry_after: int | None = None) -> None:
        super().__init__(f"the credit service is unavailable: {reason}")
        self.reason = reason
        self.retry_after = retry_after
        """Seconds the service asked to wait, where it did."""


class InvalidAnswer(CreditError):
    """The service answered something that the protocol does not know."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the credit service's answer is not of the protocol: {reason}")
        self.reason = reason


class CreditRefused(CreditError):
    """The service decided against it (an RFC 9457 problem)."""

    def __init__(self, *, status: int, code: str, detail: str, figures: Mapping[str, object]) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        """HTTP status."""
        self.code = code
        """The stable reason, such as `insufficient_credit`."""
        self.detail = detail
        """A sentence for the person who asked."""
        self.figures = figures
        """The problem's other members: amounts in nano-USD, times in Unix seconds."""
        self.is_repeated = False
        """Whether the same request was refused before this call, and this is the answer of then."""

    def figure(self, name: str) -> int | None:
        """Return a figure that is an integer of at least 0, or None where the service gave none."""
        return as_whole(self.figures.get(name))


class InsufficientCredit(CreditRefused):
    """The account has less than was asked for: figures `wanted`, `available`, `resets_at`."""


class KeyLimitReached(CreditRefused):
    """The key has less left of its limit: figures `limit`, `period`, `wanted`, `available`, `resets_at`."""


class KeyRefused(CreditRefused):
    """The key may not spend.

    Codes `unknown_key`, `key_expired`, `key_revoked`, `key_suspended`, `key_paused` and `key_rotated`.
    """


class GatewayNotAuthenticated(CreditRefused):
    """The service does not know this gateway: its service token is missing, wrong or withdrawn."""


class UnknownHold(CreditRefused):
    """The service knows no such hold of this gateway."""


class UnknownRequest(CreditRefused):
    """The service knows no such request of this gateway."""


class HoldAlreadyEnded(CreditRefused):
    """The hold ended in another way, or with another amount, than the one asked for now."""


class HoldExpired(CreditRefused):
    """The hold ran out, and so did the time in which a late capture is taken."""


class RateLimited(CreditRefused):
    """The account or the key asks too often: figures `of`, `requests`, `seconds`, `retry_after`."""

    @property
    def retry_after(self) -> int:
        """Seconds after which the same request would be allowed."""
        return self.figure("retry_after") or 1


_REFUSALS: dict[str, type[CreditRefused]] = {
    "insufficient_credit": InsufficientCredit,
    "key_limit_reached": KeyLimitReached,
    "unknown_key": KeyRefused,
    "key_expired": KeyRefused,
    "key_revoked": KeyRefused,
    "key_suspended": KeyRefused,
    "key_paused": KeyRefused,
    "key_rotated": KeyRefused,
    "not_authenticated": GatewayNotAuthenticated,
    "unknown_hold": UnknownHold,
    "unknown_request": UnknownRequest,
    "hold_already_ended": HoldAlreadyEnded,
    "hold_expired": HoldExpired,
    "rate_limited": RateLimited,
}

_PROBLEM_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "code"})
"""The members of a problem that are not figures."""


def refusal(status: int, problem: Mapping[str, object]) -> CreditRefused:
    """Return the exception for a problem document; a code that is new to us is a plain `CreditRefused`."""
    code, detail = problem.get("code"), problem.get("detail", problem.get("title"))
    known_code = code if isinstance(code, str) else "unknown"
    return _REFUSALS.get(known_code, CreditRefused)(
        status=status,
        code=known_code,
        detail=detail if isinstance(detail, str) else f"refused with status {status}",
        figures={name: value for name, value in problem.items() if name not in _PROBLEM_MEMBERS},
    )
