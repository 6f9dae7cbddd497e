"""Public figures out of a snapshot: each with its block, and the line by which anybody finds it again."""

from collections.abc import Iterable
from datetime import UTC, datetime

from entitlement.api.public_schemas import (
    BoundsOut,
    BuybacksOut,
    CheckOut,
    ContractOut,
    CurvePointOut,
    DeploymentOut,
    DiemOut,
    EmissionOut,
    FigureOut,
    MonthOut,
    RampOut,
    RateOut,
    ReadOut,
    RunOut,
    SupplyOut,
    Unit,
)
from entitlement.chain.public.snapshot import DEAD_ADDRESS, ZERO_ADDRESS, Snapshot
from entitlement.core import curve
from entitlement.core.buyback_lines import BuybackLine, buyback_lines
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, starts_at
from entitlement.core.units import Wei
from entitlement.flows.kept_answer import Held

CURVE_POINTS = 60
SECONDS_PER_YEAR = 365 * SECONDS_PER_EPOCH

_CIRCULATING = "effective - staked_unlocked - locked_for_diem - cooling - unclaimed_rewards - in_contracts"
DEFINITION = [
    "genesis + emitted = minted_ever",
    "minted_ever - burned = total_supply (totalSupply(): a burn lowers it)",
    "total_supply - zero_address - dead_address = effective",
    f"{_CIRCULATING} = circulating",
    "circulating = in_pool + treasury + wallets",
]


def read_out(held: Held[Snapshot]) -> ReadOut:
    """Return when a snapshot was read, and from where."""
    snapshot = held.value
    return ReadOut(
        chain_id=snapshot.deployment.chain_id,
        block=snapshot.block.number,
        block_hash=snapshot.block.hash,
        block_time=snapshot.block.timestamp,
        final_block=snapshot.final_number,
        age_seconds=int(held.age),
        is_stale=held.is_stale,
        problem=held.problem,
    )


def figure(snapshot: Snapshot, amount: int, unit: Unit, recompute: str) -> FigureOut:
    """Return one amount of a snapshot."""
    block = snapshot.block
    return FigureOut(
        amount=str(amount),
        unit=unit,
        block=block.number,
        block_hash=block.hash,
        block_time=block.timestamp,
        recompute=recompute,
    )


def logs_of(snapshot: Snapshot, contract: str, event: str) -> str:
    """Return the line that asks any node for all logs of an event."""
    address = snapshot.deployment.addresses[contract]
    blocks = f"--from-block {snapshot.deployment.start_block} --to-block {snapshot.block.number}"
    return f"cast logs {blocks} --address {address} '{event}'"


def due_not_minted(snapshot: Snapshot) -> FigureOut:
    """Return the emission of the time since the last accrual."""
    rate, since = (
        snapshot.ask("StakedVVV", "emissionRatePerSecond"),
        snapshot.ask("StakedVVV", "lastRewardTimestamp"),
    )
    is_earned = snapshot.ask("StakedVVV", "totalStaked") > 0
    seconds = max(0, snapshot.block.timestamp - since) if is_earned else 0
    last = snapshot.cast("StakedVVV", "lastRewardTimestamp")
    recompute = f"emission rate x (block_time - lastRewardTimestamp): {last}"
    return figure(snapshot, rate * seconds, "VVV wei", recompute)


