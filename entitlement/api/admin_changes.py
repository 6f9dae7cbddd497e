"""What the operations of the timelock would change: each setting as it is now, and as it would be.

Read off the public answer alone, so that the operator sees what everybody sees. A call that is not in the
table below is told by its function and arguments, and with no change.
"""

from collections.abc import Callable, Mapping, Sequence

from entitlement.api.admin_schemas import ChangeOut, PendingOut, TimelockOut
from entitlement.api.public_powers import ROLES
from entitlement.api.public_schemas import CallOut, OperationOut, PowersOut
from entitlement.core.acts import Because

HELD, NOT_HELD = "held", "not held"
_ENDED = ("executed", "cancelled")
_BOUNDS = (
    "most that one buyback spends",
    "time from one buyback to the next",
    "time over which the mean price is taken",
    "distance of the price from the mean",
    "least that a buyback buys",
)
"""In the order of IBuybackBurner.Bounds."""

Change = Callable[[PowersOut, Sequence[str]], list[ChangeOut]]


def timelock_out(found: PowersOut, kept: Mapping[str, Because]) -> TimelockOut:
    """Return the queue, with what each operation that has not ended would change, and who proposed it."""
    return TimelockOut(
        read=found.read,
        delay=found.delay,
        operations=[_pending(found, each, kept.get(each.id)) for each in found.operations],
    )


def _pending(found: PowersOut, operation: OperationOut, because: Because | None) -> PendingOut:
    is_ended = operation.state in _ENDED
    calls = [] if is_ended else operation.calls
    return PendingOut(
        operation=operation,
        # With a reason that is not this operation's nobody can be said to have proposed it.
        made_by=None if because is None or operation.reason is None else because.made_by,
        changes=[each for call in calls for each in _changes(found, call)],
    )


def _changes(found: PowersOut, call: CallOut) -> list[ChangeOut]:
    function = (call.function or "").partition("(")[0]
    change = _CHANGES.get((call.contract or "", function))
    # A call whose arguments do not decode has a function and no values.
    return (
        [] if change is None or not call.arguments else change(found, [each.value for each in call.arguments])
    )


def _setting(name: str, found: PowersOut, then: str) -> list[ChangeOut]:
    return [
        ChangeOut(setting=each.name, unit=each.unit, now=each.value, then=then)
        for each in found.settings
        if each.name == name
    ]


def _emission(found: PowersOut, values: Sequence[str]) -> list[ChangeOut]:
    return _setting("emission", found, values[0])


def _target(found: PowersOut, values: Sequence[str]) -> list[ChangeOut]:
    return _setting("target at the end of its ramp", found, values[0])


def _price(found: PowersOut, values: Sequence[str]) -> list[ChangeOut]:
    tier, price = values
    return _setting(f"price of membership tier {tier}", found, price)


def _bounds(found: PowersOut, values: Sequence[str]) -> list[ChangeOut]:
    # A struct is written as its parts: `(10000000000, 14400, 1800, 150, 9800)`.
    parts = values[0].strip("()").split(", ")
    told = [_setting(name, found, then) for name, then in zip(_BOUNDS, parts, strict=True)]
    return [each for lines in told for each in lines if each.now != each.then]


def _delay(found: PowersOut, values: Sequence[str]) -> list[ChangeOut]:
    delay = found.delay
    return [ChangeOut(setting="delay of the timelock", unit=delay.unit, now=delay.amount, then=values[0])]


def _holder(power: str) -> Change:
    def named(found: PowersOut, values: Sequence[str]) -> list[ChangeOut]:
        return [
            ChangeOut(setting=each.power, unit="address", now=", ".join(each.holders), then=values[0])
            for each in found.powers
            if each.power == power
        ]

    return named


def _role(then: str) -> Change:
    def given(found: PowersOut, values: Sequence[str]) -> list[ChangeOut]:
        role, account = values[:2]
        name = {known: name for name, (known, _) in ROLES.items()}.get(role, f"role {role}")
        held = [one for each in found.powers if each.power == name for one in each.holders]
        now = HELD if account in held else NOT_HELD
        return [ChangeOut(setting=f"{name} of the timelock: {account}", unit="role", now=now, then=then)]

    return given


_CHANGES: dict[tuple[str, str], Change] = {
    ("StakedVVV", "lowerEmissionRate"): _emission,
    ("DiemMint", "raiseTarget"): _target,
    ("CreditSales", "setPrice"): _price,
    ("BuybackBurner", "setBounds"): _bounds,
    ("BuybackBurner", "nameKeeper"): _holder("keeper"),
    ("EpochRoots", "namePublisher"): _holder("publisher"),
    ("Guardian", "nameGuardian"): _holder("guardian"),
    ("Timelock", "grantRole"): _role(HELD),
    ("Timelock", "revokeRole"): _role(NOT_HELD),
    ("Timelock", "updateDelay"): _delay,
}
"""All that may be proposed: docs/contracts.md has the table of powers."""
