"""BuybackBurner: one run at a time, in order, of at most a lot, no sooner than a hop after the last.

reference price = that of the mean tick of the window
the pool's price must lie between those of mean - deviation and mean + deviation, and the run ends there
burned >= spent * reference price * floor, rounded up, and >= what the keeper asked for
"""

from dataclasses import dataclass

from tests.machine.model.brake import Brake
from tests.machine.names import NOBODY, ORIGIN, Clock, Facts, Question, Refusal, demand, unless
from tests.machine_market.model.money import Coin
from tests.machine_market.model.pool import Pool, Swap
from tests.machine_market.model.prices import ceil_div, sqrt_price_at
from tests.machine_market.names import DOLLAR, POOL

BURNER = "BuybackBurner"
LIMITS = {
    "lot": (DOLLAR, 25_000 * DOLLAR),
    "hop": (3_600, 30 * 86_400),
    "window": (1_800, 86_400),
    "deviation": (10, 500),
    "floor": (9_500, 10_000),
}


@dataclass(frozen=True)
class Bounds:
    lot: int
    hop: int
    window: int
    deviation: int
    floor: int


class Burner:
    def __init__(self, pool: Pool, vvv: Coin, usdc: Coin, brake: Brake, clock: Clock) -> None:
        self.pool, self.vvv, self.usdc, self.brake, self.clock = pool, vvv, usdc, brake, clock
        self.bounds = Bounds(10_000 * DOLLAR, 14_400, 1_800, 150, 9_800)
        self.keeper = "treasury"
        self.next_run, self.last_run_at = 0, -ORIGIN

    def execute(self, caller: str, run: int, amount: int, minimum: int, deadline: int) -> tuple[int, int]:
        has = self.usdc.balances[BURNER]
        demand(
            unless(caller == self.keeper, "OnlyKeeper", caller),
            self.brake.closed(),
            unless(ORIGIN + self.clock.now <= deadline, "DeadlinePassed", deadline),
            unless(run == self.next_run, "NotNextRun", run, self.next_run),
            unless(self.clock.now >= self.next_run_at, "RunTooSoon", ORIGIN + self.next_run_at),
            unless(0 < amount <= self.bounds.lot, "LotOutOfBounds", amount, self.bounds.lot),
            unless(amount <= has, "InsufficientUsdc", has, amount),
            self.strayed(),
        )
        swap = self.quote(amount)
        least = max(minimum, self.floor_of(swap.paid))
        demand(unless(swap.paid > 0 and swap.got > 0, "NothingBought"))
        demand(unless(swap.got >= least, "OutputBelowMinimum", swap.got, least))
        self.pool.settle(self.usdc.name, swap, BURNER, BURNER)
        self.vvv.balances[BURNER] = 0
        self.next_run, self.last_run_at = run + 1, self.clock.now
        return swap.paid, swap.got

    def set_bounds(self, caller: str, given: tuple[int, int, int, int, int]) -> tuple[()]:
        wanted = Bounds(*given)
        demand(
            unless(caller == "timelock", "OnlyTimelock", caller),
            *(
                unless(low <= value <= high, "BoundOutOfLimits", name, value, low, high)
                for (name, (low, high)), value in zip(LIMITS.items(), given, strict=True)
            ),
        )
        self.bounds = wanted
        return ()

    def name_keeper(self, caller: str, new: str) -> tuple[()]:
        demand(unless(caller == "timelock", "OnlyTimelock", caller), unless(new != NOBODY, "ZeroAddress"))
        self.keeper = new
        return ()

    def uniswap_v3_swap_callback(self, caller: str, *_: int) -> tuple[()]:
        """Nobody here is the pool."""
        demand(unless(caller == POOL, "OnlyPool", caller))
        return ()

    @property
    def next_run_at(self) -> int:
        """Seconds from the origin."""
        return self.last_run_at + self.bounds.hop

    def quote(self, amount: int) -> Swap:
        """What a run would bring. Only while the price has not strayed."""
        away = self.bounds.deviation
        mean = self.pool.mean_tick(self.bounds.window)
        limit = sqrt_price_at(mean - away if self.pool.is_token0(self.usdc.name) else mean + away)
        return self.pool.swap(self.usdc.name, amount, limit)

    def strayed(self) -> list[Refusal]:
        mean, away = self.pool.mean_tick(self.bounds.window), self.bounds.deviation
        is_near = sqrt_price_at(mean - away) < self.pool.price < sqrt_price_at(mean + away)
        return unless(is_near, "SpotAwayFromMean", self.pool.tick, mean, away)

    def reference_price(self) -> int:
        """Wei of VVV for a dollar, rounded up."""
        price = sqrt_price_at(self.pool.mean_tick(self.bounds.window)) ** 2 >> 64
        if self.pool.is_token0(self.usdc.name):
            return ceil_div(DOLLAR * price, 2**128)
        return ceil_div(DOLLAR * 2**128, price)

    def floor_of(self, spent: int) -> int:
        return ceil_div(spent * self.bounds.floor * self.reference_price(), DOLLAR * 10_000)

    def facts(self) -> Facts:
        yield Question(BURNER, "nextRun"), (self.next_run,)
        yield Question(BURNER, "nextRunAt"), (ORIGIN + self.next_run_at,)
        yield Question(BURNER, "keeper"), (self.keeper,)
        each = self.bounds
        yield Question(BURNER, "bounds"), (each.lot, each.hop, each.window, each.deviation, each.floor)
        mean = self.pool.mean_tick(each.window)
        yield Question(BURNER, "market"), (self.reference_price(), mean, self.pool.tick)
