"""One key's leases, and everybody who waits for credit of it. No transport; the clock comes from outside.

    nobody waits              a lease is renewed at half of its life, or when little is left and it is in use
    a hold does not fit       its caller waits, the lease is asked to be larger, at most once a second
    the service says no       everybody who waits is told so, with the figures
    no answer                 the offline allowance, where there is one and the key is known to be good;
                              else everybody is told so, and at once until the service answers again
    unused for long           the lease is returned
    its time is over          nothing more is taken from it; returned when its last hold has ended

Only one question about a lease is on its way at any time, so answers never overtake each other.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from uuid import uuid4

from entitlement.client.answers import Balance
from entitlement.client.errors import (
    CreditError,
    CreditRefused,
    CreditUnavailable,
    GatewayNotAuthenticated,
    HoldAlreadyEnded,
    HoldExpired,
    InsufficientCredit,
    InvalidAnswer,
    KeyLimitReached,
    KeyRefused,
    RateLimited,
    UnknownHold,
)
from entitlement.client.lease_answers import LeaseAnswer, lease_of
from entitlement.client.lease_terms import LeaseTerms
from entitlement.client.leased_hold import LeasedHold
from entitlement.client.local_lease import LocalLease
from entitlement.client.offline import OfflineAllowance
from entitlement.client.requests import ChargeRequest, LeasedRequest, LeaseRequest, Usage
from entitlement.client.wire import (
    BatchAnswer,
    Changing,
    charge_call,
    open_lease_call,
    renew_lease_call,
    return_lease_call,
)
from entitlement.core.units import NANO_USD_MAX, NanoUsd

SECONDS_BETWEEN_CALLS = 1.0
"""A lease costs the service no more than one call in this time."""
LATE_SECONDS = 3300.0
"""How long after its end a lease waits for its last holds. The service takes reports for an hour."""
KNOWN_SECONDS = 3600.0
"""How long a key counts as good without the service having said so again."""
CHARGES_MAX = 50
"""Owed charges of one key in one batch."""
NEVER = float("inf")

_GONE = (UnknownHold, HoldAlreadyEnded, HoldExpired)
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Waiting:
    """A caller who waits for credit."""

    amount: int
    least: int
    request_id: str | None
    tell: Callable[[], None]
    """Called once, with the key's lock held, when there is a hold or an error."""
    hold: LeasedHold | None = None
    error: CreditError | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """A call to the service, and who wants its answer: `done(answer, sent_at, now)`."""

    call: Changing
    done: Callable[[BatchAnswer, float, float], None] = field(repr=False)
    weight: int = 1
    """How many requests it speaks of, itself included: bodies have a bound."""