def supply_out(held: Held[Snapshot]) -> SupplyOut:
    """Return the supply of VVV and its parts."""
    snapshot = held.value
    found, deployment = snapshot.supply, snapshot.deployment

    def vvv(amount: int, recompute: str) -> FigureOut:
        return figure(snapshot, amount, "VVV wei", recompute)

    def of(address: str) -> str:
        return snapshot.cast("VVV", "balanceOf", address)

    staked, locked = snapshot.cast("StakedVVV", "totalStaked"), snapshot.cast("StakedVVV", "totalLocked")
    burns = logs_of(snapshot, "VVV", "Transfer(address indexed,address indexed,uint256)")
    return SupplyOut(
        read=read_out(held),
        definition=DEFINITION,
        genesis=vvv(
            found.genesis,
            f"cast receipt {deployment.transactions['VVV']}: its Transfer from the zero address",
        ),
        emitted=vvv(
            found.emitted,
            f"sum of emission: {logs_of(snapshot, 'StakedVVV', 'Accrued(uint256,uint256,uint256)')}",
        ),
        minted_ever=vvv(found.minted_ever, "genesis + emitted"),
        burned=vvv(
            found.burned,
            f"sum of value: {burns} '' {ZERO_ADDRESS}",
        ),
        total_supply=vvv(found.total, snapshot.cast("VVV", "totalSupply")),
        zero_address=vvv(found.zero_address, of(ZERO_ADDRESS)),
        dead_address=vvv(found.dead_address, of(DEAD_ADDRESS)),
        effective=vvv(found.effective, "total_supply - zero_address - dead_address"),
        staked_unlocked=vvv(found.unlocked, f"totalStaked - totalLocked: {staked} ; {locked}"),
        locked_for_diem=vvv(found.locked, locked),
        cooling=vvv(found.cooling, snapshot.cast("StakedVVV", "totalCooling")),
        unclaimed_rewards=vvv(
            found.rewards,
            f"balance of StakedVVV - totalStaked - totalCooling: {of(deployment.addresses['StakedVVV'])}",
        ),
        in_contracts=vvv(
            found.in_contracts,
            "sum of VVV.balanceOf over the contracts of /v1/public/deployment but StakedVVV",
        ),
        circulating=vvv(
            found.circulating,
            _CIRCULATING,
        ),
        in_pool=vvv(found.pool, of(deployment.market.pool)),
        treasury=vvv(found.treasury, of(deployment.parameters.treasury)),
        wallets=vvv(found.wallets, "circulating - in_pool - treasury"),
        due_not_minted=due_not_minted(snapshot),
        checks=[
            CheckOut(name=each.name, one=str(each.one), other=str(each.other)) for each in snapshot.checks
        ],
    )


