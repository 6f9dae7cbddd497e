"""Who holds each power, what it has set, and what waits in the timelock: docs/contracts.md as it stands."""

from collections.abc import Mapping

from eth_utils.crypto import keccak
from hexbytes import HexBytes

from entitlement.api.public_figures import figure, logs_of, read_out
from entitlement.api.public_schemas import (
    ArgumentOut,
    CallOut,
    OperationOut,
    PowerOut,
    PowersOut,
    SettingOut,
)
from entitlement.chain.public.snapshot import Snapshot
from entitlement.chain.timelock.operation import Call
from entitlement.chain.timelock.proposal import is_reason_of
from entitlement.core.public_events import CallScheduled
from entitlement.core.public_history import Operation, holders, operations
from entitlement.flows.kept_answer import Held

ROLES = {
    "administrator": ("0x" + "0" * 64, "give and take all roles; the timelock itself alone, by an operation"),
    "proposer": ("0x" + keccak(text="PROPOSER_ROLE").hex(), "schedule operations"),
    "canceller": ("0x" + keccak(text="CANCELLER_ROLE").hex(), "cancel operations that wait"),
    "executor": ("0x" + keccak(text="EXECUTOR_ROLE").hex(), "execute operations whose delay has passed"),
}
"""Of the timelock: their hashes, and what they let do. The zero address as a holder stands for everybody."""

_NAMED = (
    ("Guardian", "guardian", "guardian", "pause entries for 7 days at most, never exits"),
    ("BuybackBurner", "keeper", "keeper", "execute the next buyback, within the bounds"),
    ("EpochRoots", "publisher", "publisher", "publish the root of the next closed day, once"),
    ("CreditSales", "revenue", "revenue", "receives what is paid for credit and memberships"),
)


NO_REASONS: Mapping[str, str] = {}


def powers_out(held: Held[Snapshot], reasons: Mapping[str, str] = NO_REASONS) -> PowersOut:
    """Return who may do what; `reasons` are those that were kept, by the operations' ids."""
    snapshot = held.value
    delay = snapshot.ask("Timelock", "getMinDelay")
    found = operations(snapshot.history.events, snapshot.block.timestamp)
    return PowersOut(
        read=read_out(held),
        powers=[*_roles(snapshot), *_named(snapshot)],
        settings=_settings(snapshot),
        delay=figure(snapshot, delay, "seconds", snapshot.cast("Timelock", "getMinDelay")),
        operations=[_operation(snapshot, each, reasons.get(each.id)) for each in reversed(found)],
    )


def _roles(snapshot: Snapshot) -> list[PowerOut]:
    held = holders(snapshot.history.events)
    names = {role: (name, may) for name, (role, may) in ROLES.items()}
    event = "(bytes32 indexed,address indexed,address indexed)"
    return [
        PowerOut(
            contract="Timelock",
            power=names.get(role, (f"role {role}", "what the role's administrator made it for"))[0],
            holders=held.get(role, []),
            may=names.get(role, ("", "nothing that the contracts here ask for"))[1],
            block=snapshot.block.number,
            recompute=f"{logs_of(snapshot, 'Timelock', f'RoleGranted{event}')} {role} ; less RoleRevoked",
        )
        for role in dict.fromkeys([*names, *held])
    ]


def _named(snapshot: Snapshot) -> list[PowerOut]:
    network, parameters = snapshot.deployment.network, snapshot.deployment.parameters
    named = [
        PowerOut(
            contract=contract,
            power=power,
            holders=[snapshot.ask(contract, view)],
            may=may,
            block=snapshot.block.number,
            recompute=snapshot.cast(contract, view),
        )
        for contract, view, power, may in _NAMED
    ]
    treasury = PowerOut(
        contract="StakedVVV",
        power="treasury",
        holders=[parameters.treasury],
        may="receives a fifth of what locked stake earns, for ever",
        block=snapshot.block.number,
        recompute=f"entitlement check --network {network}: it is an immutable of the code",
    )
    return [*named, treasury]


def _settings(snapshot: Snapshot) -> list[SettingOut]:
    lot, hop, window, deviation, floor = snapshot.ask("BuybackBurner", "bounds")
    _, target, _, _ = snapshot.ask("DiemMint", "ramp")
    prices = [
        (f"price of membership tier {tier}", "USDC units a month", "CreditSales", "priceOf", (tier,))
        for tier, _ in enumerate(snapshot.deployment.parameters.monthly_prices, start=1)
    ]
    asked = [
        ("emission", "VVV wei a second", "StakedVVV", "emissionRatePerSecond", ()),
        *prices,
        ("entries are paused until", "Unix seconds", "Guardian", "pausedUntil", ()),
    ]
    told = [
        (name, unit, snapshot.ask(contract, view, *arguments), snapshot.cast(contract, view, *arguments))
        for name, unit, contract, view, arguments in asked
    ]
    bounds, ramp = snapshot.cast("BuybackBurner", "bounds"), snapshot.cast("DiemMint", "ramp")
    told += [
        ("target at the end of its ramp", "DIEM wei", target, ramp),
        ("most that one buyback spends", "USDC units", lot, bounds),
        ("time from one buyback to the next", "seconds", hop, bounds),
        ("time over which the mean price is taken", "seconds", window, bounds),
        ("distance of the price from the mean", "ticks of 0.01 %", deviation, bounds),
        ("least that a buyback buys", "ten-thousandths of the mean", floor, bounds),
    ]
    block = snapshot.block.number
    return [
        SettingOut(name=name, value=str(value), unit=unit, block=block, recompute=recompute)
        for name, unit, value, recompute in told
    ]


def _operation(snapshot: Snapshot, operation: Operation, reason: str | None) -> OperationOut:
    first, ended = operation.calls[0].at, operation.ended_by
    timelock = snapshot.deployment.addresses["Timelock"]
    calls = [Call(each.target, each.value, HexBytes(each.data)) for each in operation.calls]
    if reason is not None and not is_reason_of(HexBytes(operation.id), calls, reason):
        reason = None  # whoever wrote it down, the chain has another one
    return OperationOut(
        id=operation.id,
        state=operation.state.value,
        scheduled_at=first.time,
        ready_at=operation.ready_at,
        reason=reason,
        calls=[_call(snapshot, each) for each in operation.calls],
        transaction=first.transaction,
        block=first.block,
        ended_at=None if ended is None else ended.at.time,
        ended_by=None if ended is None else ended.at.transaction,
        recompute=f"cast call {timelock} 'getOperationState(bytes32)(uint8)' {operation.id} "
        f"--block {snapshot.block.number}",
    )


def _call(snapshot: Snapshot, call: CallScheduled) -> CallOut:
    described = snapshot.calls.describe(call.target, call.data)
    return CallOut(
        target=call.target,
        contract=described.contract,
        function=described.function,
        arguments=[ArgumentOut(name=name, value=value) for name, value in described.arguments],
        value=str(call.value),
        data=call.data,
    )
