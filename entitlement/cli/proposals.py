"""What may be proposed, in the words and units of people; docs/contracts.md has the table of powers.

What the contracts would refuse is refused by them, in a rehearsal before anything is sent: their limits are
not written down here once more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eth_utils.address import is_checksum_address

from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.powers import TIMELOCK_ROLES
from entitlement.chain.timelock.operation import Call
from entitlement.chain.timelock.proposal import Proposal
from entitlement.cli.amounts import usdc_units, wei
from entitlement.core.epochs import SECONDS_PER_EPOCH, SECONDS_PER_YEAR
from entitlement.core.errors import InvalidRequest

BOUNDS = ("lot", "hop", "window", "deviation", "floor")


@dataclass(frozen=True, slots=True)
class _Kind:
    usage: str
    build: Callable[[Contracts, Sequence[str]], tuple[str, str, tuple[object, ...]]]


def propose(contracts: Contracts, what: str, values: Sequence[str], reason: str) -> Proposal:
    """Return a proposal; raises `InvalidRequest` that says how it is written."""
    kind = KINDS.get(what)
    if kind is None:
        raise InvalidRequest(f"{what!r} is nothing to propose: {', '.join(KINDS)} are")
    if not reason.strip():
        raise InvalidRequest("a proposal has a reason: give --reason, which everybody may be told")
    try:
        contract, function, arguments = kind.build(contracts, values)
    except _WrongCountError:
        given = " ".join(values) or "nothing"
        raise InvalidRequest(f"{what} takes {kind.usage}, not {given}") from None
    data = bytes.fromhex(contracts.call_data(contract, function, *arguments)[2:])
    return Proposal(Call(contracts.address(contract), 0, data), reason.strip())


class _WrongCountError(Exception):
    """As many values as are not wanted."""


def _taken(values: Sequence[str], count: int) -> Sequence[str]:
    if len(values) != count:
        raise _WrongCountError
    return values


def _whole(given: str, what: str) -> int:
    if not given.isascii() or not given.isdecimal():
        raise InvalidRequest(f"{given[:40]!r} is not a whole number of {what}")
    return int(given)


def _address(given: str) -> str:
    if not is_checksum_address(given):
        raise InvalidRequest(f"{given[:60]!r} is not an address with its checksum: copy it whole")
    return given


def _emission(_: Contracts, values: Sequence[str]) -> tuple[str, str, tuple[object, ...]]:
    (per_year,) = _taken(values, 1)
    # Rounded down: less than was said is never more than was announced.
    rate = wei(per_year) // SECONDS_PER_YEAR
    return "StakedVVV", "lowerEmissionRate", (rate,)


def _target(_: Contracts, values: Sequence[str]) -> tuple[str, str, tuple[object, ...]]:
    diem, days = _taken(values, 2)
    seconds = _whole(days, "days") * SECONDS_PER_EPOCH
    return "DiemMint", "raiseTarget", (wei(diem), seconds)


def _bounds(contracts: Contracts, values: Sequence[str]) -> tuple[str, str, tuple[object, ...]]:
    bounds = dict(zip(BOUNDS, contracts.view("BuybackBurner", "bounds"), strict=True))
    if not values:
        raise _WrongCountError
    for each in values:
        name, sign, value = each.partition("=")
        if not sign or name not in bounds:
            raise _WrongCountError
        bounds[name] = usdc_units(value) if name == "lot" else _whole(value, name)
    return "BuybackBurner", "setBounds", (tuple(bounds.values()),)


def _price(_: Contracts, values: Sequence[str]) -> tuple[str, str, tuple[object, ...]]:
    tier, dollars = _taken(values, 2)
    return "CreditSales", "setPrice", (_whole(tier, "a tier"), usdc_units(dollars))


def _delay(_: Contracts, values: Sequence[str]) -> tuple[str, str, tuple[object, ...]]:
    (days,) = _taken(values, 1)
    return "Timelock", "updateDelay", (_whole(days, "days") * SECONDS_PER_EPOCH,)


def _names(contract: str, function: str) -> Callable[..., tuple[str, str, tuple[object, ...]]]:
    def build(_: Contracts, values: Sequence[str]) -> tuple[str, str, tuple[object, ...]]:
        (person,) = _taken(values, 1)
        return contract, function, (_address(person),)

    return build


def _role(function: str) -> Callable[..., tuple[str, str, tuple[object, ...]]]:
    def build(_: Contracts, values: Sequence[str]) -> tuple[str, str, tuple[object, ...]]:
        role, person = _taken(values, 2)
        if role not in TIMELOCK_ROLES:
            raise InvalidRequest(f"{role!r} is no role: {', '.join(TIMELOCK_ROLES)} are")
        return "Timelock", function, (TIMELOCK_ROLES[role], _address(person))

    return build


KINDS = {
    "emission": _Kind("VVV a year", _emission),
    "target": _Kind("DIEM, and the days of its ramp", _target),
    "bounds": _Kind(
        "some of lot=USDC hop=SECONDS window=SECONDS deviation=TICKS floor=TEN_THOUSANDTHS", _bounds
    ),
    "price": _Kind("a tier, and USDC a month", _price),
    "keeper": _Kind("an address", _names("BuybackBurner", "nameKeeper")),
    "publisher": _Kind("an address", _names("EpochRoots", "namePublisher")),
    "guardian": _Kind("an address", _names("Guardian", "nameGuardian")),
    "grant": _Kind("a role, and an address", _role("grantRole")),
    "revoke": _Kind("a role, and an address", _role("revokeRole")),
    "delay": _Kind("days", _delay),
}
"""What may be proposed."""
