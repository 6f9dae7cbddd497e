"""The plan of a buyback: what is owed becomes lots that the contract, the pool and the policy all allow.

    owed ── at most what the burner holds ──> amount ──> lots of at most  bounds.lot
                                                                          what moves it by policy.impact
    lot ──> the least it must bring:  the larger of the contract's floor and its quote less policy.slippage
    lot ──> its time:                 at least a hop and the policy's spacing after the last, and chance

Nothing here asks anybody or sends anything: the same facts always give the same plan.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from entitlement.core.blocks import Header
from entitlement.core.buyback_policy import TEN_THOUSAND, Owed, Policy
from entitlement.core.pool_depth import ENOUGH, Depth, Fill, further_limit
from entitlement.core.pool_price import sqrt_price_at
from entitlement.core.units import USDC_PER_DOLLAR, Usdc, Wallet, Wei, mul_div_up

LOTS_MAX = 100
"""In one plan; what is owed beyond them waits for the next."""
DEADLINE_SECONDS = 1_200
"""Within which a lot is mined or never will be."""
SMALLEST_LOT = Usdc(1 * USDC_PER_DOLLAR)
"""A pool that takes less than this within the allowed impact is empty, whatever is in it."""
QUOTE_TOLERANCE = 10
"""Ten-thousandths that a node's trial of a lot may be away from the arithmetic: others trade too."""


class Verdict(StrEnum):
    """What is to be done, as exit codes say it too."""

    ACT = "act"
    NOTHING = "nothing to do"
    REFUSED = "refused"
    PERSON = "needs a person"


@dataclass(frozen=True, slots=True)
class Bounds:
    """As IBuybackBurner.Bounds."""

    lot: Usdc
    hop: int
    window: int
    deviation: int
    floor: int


@dataclass(frozen=True)
class Market:
    """Everything about the burner and its pool, at one block."""

    at: Header
    bounds: Bounds
    keeper: Wallet
    next_run: int
    next_run_at: int
    """Unix time."""
    paused_until: int
    """Unix time until which the guardian lets no run begin."""
    held: Usdc
    """What the burner has."""
    reference_price: Wei
    """The mean of the window: VVV wei for one whole USDC, rounded up."""
    mean_tick: int
    spot_tick: int
    depth: Depth

    @property
    def bound(self) -> int:
        """The price at which the contract ends a run."""
        away = self.bounds.deviation
        return sqrt_price_at(self.mean_tick + (-away if self.depth.is_usdc_token0 else away))

    @property
    def is_near(self) -> bool:
        """Whether the price is where the contract lets a run begin."""
        away = self.bounds.deviation
        low, high = sqrt_price_at(self.mean_tick - away), sqrt_price_at(self.mean_tick + away)
        return low < self.depth.sqrt_price < high

    def floor_of(self, spent: Usdc) -> Wei:
        """Return the least that the contract takes for `spent`; rounded up, as there."""
        price = self.reference_price
        return Wei(mul_div_up(spent * self.bounds.floor, price, USDC_PER_DOLLAR * TEN_THOUSAND))


@dataclass(frozen=True, slots=True)
class Lot:
    """One run, as it is meant."""

    usdc: Usdc
    quote: Wei
    """What the pool's state says it brings."""
    floor: Wei
    """What the contract asks for at least."""
    minimum: Wei
    """What the keeper asks for at least."""
    at: int
    """Unix time, not before."""


@dataclass(frozen=True)
class Plan:
    """What to do, and the facts that say so."""

    verdict: Verdict
    reason: str
    owed: Owed
    market: Market
    policy: Policy
    lots: tuple[Lot, ...] = ()

    @property
    def amount(self) -> Usdc:
        """What all lots spend together."""
        return Usdc(sum(lot.usdc for lot in self.lots))


def plan_buyback(
    owed: Owed, policy: Policy, market: Market, *, now: int, seed: str, most: Usdc | None = None
) -> Plan:
    """Return what to do at a Unix time; `most` is what a plan that was announced may still spend.

    The seed decides the chance in the lots' times, and nothing else.
    """
    limit = further_limit(market.depth, impact=policy.impact, bound=market.bound)
    takes = market.depth.fill(ENOUGH, limit).spent
    stopped = _stopped(owed, policy, market, takes, now=now, most=most)
    if stopped is not None:
        return Plan(*stopped, owed, market, policy)
    amount = Usdc(min(owed.wanted, market.held, owed.wanted if most is None else most))
    sizes = lot_sizes(amount, Usdc(min(market.bounds.lot, takes)))
    times = lot_times(len(sizes), policy, market, now=now, seed=seed)
    lots = tuple(
        _lot(market, size, market.depth.fill(size, limit), at, policy)
        for size, at in zip(sizes, times, strict=True)
    )
    short = next((lot for lot in lots if lot.quote < lot.floor), None)
    if short is not None:
        told = (
            f"the pool gives {short.quote} wei of VVV for {short.usdc} units of USDC, "
            f"the contract asks for {short.floor}"
        )
        return Plan(Verdict.REFUSED, told, owed, market, policy)
    told = f"{sum(sizes)} units of USDC in {len(lots)} {'lot' if len(lots) == 1 else 'lots'}"
    return Plan(Verdict.ACT, told, owed, market, policy, lots)


