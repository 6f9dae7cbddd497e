"""Payments by card: what the provider's signed events say, in Stripe's scheme.

    Stripe-Signature: t=<Unix time>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>[,v1=…]

An event is believed when one of its signatures is right and its time is near ours, so that one that somebody
kept cannot be sent later. Of all events one kind counts, `invoice.paid`: the month of a subscription whose
metadata name a `wallet` and a `tier`. Nothing else of an event is kept.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, cast

from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.errors import InvalidRequest, MalformedAddress, NotAuthenticated
from entitlement.core.membership import TIER_MAX, Month
from entitlement.core.units import Wallet, wallet

TOLERANCE_SECONDS = 300
"""The provider's own recommendation."""
LONGEST_MONTH_SECONDS = 32 * SECONDS_PER_EPOCH
"""A calendar's month may have 31 days, and an hour more or less. Longer periods are not sold by card."""
LONGEST_ID = 255
SIGNATURES_MAX = 10
PAID = "invoice.paid"


@dataclass(frozen=True, slots=True)
class CardEvent:
    """An event of the provider that was rightly signed."""

    id: str
    paid: tuple[Wallet, Month] | None
    """Whose month was paid for; None for every event that is about something else."""


def check_signature(secret: bytes, header: str, body: bytes, now: int) -> None:
    """Raise NotAuthenticated unless `body` was signed with `secret`, and not long before or after `now`."""
    parts = [part.strip().partition("=") for part in header.split(",")[: SIGNATURES_MAX + 1]]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdecimal() and len(times[0]) <= 12):  # noqa: PLR2004  Unix times
        raise NotAuthenticated("Stripe-Signature has no time: send t=…,v1=…")
    expected = hmac.new(secret, times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    # All of them, each in constant time.
    right = [hmac.compare_digest(expected.encode(), given.encode()) for given in signatures]
    if not any(right):
        raise NotAuthenticated("Stripe-Signature is not by the secret that this service knows")
    if abs(now - int(times[0])) > TOLERANCE_SECONDS:
        raise NotAuthenticated(
            f"Stripe-Signature is of {times[0]}, more than {TOLERANCE_SECONDS} seconds from {now}"
        )


def read_event(body: bytes) -> CardEvent:
    """Return what an event says. Raises InvalidRequest for one that cannot be understood."""
    try:
        said = json.loads(body)
    except ValueError:
        raise InvalidRequest("the event is not JSON") from None
    event_id = _of(said, "id")
    if not isinstance(event_id, str) or not (0 < len(event_id) <= LONGEST_ID and event_id.isprintable()):
        raise InvalidRequest(f"the event has no id of at most {LONGEST_ID} characters", field="id")
    if _of(said, "type") != PAID:
        return CardEvent(event_id, None)
    invoice = _of(said, "data", "object")
    about = _metadata(invoice)
    # A subscription to something else, or one that began without a payment, such as a trial.
    if about is None or not _number(_of(invoice, "amount_paid")):
        return CardEvent(event_id, None)
    return CardEvent(event_id, (_wallet(about), _month(invoice, about)))


def _metadata(invoice: object) -> dict[str, Any] | None:
    """Return the subscription's metadata, wherever the provider's versions put them."""
    for path in (("parent", "subscription_details"), ("subscription_details",), ()):
        found = _of(invoice, *path, "metadata")
        if isinstance(found, dict) and "wallet" in found:
            return cast("dict[str, Any]", found)
    return None


def _wallet(about: dict[str, Any]) -> Wallet:
    try:
        return wallet(str(about["wallet"]))
    except MalformedAddress as error:
        raise InvalidRequest(str(error), field="metadata.wallet") from None


def _month(invoice: object, about: dict[str, Any]) -> Month:
    tier = str(about.get("tier", ""))
    if tier not in map(str, range(1, TIER_MAX + 1)):
        raise InvalidRequest(f"metadata.tier is {tier[:20]!r}: give 1 to {TIER_MAX}", field="metadata.tier")
    lines = _of(invoice, "lines", "data")
    periods = [
        (_number(_of(line, "period", "start")), _number(_of(line, "period", "end")))
        for line in (cast("list[object]", lines) if isinstance(lines, list) else [])
    ]
    # A change within a month has lines of the rest of the old one too: the last to end was paid for.
    starts_at, ends_at = max(periods, key=lambda period: period[1], default=(0, 0))
    if not 0 < ends_at - starts_at <= LONGEST_MONTH_SECONDS:
        raise InvalidRequest(
            f"the invoice is for {starts_at} to {ends_at}, which is no month: sell memberships by the month",
            field="lines",
        )
    return Month(int(tier), starts_at, ends_at)


def _of(said: object, *path: str) -> object:
    for name in path:
        if not isinstance(said, dict):
            return None
        said = cast("dict[str, object]", said).get(name)
    return said


def _number(said: object) -> int:
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 2**53 else 0
