"""Rates by network address: how often it may ask without a credential, or show one that is not known.

    no credential                     counted as anonymous, before anything is asked
    a credential that was good here   neither counted nor held up, whatever else comes from its address
    any other credential              counted as a guess, before anything is asked; given back if it is good

Kept in memory, and bounded: of more addresses than are kept, those that asked longest ago are forgotten.
"""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Network, ip_address

from entitlement.core.errors import RateLimited
from entitlement.core.rates import Rate, count_request

ADDRESSES_MAX = 65_536
"""Of each rate; some ten megabytes when all of them are taken."""
CREDENTIALS_MAX = 65_536
FORGOTTEN_AT_ONCE = 2
"""More than the one that came, so that what has passed goes by and by; bounded, so that nobody waits."""
PREFIX_IPV6 = 64
"""Bits. Whoever has one address of IPv6 has as many as he likes within these."""
UNNAMED = "unnamed"
"""What everybody is counted as together who has no address, such as at a socket of this machine."""
OF = "address"
MINUTE = 60
ANONYMOUS_REQUESTS, GUESSES = 300, 60
"""A minute. The dashboard asks six times without a credential when it is opened, then 25 times a minute."""


@dataclass(frozen=True, slots=True)
class AddressRates:
    """How fast an address may ask; None where nothing is counted."""

    anonymous: Rate | None
    guesses: Rate | None


def address_rates(anonymous: int, guesses: int) -> AddressRates:
    """Return the rates from requests a minute; 0 for no limit."""
    return AddressRates(*(Rate(requests, MINUTE) if requests else None for requests in (anonymous, guesses)))


def counted_as(host: str | None) -> str:
    """Return what an address is counted as: IPv4 by itself, IPv6 by its /64."""
    try:
        address = ip_address(host or "")
    except ValueError:
        # Of a proxy that is trusted, and still any text: it must not become an entry of its own.
        return UNNAMED
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), PREFIX_IPV6), strict=False))


class AddressRate:
    """How much of a rate each address has used; only what is not over is kept. For one thread."""

    def __init__(self, rate: Rate, what: str, addresses_max: int = ADDRESSES_MAX) -> None:
        """Take the rate, `what` is counted in the words of a refusal, and how many addresses are kept."""
        self._rate, self._what, self._addresses_max = rate, what, addresses_max
        self._until: OrderedDict[str, int] = OrderedDict()
        """By address, the one that asked longest ago first."""

    def __len__(self) -> int:
        """Return how many addresses are kept."""
        return len(self._until)

    def count(self, address: str, now: int) -> None:
        """Count a request at `now`, microseconds of a clock that goes on. Raises RateLimited."""
        until = self._until.setdefault(address, now)
        # Also if it is refused: who goes on and on must not be the one that is forgotten.
        self._until.move_to_end(address)
        self._until[address] = count_request(self._rate, until, now, of=OF, what=self._what)
        self._forget(now)

    def give_back(self, address: str, at: int, now: int) -> None:
        """Take back at `now` a request that was counted at `at`, as far as it has not come back by itself.

        Never more than that: an address that was idle in between would have had it back in any case.
        """
        until, left = self._until.get(address), self._rate.micros_each - (now - at)
        if until is not None and left > 0:
            self._until[address] = until - left

    def _forget(self, now: int) -> None:
        for _ in range(FORGOTTEN_AT_ONCE):
            address, until = next(iter(self._until.items()))
            if until > now and len(self._until) <= self._addresses_max:
                return
            del self._until[address]
            if not self._until:
                return


class Verdict(Enum):
    """What came of a credential."""

    GOOD = auto()
    REFUSED = auto()
    OPEN = auto()
    """Nobody has vouched for it: the request was about something else, or no answer came."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A request that shows a credential."""

    address: str
    credential: bytes
    """Its hash."""
    at: int
    is_counted: bool


class Guesses:
    """Remembers which credentials were good, and counts by address those that were not. For one thread."""

    def __init__(
        self, rate: Rate, *, addresses_max: int = ADDRESSES_MAX, credentials_max: int = CREDENTIALS_MAX
    ) -> None:
        self._rate = AddressRate(rate, "requests with a credential that is not known here", addresses_max)
        self._credentials_max = credentials_max
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        """Return how many addresses and credentials are kept."""
        return len(self._rate) + len(self._good)

    def begin(self, address: str, credential: bytes, now: int) -> Guess:
        """Let a credential be looked at, by its hash. Raises RateLimited.

        It is counted now and not when it is refused: of many that come at once none gets by.
        """
        is_counted = credential not in self._good
        if is_counted:
            self._rate.count(address, now)
        return Guess(address, credential, now, is_counted)

    def end(self, guess: Guess, verdict: Verdict, now: int) -> None:
        """Take note of what came of it."""
        if verdict is Verdict.GOOD:
            if guess.is_counted:
                self._rate.give_back(guess.address, guess.at, now)
            self._remember(guess.credential)
        elif verdict is Verdict.REFUSED:
            self.forget(guess.credential)
            if not guess.is_counted:
                with suppress(RateLimited):
                    self._rate.count(guess.address, now)

    def forget(self, credential: bytes) -> None:
        """Count a credential again, when it is shown: it is no longer good."""
        self._good.pop(credential, None)

    def _remember(self, credential: bytes) -> None:
        self._good[credential] = None
        self._good.move_to_end(credential)
        if len(self._good) > self._credentials_max:
            self._good.popitem(last=False)