def curve_points(target: Wei) -> list[tuple[Wei, Wei]]:
    """Return supplies from nothing to the cap, and what a whole DIEM locks there. Wei."""
    cap = curve.cap(target)
    supplies = [Wei(cap * step // CURVE_POINTS) for step in range(CURVE_POINTS + 1)]
    return [(supply, curve.rate(supply, target)) for supply in supplies]


def diem_out(held: Held[Snapshot]) -> DiemOut:
    """Return what there is to know of DIEM."""
    snapshot = held.value
    supply, staked = snapshot.ask("DIEM", "totalSupply"), snapshot.ask("InferenceStake", "totalStaked")
    cooling, target = snapshot.ask("InferenceStake", "totalCooling"), snapshot.ask("DiemMint", "target")
    asked = snapshot.cast
    return DiemOut(
        read=read_out(held),
        supply=figure(snapshot, supply, "DIEM wei", asked("DIEM", "totalSupply")),
        staked=figure(snapshot, staked, "DIEM wei", asked("InferenceStake", "totalStaked")),
        cooling=figure(snapshot, cooling, "DIEM wei", asked("InferenceStake", "totalCooling")),
        in_wallets=figure(snapshot, supply - staked - cooling, "DIEM wei", "supply - staked - cooling"),
        mint_rate=figure(
            snapshot, snapshot.ask("DiemMint", "rate"), "VVV wei for one DIEM", asked("DiemMint", "rate")
        ),
        target=figure(snapshot, target, "DIEM wei", asked("DiemMint", "target")),
        cap=figure(snapshot, curve.cap(target), "DIEM wei", "target + target / 2"),
        opens_at=snapshot.ask("DiemMint", "opensAt"),
        ramps=[
            RampOut(
                from_target=str(each.from_target),
                to_target=str(each.to_target),
                starts_at=each.starts_at,
                ends_at=each.ends_at,
                transaction=each.at.transaction,
                block=each.at.block,
            )
            for each in snapshot.history.ramps
        ],
        curve=[CurvePointOut(supply=str(at), rate=str(rate)) for at, rate in curve_points(target)],
        curve_recompute="rate = 90 * exp(2 * (supply / target)^3) VVV for one DIEM, as core/curve.py and "
        f"MintCurve.sol have it; at the present supply: {asked('DiemMint', 'rate')}",
    )


def rates(snapshot: Snapshot) -> list[RateOut]:
    """Return the emission's rates, oldest first."""
    deployment = snapshot.deployment
    first = RateOut(
        since=deployment.parameters.emission_start,
        rate_per_second=str(deployment.parameters.emission_per_second),
        transaction=deployment.transactions["StakedVVV"],
        block=deployment.start_block,
    )
    return [
        first,
        *(
            RateOut(
                since=each.at.time,
                rate_per_second=str(each.rate),
                transaction=each.at.transaction,
                block=each.at.block,
            )
            for each in snapshot.history.rates
        ),
    ]


def emission_out(held: Held[Snapshot]) -> EmissionOut:
    """Return how much VVV is made."""
    snapshot = held.value
    rate = snapshot.ask("StakedVVV", "emissionRatePerSecond")
    logs = logs_of(snapshot, "StakedVVV", "EmissionRateLowered(uint256,uint256)")
    accrued = logs_of(snapshot, "StakedVVV", "Accrued(uint256,uint256,uint256)")
    return EmissionOut(
        read=read_out(held),
        rate=figure(snapshot, rate, "VVV wei a second", snapshot.cast("StakedVVV", "emissionRatePerSecond")),
        a_year=figure(snapshot, rate * SECONDS_PER_YEAR, "VVV wei", "rate x 31,536,000 seconds"),
        emitted=figure(snapshot, snapshot.history.emitted, "VVV wei", f"sum of emission: {accrued}"),
        due_not_minted=due_not_minted(snapshot),
        history=rates(snapshot),
        history_recompute=f"the constructor's rate, then: {logs}",
    )


def run_out(line: BuybackLine) -> RunOut:
    """Return one buyback."""
    return RunOut(
        run=line.run,
        usdc=str(line.usdc),
        bought=str(line.bought),
        donated=str(line.donated),
        burned=str(line.burned),
        price_paid=str(line.price_paid),
        price_mean=str(line.price_mean),
        over_mean_millionths=line.over_mean,
        keeper=line.keeper,
        transaction=line.at.transaction,
        block=line.at.block,
        block_hash=line.at.block_hash,
        block_time=line.at.time,
    )


def months_of(days: Iterable[tuple[Epoch, Wei]]) -> dict[str, Wei]:
    """Return the sums of calendar months (UTC) with something in them, oldest first, as `2026-01`."""
    found: dict[str, Wei] = {}
    for day, amount in sorted(days):
        month = f"{datetime.fromtimestamp(starts_at(day), UTC):%Y-%m}"
        found[month] = Wei(found.get(month, 0) + amount)
    return found


def buybacks_out(held: Held[Snapshot]) -> BuybacksOut:
    """Return every buyback that there was."""
    snapshot = held.value
    lines = buyback_lines(snapshot.history.events)
    logs = logs_of(
        snapshot, "BuybackBurner", "BuybackExecuted(uint256 indexed,address indexed,uint256,uint256,uint256)"
    )
    lot, hop, window, deviation, floor = snapshot.ask("BuybackBurner", "bounds")
    burner = snapshot.deployment.addresses["BuybackBurner"]
    months = months_of(snapshot.history.burned_by_day)
    return BuybacksOut(
        read=read_out(held),
        runs=[run_out(line) for line in lines],
        runs_recompute=f"{logs} ; entitlement buyback report",
        usdc_spent=figure(snapshot, sum(each.usdc for each in lines), "USDC units", "sum of usdc over runs"),
        bought=figure(snapshot, sum(each.bought for each in lines), "VVV wei", "sum of bought over runs"),
        burned_by_runs=figure(
            snapshot, sum(each.burned for each in lines), "VVV wei", "sum of burned over runs"
        ),
        burned_by_all=figure(
            snapshot, snapshot.history.burned, "VVV wei", "burned of /v1/public/supply: by anybody"
        ),
        burned_by_month=[MonthOut(month=month, burned=str(amount)) for month, amount in months.items()],
        set_aside=figure(
            snapshot,
            snapshot.usdc_set_aside,
            "USDC units",
            f"cast call {snapshot.deployment.market.usdc} 'balanceOf(address)(uint256)' {burner} "
            f"--block {snapshot.block.number}",
        ),
        next_run=snapshot.ask("BuybackBurner", "nextRun"),
        next_run_at=snapshot.ask("BuybackBurner", "nextRunAt"),
        bounds=BoundsOut(lot=str(lot), hop=hop, window=window, deviation=deviation, floor=floor),
    )


def deployment_out(snapshot: Snapshot) -> DeploymentOut:
    """Return what was deployed, and where."""
    deployment = snapshot.deployment
    return DeploymentOut(
        network=deployment.network,
        chain_id=deployment.chain_id,
        start_block=deployment.start_block,
        start_block_hash=deployment.start_block_hash,
        contracts=[
            ContractOut(name=name, address=address, transaction=deployment.transactions[name])
            for name, address in deployment.addresses.items()
        ],
        usdc=deployment.market.usdc,
        pool=deployment.market.pool,
        compiler=deployment.compiler,
        recompute=f"entitlement check --network {deployment.network}: compares every byte with the sources",
    )
