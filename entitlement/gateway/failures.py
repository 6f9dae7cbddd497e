"""What a client of the gateway is told when something goes wrong.

One body serves both kinds of client: the openai SDK reads the object `error`, others read `code` and
`message` at the top. The code is the same in both, upper-case, and stable; a client may branch on it.

    {"error": {"message": "...", "type": "insufficient_quota", "param": null, "code": "INSUFFICIENT_BALANCE",
               "wanted": 1200, "available": 7, "resets_at": 1790000000},
     "code": "INSUFFICIENT_BALANCE", "message": "..."}
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from entitlement.client import (
    CreditError,
    CreditRefused,
    CreditUnavailable,
    Hold,
    InsufficientCredit,
    KeyLimitReached,
    KeyRefused,
    RateLimited,
)
from entitlement.gateway.pricing import usd_short

RETRY_AFTER_SECONDS_DEFAULT = 2
IN_PROGRESS_RETRY_AFTER_SECONDS = 1

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota"} | {
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    409: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}


class GatewayError(Exception):
    """A request that gets no answer, or not all of it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        figures: Mapping[str, object] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.figures = dict(figures or {})
        """Members beside the message: amounts in nano-USD, times in Unix seconds."""
        self.retry_after = retry_after

    def body(self) -> dict[str, object]:
        """Return the body of the answer, or of the last event of a stream."""
        error: dict[str, object] = {
            "message": self.message,
            "type": _TYPES.get(self.status, "server_error"),
            "param": None,
            "code": self.code,
        }
        return {"error": error | self.figures, "code": self.code, "message": self.message}


class UpstreamFailed(GatewayError):
    """The upstream's part failed: nothing is charged before the first byte, later what there is."""

    @property
    def is_about_the_upstream(self) -> bool:
        """Whether another upstream may do better: 400 is about the request."""
        return self.status != 400  # noqa: PLR2004 - the status is its own name


def invalid_request(problem: str, **figures: object) -> GatewayError:
    """The body is not one that we can answer; `problem` says where and why."""
    return GatewayError(400, "INVALID_REQUEST", problem, figures=figures)


def authentication_failed(reason: str, message: str) -> GatewayError:
    """No key, or one that may not spend; `reason` is the stable word for which."""
    return GatewayError(401, "AUTHENTICATION_FAILED", message, figures={"reason": reason})


def key_reused() -> GatewayError:
    """An Idempotency-Key that came before with another body."""
    return GatewayError(
        409,
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key came before with another request (or when the price was another). Nothing was"
        " charged. A new request needs a new Idempotency-Key.",
    )


def key_in_progress(hold: Hold | None = None) -> GatewayError:
    """An Idempotency-Key whose first request has not ended, here or (by its hold) anywhere."""
    return GatewayError(
        409,
        "IDEMPOTENCY_KEY_IN_PROGRESS",
        "The first request with this Idempotency-Key has not ended. Nothing more was charged; ask again with"
        " the same key.",
        figures={} if hold is None else {"request_id": hold.request_id, "expires_at": hold.expires_at},
        retry_after=IN_PROGRESS_RETRY_AFTER_SECONDS,
    )


def key_used(hold: Hold) -> GatewayError:
    """An Idempotency-Key whose request has ended, and whose answer is not kept."""
    charged = (
        f"was charged ${usd_short(hold.captured)}" if hold.state == "captured" else "broke off uncharged"
    )
    return GatewayError(
        409,
        "IDEMPOTENCY_KEY_USED",
        f"The request with this Idempotency-Key {charged}, and its answer is not kept. Nothing more was"
        " charged now. To be answered anew, at a new charge, send a new Idempotency-Key.",
        figures={"request_id": hold.request_id, "state": hold.state, "charged": hold.captured},
    )


def key_tried_out(tries: int) -> GatewayError:
    """An Idempotency-Key under which too many tries came to nothing."""
    return GatewayError(
        409,
        "IDEMPOTENCY_KEY_USED",
        f"{tries} requests with this Idempotency-Key came to nothing, and nothing was charged for them. Try"
        " again with a new Idempotency-Key.",
        figures={"tries": tries, "charged": 0},
    )