def _stopped(
    owed: Owed, policy: Policy, market: Market, takes: Usdc, *, now: int, most: Usdc | None
) -> tuple[Verdict, str] | None:
    """Return why nothing is bought now, or None; `takes` is what the pool takes of a lot."""
    wanted = owed.wanted if most is None else min(owed.wanted, most)
    least = policy.minimum if most is None else SMALLEST_LOT
    if wanted < least:
        return Verdict.NOTHING, f"{wanted} units of USDC are owed, fewer than {least}"
    if market.held < SMALLEST_LOT:
        return Verdict.PERSON, f"the burner holds {market.held} units of USDC: send it what is owed"
    if now < market.paused_until:
        return Verdict.REFUSED, f"the guardian has paused buybacks until {market.paused_until}"
    if not market.is_near:
        away = f"tick {market.spot_tick}, more than {market.bounds.deviation} away from {market.mean_tick}"
        return Verdict.REFUSED, f"the price is at {away}, its mean"
    if takes < SMALLEST_LOT:
        return Verdict.REFUSED, f"the pool takes {takes} units of USDC until the price has gone too far"
    return None


def lot_sizes(amount: Usdc, most: Usdc) -> list[Usdc]:
    """Split into as few lots of at most `most` as there can be, all alike; LOTS_MAX of them at most."""
    assert most > 0
    amount = Usdc(min(amount, most * LOTS_MAX))
    count = mul_div_up(amount, 1, most)
    size, larger = divmod(amount, count)
    return [Usdc(size + (number < larger)) for number in range(count)]


def lot_times(count: int, policy: Policy, market: Market, *, now: int, seed: str) -> list[int]:
    """Return when each lot may go, in order: Unix times."""
    first = max(now, market.next_run_at)
    between = max(policy.spacing, market.bounds.hop)
    found: list[int] = []
    for number in range(count):
        chance = _chance(f"{seed}:{number}", policy.jitter)
        found.append((found[-1] + between if found else first) + chance)
    return found


def differs(lot: Lot, tried: Fill) -> str | None:
    """Return in which way a node's trial of a lot is not what the pool's state says, or None."""
    away = abs(lot.quote - tried.bought)
    if tried.spent != lot.usdc or away * TEN_THOUSAND > lot.quote * QUOTE_TOLERANCE:
        return (
            f"the node says that {lot.usdc} units of USDC bring {tried.bought} wei of VVV for {tried.spent}, "
            f"by the pool's state it is {lot.quote}"
        )
    return None


def disagreement(one: Market, other: Market) -> str | None:
    """Return in what two nodes differ about the same block, or None."""
    for name in ("at", "bounds", "keeper", "next_run", "next_run_at", "paused_until", "held"):
        if getattr(one, name) != getattr(other, name):
            return f"two nodes differ about {name} at block {one.at.number}"
    prices = ("reference_price", "mean_tick", "spot_tick", "depth")
    wrong = next((name for name in prices if getattr(one, name) != getattr(other, name)), None)
    return wrong and f"two nodes differ about the pool's {wrong} at block {one.at.number}"


def worst_loss(bounds: Bounds, runs: int) -> Usdc:
    """Return what a stolen keeper's key can cost in so many runs: all that the floor leaves open."""
    return Usdc(runs * mul_div_up(bounds.lot, TEN_THOUSAND - bounds.floor, TEN_THOUSAND))


def runs_within(seconds: int, bounds: Bounds) -> int:
    """Return how many runs fit into a time, the first at its beginning."""
    return seconds // bounds.hop + 1


def _lot(market: Market, size: Usdc, fill: Fill, at: int, policy: Policy) -> Lot:
    floor = market.floor_of(fill.spent)
    asked = mul_div_up(fill.bought, TEN_THOUSAND - policy.slippage, TEN_THOUSAND)
    return Lot(size, fill.bought, floor, Wei(max(floor, asked)), at)


def _chance(seed: str, most: int) -> int:
    """Return 0 to `most`, by the seed alone."""
    return int.from_bytes(sha256(seed.encode()).digest()[:8]) % (most + 1)