class LeasedKey:
    """All that a pool knows of one key. Its methods may be called from any thread."""

    def __init__(
        self, key: str, terms: LeaseTerms, clock: Callable[[], float], wake: Callable[[], None]
    ) -> None:
        self.lock = Lock()
        self.due_at = NEVER
        """When `errands` should be called next."""
        self._key = key
        self._terms = terms
        self._clock = clock
        self._wake = wake
        self._lease: LocalLease | None = None
        self._over: list[LocalLease] = []
        """Leases that nothing more is taken from, and that are not returned yet."""
        self._closed: list[LocalLease] = []
        """Leases that the service ended while they had holds."""
        self._waiting: deque[Waiting] = deque()
        self._target: int = terms.amount
        self._used_at = clock()
        self._asked_at = -NEVER
        self._ask_again_at = -NEVER
        self._settle_again_at = -NEVER
        self._asking = False
        self._settling = 0
        """Returns and charges on their way."""
        self._probe = False
        self._unavailable: CreditError | None = None
        self._refused: tuple[CreditRefused, int] | None = None
        """The last refusal, and the least amount that it was about."""
        self._good_until = -NEVER
        self._balance: Balance | None = None
        self._owed: deque[ChargeRequest] = deque()
        self._offline = OfflineAllowance(self, terms.offline_allowance)

    # --- callers -------------------------------------------------------------------------------------

    def take(self, amount: int, least: int, request_id: str | None) -> LeasedHold | None:
        """Return a hold of up to `amount` and at least `least` out of the lease, or None."""
        with self.lock:
            lease = self._lease
            if lease is None:
                return None
            now = self._clock()
            room = lease.total - lease.spent - lease.reserved
            if room < least or now >= lease.valid_until:
                return None
            given = amount if amount < room else room  # noqa: FURB136 - min() takes twice as long
            # As `lease.take` does, without the call.
            lease.reserved += given
            lease.holds += 1
            hold = LeasedHold(lease, NanoUsd(given), request_id)
            self._used_at = now
            low = (room - given) * 2 < self._target and not (lease.final or self._asking)
            if low and self.due_at > self._ask_again_at:
                self.due_at = self._ask_again_at
                self._wake()
            return hold

    def wait(self, amount: int, least: int, request_id: str | None, tell: Callable[[], None]) -> Waiting:
        """Stand in line. The answer may be there at once, and then `tell` has been called."""
        waiting = Waiting(amount, least, request_id, tell)
        with self.lock:
            now = self._clock()
            self._used_at = now
            self._waiting.append(waiting)
            if len(self._waiting) == 1:
                # What was learned a moment ago is still true for one who has not asked yet.
                self._serve(now, fresh=now < self._ask_again_at)
            if self._waiting or self._probe:
                self.due_at = min(self.due_at, max(self._ask_again_at, now))
                self._wake()
        return waiting

    def withdraw(self, waiting: Waiting) -> None:
        """Leave the line; what was given meanwhile is given back."""
        with self.lock:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            hold = waiting.hold
        if hold is not None:
            hold.release()

    # --- the pool's worker ---------------------------------------------------------------------------

    def errands(self, now: float, *, closing: bool, force: bool = False) -> list[Errand]:
        """Return what is to be asked of the service now, and set when to be called next.

        `closing` gives leases back as soon as their holds have ended, `force` even before.
        """
        with self.lock:
            found = list(self._found(now, closing=closing, force=force))
            self.due_at = self._next_due(now)
            return found

    def is_forgettable(self, now: float) -> bool:
        """Tell whether nothing would be lost with this object."""
        with self.lock:
            if self._lease is not None or self._over or self._owed or self._waiting:
                return False
            if self._asking or self._settling or now < self._ask_again_at:
                return False
            if any(each.holds for each in self._closed) or not self._offline.is_unused:
                return False
            return not (self._terms.offline_allowance > 0 and now < self._good_until)

    def unsettled(self) -> int:
        """Return the nano-USD that are spent and that the service has not acknowledged."""
        with self.lock:
            leases = [*self._over, *([] if self._lease is None else [self._lease])]
            return sum(each.spent - each.known for each in leases) + sum(each.amount for each in self._owed)

    # --- what leases and the offline allowance call, with the lock held -------------------------------

    def owe(self, amount: NanoUsd, request_id: str, usage: Usage | None) -> None:
        """Charge `amount` as soon as the service answers."""
        model = None if usage is None else usage.model
        self._owed.append(ChargeRequest(self._key, amount, request_id, model=model, usage=usage))
        self.due_at = min(self.due_at, self._settle_again_at)
        self._wake()

    def note_forgotten(self) -> None:
        """Look at this key soon; no lock, and nobody is woken, for this may run anywhere."""
        self.due_at = -NEVER

    def note_ended(self, lease: LocalLease) -> None:
        """Return a lease that is over as soon as its last hold has ended."""
        if lease is not self._lease and lease.holds == 0 and not lease.closed:
            self.due_at = min(self.due_at, self._settle_again_at)
            self._wake()

    @property
    def owed(self) -> int:
        """What is not charged yet, nano-USD."""
        return sum(each.amount for each in self._owed)

    # --- deciding what to ask ------------------------------------------------------------------------

    def _found(self, now: float, *, closing: bool, force: bool) -> Iterator[Errand]:
        lease = self._lease
        for each in (*self._over, *([] if lease is None else [lease])):
            each.sweep()
        if lease is not None and not self._asking:
            idle = now - self._used_at >= self._terms.idle_seconds and lease.holds == 0
            expired = now >= lease.valid_until
            if closing or expired or (idle and not self._waiting):
                self._over.append(lease)
                self._lease = lease = None
                if expired and self._unavailable is None and self._over[-1].valid_until > self._asked_at:
                    # Another lease is another matter: at midnight nobody waits for the second to be over.
                    self._ask_again_at = now
        if closing:
            self._tell_all(CreditUnavailable("the pool is closed"))
        elif not self._asking and now >= self._ask_again_at and self._should_ask(lease, now):
            yield self._ask(lease, now)
        if now >= self._settle_again_at and not self._settling:
            yield from self._settle(now, force=force)

    def _should_ask(self, lease: LocalLease | None, now: float) -> bool:
        if self._waiting or self._probe:
            return True
        if lease is None:
            return False
        low = lease.room * 2 < self._target and self._used_at > self._asked_at and not lease.final
        return low or lease.has_backlog or now >= lease.renew_at

    def _ask(self, lease: LocalLease | None, now: float) -> Errand:
        self._asking, self._asked_at, self._probe = True, now, False
        self._ask_again_at = now + SECONDS_BETWEEN_CALLS
        waits = bool(self._waiting)
        wanted = sum(each.amount for each in self._waiting)
        least = min((each.least for each in self._waiting), default=1)
        if lease is None:
            request = LeaseRequest(
                key=self._key,
                amount=NanoUsd(min(max(self._target, wanted), NANO_USD_MAX)),
                request_id=f"lease-{uuid4().hex}",
                ttl=self._terms.ttl,
                minimum=NanoUsd(least),
            )
            return Errand(open_lease_call(request), self._on_opened(least))
        if waits or (lease.room * 2 < self._target and now < lease.renew_at):
            self._target = min(2 * self._target, self._terms.largest)
        # Never less than there is: what is set aside, or may be taken meanwhile, must stay paid for.
        reported, told = lease.report()
        unsaid = lease.spent - reported
        amount = unsaid + max(self._target, lease.reserved + max(lease.room, 0), lease.reserved + wanted)
        call = renew_lease_call(
            lease.id,
            spent=NanoUsd(reported),
            amount=NanoUsd(min(amount, NANO_USD_MAX)),
            minimum=NanoUsd(min(unsaid + lease.reserved + least, amount, NANO_USD_MAX) if waits else 1),
            ttl=self._terms.ttl,
            requests=told,
        )
        return Errand(call, self._on_renewed(lease, reported, told, least), 1 + len(told))

    def _settle(self, now: float, *, force: bool) -> Iterator[Errand]:
        """Give the returns of leases that are over, and what is owed besides."""
        for lease in self._over:
            if lease.holds == 0 or force or now >= lease.valid_until + LATE_SECONDS:
                self._settling += 1
                reported, told = lease.report(everything=True)
                call = return_lease_call(lease.id, spent=NanoUsd(reported), requests=told)
                yield Errand(call, self._on_returned(lease, reported, told), 1 + len(told))
        for charge in [self._owed[index] for index in range(min(len(self._owed), CHARGES_MAX))]:
            self._settling += 1
            yield Errand(charge_call(charge), self._on_charged(charge))

    def _next_due(self, now: float) -> float:
        due = NEVER
        lease = self._lease
        if not self._asking:
            if self._waiting or self._probe:
                due = min(due, self._ask_again_at)
            if lease is not None:
                idle_at = self._used_at + self._terms.idle_seconds
                due = min(
                    due, lease.valid_until, max(lease.renew_at, self._ask_again_at), max(idle_at, now + 1)
                )
                if self._should_ask(lease, now):
                    due = min(due, self._ask_again_at)
        if self._settling:
            return due
        for each in self._over:
            late = 0.0 if each.holds == 0 else each.valid_until + LATE_SECONDS
            due = min(due, max(late, self._settle_again_at))
        return min(due, self._settle_again_at) if self._owed else due

    # --- answers -------------------------------------------------------------------------------------

    def _on_opened(self, least: int) -> Callable[[BatchAnswer, float, float], None]:
        def done(answer: BatchAnswer, sent_at: float, now: float) -> None:
            with self.lock:
                if isinstance(answer, LeaseAnswer):
                    self._lease = LocalLease(self, answer.lease.id)
                self._learn(answer, sent_at, reported=0, least=least)
                self._conclude(now)

        return done

    def _on_renewed(
        self, lease: LocalLease, reported: int, told: tuple[LeasedRequest, ...], least: int
    ) -> Callable[[BatchAnswer, float, float], None]:
        def done(answer: BatchAnswer, sent_at: float, now: float) -> None:
            with self.lock:
                left = lease_of(answer) if isinstance(answer, CreditRefused) else None
                if isinstance(answer, LeaseAnswer) or left is not None:
                    lease.acknowledge(told)
                if left is not None:
                    lease.follow(left, reported=reported, sent_at=sent_at)
                if isinstance(answer, _GONE):
                    # No verdict on those who wait: another lease is asked for, at once.
                    self._close(lease, answer)
                    self._lease, self._ask_again_at, self._asking = None, now, False
                    self.due_at = self._next_due(now)
                    return
                if isinstance(answer, KeyRefused):
                    self._over.append(lease)
                    self._lease = None
                self._learn(answer, sent_at, reported=reported, least=least)
                self._conclude(now)

        return done

    def _on_returned(
        self, lease: LocalLease, reported: int, told: tuple[LeasedRequest, ...]
    ) -> Callable[[BatchAnswer, float, float], None]:
        def done(answer: BatchAnswer, _: float, now: float) -> None:
            with self.lock:
                self._settling -= 1
                if isinstance(answer, LeaseAnswer):
                    lease.known = max(lease.known, reported)
                    lease.acknowledge(told)
                if isinstance(answer, LeaseAnswer) or _is_verdict(answer):
                    self._close(lease, answer)
                    self._over.remove(lease)
                else:
                    self._settle_again_at = now + SECONDS_BETWEEN_CALLS
                self.due_at = self._next_due(now)

        return done

    def _on_charged(self, charge: ChargeRequest) -> Callable[[BatchAnswer, float, float], None]:
        def done(answer: BatchAnswer, _: float, now: float) -> None:
            with self.lock:
                self._settling -= 1
                if isinstance(answer, CreditError) and not _is_verdict(answer):
                    self._settle_again_at = now + SECONDS_BETWEEN_CALLS
                else:
                    self._owed.remove(charge)
                    if isinstance(answer, CreditError):
                        _log.error("%s nano-USD could not be charged: %s", charge.amount, _reason(answer))
                self.due_at = self._next_due(now)

        return done

    def _close(self, lease: LocalLease, answer: BatchAnswer) -> None:
        """Let go of a lease that the service has ended; what it does not know of is charged instead."""
        lease.closed = True
        if isinstance(answer, HoldAlreadyEnded):
            # An earlier return went through whose answer was lost: what it told is charged.
            lease.known = min(max(lease.known, answer.figure("captured") or 0), lease.spent)
        unknown = lease.spent - lease.known
        if unknown > 0:
            _log.warning("lease %s ended without %s nano-USD of its spending", lease.id, unknown)
            self.owe(NanoUsd(unknown), f"{lease.id}:late", None)
            lease.known = lease.spent
        self._closed = [each for each in (*self._closed, lease) if each.holds]

    def _learn(self, answer: BatchAnswer, sent_at: float, *, reported: int, least: int) -> None:
        self._unavailable = self._refused = None
        match answer:
            case LeaseAnswer():
                assert self._lease is not None
                self._lease.follow(answer.lease, reported=reported, sent_at=sent_at)
                self._balance = answer.balance
                self._good_until = sent_at + KNOWN_SECONDS
            case CreditRefused():
                self._refused = answer, max(least, 1)
                if isinstance(answer, KeyRefused):
                    self._good_until = -NEVER
                if isinstance(answer, RateLimited):
                    self._ask_again_at = sent_at + answer.retry_after
            case CreditError():
                self._unavailable = answer
            case _:
                self._unavailable = InvalidAnswer("a lease was asked for, and a hold came")

    def _conclude(self, now: float) -> None:
        self._asking = False
        self._serve(now, fresh=True)
        self.due_at = self._next_due(now)

    def _serve(self, now: float, *, fresh: bool) -> None:
        """Answer those who wait, first come first served; `fresh`: what is known is not to be asked again."""
        still: list[Waiting] = []
        while self._waiting:
            waiting = self._waiting.popleft()
            lease = self._lease
            room = 0 if lease is None or now >= lease.valid_until else lease.room
            if lease is not None and room >= waiting.least:
                waiting.hold = lease.take(min(room, waiting.amount), waiting.request_id)
            elif self._unavailable is not None:
                self._probe = True
                waiting.hold = self._take_offline(waiting, now)
                if waiting.hold is None:
                    waiting.error = _again(self._unavailable)
            elif fresh:
                waiting.error = self._refusal(waiting, room)
            if waiting.hold is None and waiting.error is None:
                still.append(waiting)
            else:
                waiting.tell()
        self._waiting.extend(still)

    def _take_offline(self, waiting: Waiting, now: float) -> LeasedHold | None:
        if now >= self._good_until:
            return None
        return self._offline.take(waiting.amount, waiting.least, waiting.request_id)

    def _refusal(self, waiting: Waiting, room: int) -> CreditError | None:
        """Return why there is no credit, if that is certain."""
        if self._refused is not None:
            refused, least = self._refused
            if not isinstance(refused, InsufficientCredit | KeyLimitReached):
                return _again(refused)
            if waiting.least >= least:
                available = (refused.figure("available") or 0) + max(room, 0)
                return _refusal_of(refused, wanted=waiting.least, available=available)
            return None
        lease, balance = self._lease, self._balance
        if lease is None or balance is None or not lease.final:
            return None
        figures = {"wanted": waiting.least, "available": max(room, 0), "resets_at": balance.resets_at}
        detail = f"the request may cost {waiting.least} nano-USD, and {max(room, 0)} are left"
        return InsufficientCredit(status=402, code="insufficient_credit", detail=detail, figures=figures)

    def _tell_all(self, error: CreditError) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            waiting.error = _again(error)
            waiting.tell()


def _refusal_of(refused: CreditRefused, *, wanted: int, available: int) -> CreditRefused:
    """Return a refusal of a lease as the one who waits should read it."""
    figures = {name: value for name, value in refused.figures.items() if name != "lease"}
    return type(refused)(
        status=refused.status,
        code=refused.code,
        detail=f"the request may cost {wanted} nano-USD, and {available} can be had",
        figures={**figures, "wanted": wanted, "available": available},
    )


def _again(error: CreditError) -> CreditError:
    """Return the same error as another object: each one who raises it writes its own trace into it."""
    match error:
        case CreditRefused():
            return type(error)(
                status=error.status, code=error.code, detail=error.detail, figures=error.figures
            )
        case CreditUnavailable():
            return CreditUnavailable(error.reason, retry_after=error.retry_after)
        case _:
            return CreditUnavailable(str(error))


def _is_verdict(answer: BatchAnswer) -> bool:
    """Tell whether the service decided; anything else may be asked again."""
    return isinstance(answer, CreditRefused) and not isinstance(answer, GatewayNotAuthenticated | RateLimited)


def _reason(error: CreditError) -> str:
    return error.code if isinstance(error, CreditRefused) else type(error).__name__