def credit_unavailable(retry_after: int | None = None) -> GatewayError:
    """Whether the key may spend cannot be known now, so it may not."""
    return GatewayError(
        503,
        "CREDIT_UNAVAILABLE",
        "The credit service cannot be asked at the moment. Nothing was charged; try again.",
        retry_after=retry_after or RETRY_AFTER_SECONDS_DEFAULT,
    )


def upstream_unavailable() -> UpstreamFailed:
    """The upstream refused the connection or reported trouble of its own."""
    return UpstreamFailed(502, "UPSTREAM_UNAVAILABLE", "The model's server cannot be reached or failed.")


def upstream_timed_out() -> UpstreamFailed:
    """The upstream took too long: to connect, to begin, between two pieces or altogether."""
    return UpstreamFailed(504, "UPSTREAM_TIMEOUT", "The model's server took too long.")


def upstream_invalid() -> UpstreamFailed:
    """The upstream answered something that is not an answer."""
    return UpstreamFailed(502, "UPSTREAM_INVALID", "The model's server sent something that is no answer.")


def upstream_interrupted() -> UpstreamFailed:
    """The upstream broke off in the middle."""
    return UpstreamFailed(502, "UPSTREAM_INTERRUPTED", "The model's server broke off in its answer.")


def too_many_requests(figures: Mapping[str, object], retry_after: int | None) -> GatewayError:
    """Somebody asks too fast: `figures` are those of the service's own refusal."""
    return GatewayError(
        429,
        "RATE_LIMIT_EXCEEDED",
        f"Too many requests: another is taken in {retry_after} s. Nothing was charged.",
        figures=figures,
        retry_after=retry_after,
    )


def explain_credit(error: CreditError) -> GatewayError:
    """Return what a client is told about a hold that it did not get."""
    match error:
        case InsufficientCredit():
            return GatewayError(402, "INSUFFICIENT_BALANCE", _insufficient(error), figures=_figures(error))
        case KeyLimitReached():
            unit = "DIEM" if "diem" in str(error.figures.get("limit")).lower() else "USD"
            return GatewayError(
                402,
                f"API_KEY_{unit}_SPEND_LIMIT_EXCEEDED",
                _key_limit(error, unit),
                figures=_figures(error),
            )
        case KeyRefused():
            return authentication_failed(error.code, error.detail)
        case RateLimited():
            return _too_fast(error)
        case CreditUnavailable():
            return credit_unavailable(error.retry_after)
        case _:
            # A wrong service token, an answer that makes no sense: the operator's matter. Fail closed.
            return credit_unavailable()


def _too_fast(error: RateLimited) -> GatewayError:
    if error.figures.get("of") == "address":
        # The gateway's own, whose token is refused: not the client's matter.
        return credit_unavailable(error.retry_after)
    return too_many_requests(_figures(error, ("of", "requests", "seconds", "retry_after")), error.retry_after)


_CREDIT_FIGURES = ("limit", "period", "wanted", "available", "resets_at")


def _figures(error: CreditRefused, names: tuple[str, ...] = _CREDIT_FIGURES) -> dict[str, object]:
    return {name: error.figures[name] for name in names if name in error.figures}


def _insufficient(error: CreditRefused) -> str:
    return (
        f"This request may cost {_usd(error, 'wanted')} and the account has {_usd(error, 'available')} left. "
        f"The day's DIEM credit returns {_when(error)}; prepaid credit can be added at any time."
    )


def _key_limit(error: CreditRefused, unit: str) -> str:
    return (
        f"This request may cost {_usd(error, 'wanted')} and this API key has {_usd(error, 'available')} left "
        f"of its {unit} limit; the limit resets {_when(error)}. Raise the limit or use another key."
    )


def _usd(error: CreditRefused, name: str) -> str:
    amount = error.figure(name)
    return "an unknown amount" if amount is None else f"${usd_short(amount)}"


def _when(error: CreditRefused) -> str:
    at = error.figure("resets_at")
    return "never" if at is None else f"at {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
