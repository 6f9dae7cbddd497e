"""What people do at the market: chance becomes a call that makes sense, or nearly.

The model is asked for what there is, so that figures fall on an edge: the whole lot and a unit more, what a
run brings and a wei more, the second of a deadline and the one before.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from tests.machine.names import NOBODY, ORIGIN, PEOPLE
from tests.machine_market.model.burner import BURNER, LIMITS
from tests.machine_market.model.sales import PRICE_LIMITS, SALES, TOP_UP_MINIMUM
from tests.machine_market.model.world import Market
from tests.machine_market.names import DOLLAR
from tests.machine_market.play import MarketPlay

Item = TypeVar("Item")
STRANGER_IN = 8
"""Every so often somebody does what is another's to do."""
USUAL_IN = 6
NEAREST = 4
"""Of the moments to come, so many are waited for."""
WHILES = (1, 12, 600, 1_800, 3_600, 14_400, 40_000)
"""Seconds."""
PAUSES = (3_600, 14_400, 86_400, 7 * 86_400 + 1, 0)
"""Seconds: at most seven days are allowed."""


class Doings:
    """Everything that somebody may do in one play, decided by `random`."""

    def __init__(self, play: MarketPlay) -> None:
        self.play, self.random = play, Random()

    @property
    def market(self) -> Market:
        return self.play.world

    # --- time -----------------------------------------------------------------------------------------------

    def wait_for_a_moment_that_matters(self) -> None:
        """To the second before, to the second, or to the one after."""
        moment = self.random.choice(self.market.due_times()[:NEAREST])
        self.play.wait_until(moment + self.random.choice((-1, 0, 1)))

    def wait_until_a_run_is_allowed(self) -> None:
        """Or a second less or more."""
        moment = self.market.burner.next_run_at + self.random.choice((-1, 0, 0, 1))
        self.play.wait_until(max(self.market.now, moment))

    def wait_a_while(self) -> None:
        self.play.wait_until(self.market.now + self.random.choice(WHILES))

    # --- buybacks -------------------------------------------------------------------------------------------

    def execute(self) -> None:
        burner = self.market.burner
        has = self.market.usdc.balances[BURNER]
        within = min(burner.bounds.lot, has) or burner.bounds.lot
        amount = self._some(
            within, (within // 3, burner.bounds.lot, burner.bounds.lot + 1, has, has + 1, 0, 1, within // 50)
        )
        exact = 0 if burner.strayed() else burner.quote(amount).got
        run = self._some(burner.next_run, (max(0, burner.next_run - 1), burner.next_run + 1))
        minimum = self.random.choice((0, 0, 0, exact, exact, exact + 1))
        self.play.do(self._rarely(burner.keeper), f"{BURNER}.execute", run, amount, minimum, self._deadline())

    def ask_for_payment(self) -> None:
        """As if one were the pool."""
        amount = self.random.choice((0, 1, 10 * DOLLAR))
        self.play.do(self._anybody(), f"{BURNER}.uniswapV3SwapCallback", amount, amount, 0)

    def set_money_aside(self) -> None:
        amount = self.random.choice((1, 100, 5_000, 10_000, 20_000)) * DOLLAR
        self.play.do(self._anybody(), "DevDollar.mint", BURNER, amount)

    def set_bounds(self) -> None:
        """Inside, or one of them at a limit or just beyond it."""
        wanted = [
            self.random.choice((300, 2_000, 10_000, 25_000)) * DOLLAR,
            self.random.choice((3_600, 7_200, 14_400)),
            self.random.choice((1_800, 2_400, 7_200)),
            self.random.choice((60, 150, 300)),
            self.random.choice((9_500, 9_800, 9_900)),
        ]
        limits = self.random.choice([*LIMITS.values()])
        place = [*LIMITS.values()].index(limits)
        low, high = limits
        wanted[place] = self.random.choice((wanted[place], low, high, low - 1, high + 1))
        self.play.do(self._rarely("timelock"), f"{BURNER}.setBounds", tuple(wanted))

    def name_keeper(self) -> None:
        who = self.random.choice(("carol", "alice", NOBODY))
        self.play.do(self._rarely("timelock"), f"{BURNER}.nameKeeper", who)

    # --- the crowd ------------------------------------------------------------------------------------------

    def trade(self) -> None:
        token, unit = self.random.choice((("VVV", 10**18), ("DevDollar", 4 * DOLLAR)))
        amount = self.random.choice((1, unit // 7, 100 * unit, 1_000 * unit, 2_500 * unit, 8_000 * unit, 0))
        self.play.do(self._anybody(), "DevTrader.sell", token, amount)

    def move_the_price(self) -> None:
        """To the mean, to where a run is refused or a tick nearer, or far: over the end of a word."""
        burner = self.market.burner
        mean, away = self.market.pool.mean_tick(burner.bounds.window), burner.bounds.deviation
        tick = self.random.choice((0, 0, away - 5, away, 5 - away, -away, -away - 1, away + 1, 1_700, -1_700))
        self.play.do(self._anybody(), "DevTrader.moveTo", mean + tick)

    def give(self) -> None:
        """To the burner, to the sales or to somebody."""
        token = self.random.choice((self.market.vvv, self.market.usdc))
        who, to = self._anybody(), self.random.choice((BURNER, BURNER, SALES, *PEOPLE))
        has = token.balances[who]
        amount = self.random.choice((1, has // 100, has // 9, has + 1))
        self.play.do(who, f"{token.name}.transfer", to, amount)

    # --- sales ----------------------------------------------------------------------------------------------

    def top_up(self) -> None:
        self.play.do(self._buyer(), f"{SALES}.topUp", self._account(), self._top_up())

    def subscribe(self) -> None:
        self.play.do(self._buyer(), f"{SALES}.subscribe", *self._order())

    def top_up_with_permit(self) -> None:
        who, amount = self._buyer(), self._top_up()
        self.play.do(who, f"{SALES}.topUpWithPermit", self._account(), amount, *self._permit(who, amount))

    def subscribe_with_permit(self) -> None:
        who, order = self._buyer(), self._order()
        self.play.do(who, f"{SALES}.subscribeWithPermit", *order, *self._permit(who, order[-1]))

    def approve(self) -> None:
        who = self._anybody()
        amount = self.random.choice((0, 200 * DOLLAR, 10**5 * DOLLAR))
        self.play.do(who, "DevDollar.approve", SALES, amount)

    def set_price(self) -> None:
        low, high = PRICE_LIMITS
        price = self.random.choice((18 * DOLLAR, 68 * DOLLAR, low, high, low - 1, high + 1))
        tier = self._some(1, (2, 0, 3))
        self.play.do(self._rarely("timelock"), f"{SALES}.setPrice", tier, price)

    # --- roots ----------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """The next of the closed days, or the open one, one that was left out, or the last one again."""
        roots, today = self.market.roots, self.market.clock.epoch
        following = roots.next_epoch or today - 3
        others = (today, today, today, following + 1, following - 1, roots.start_epoch - 1)
        epoch = self._some(following, others)
        figures = self._some((2**255, 10, 7, 3), ((0, 0, 0, 0), (1, 5, 6, 1), (0, 5, 0, 0), (0, 5, 5, 1)))
        self.play.do(self._rarely(roots.publisher), "EpochRoots.publish", epoch, *figures, today)

    def name_publisher(self) -> None:
        who = self.random.choice(("bob", "alice", NOBODY))
        self.play.do(self._rarely("timelock"), "EpochRoots.namePublisher", who)

    # --- the guardian ---------------------------------------------------------------------------------------

    def pause(self) -> None:
        self.play.do(self._rarely("guardian"), "Guardian.pauseEntries", self.random.choice(PAUSES))

    def resume(self) -> None:
        self.play.do(self._rarely("guardian"), "Guardian.resumeEntries")

    # --- what they choose -----------------------------------------------------------------------------------

    def _some(self, usual: Item, others: Sequence[Item]) -> Item:
        """Mostly the usual: a call with two mistakes tells of one of them at the most."""
        return usual if self.random.randrange(USUAL_IN) else self.random.choice(others)

    def _rarely(self, usual: str) -> str:
        return usual if self.random.randrange(STRANGER_IN) else self._anybody()

    def _anybody(self) -> str:
        return self.random.choice(PEOPLE)

    def _buyer(self) -> str:
        """Mostly not the revenue address, which cannot buy."""
        return self._some(self.random.choice(PEOPLE[1:]), PEOPLE)

    def _account(self) -> str:
        return self._some(self._anybody(), (*PEOPLE, NOBODY, SALES))

    def _deadline(self) -> int:
        """Unix time: now, the second before, or later."""
        return ORIGIN + self.market.now + self._some(0, (-1, 60))

    def _top_up(self) -> int:
        return self._some(20 * DOLLAR, (TOP_UP_MINIMUM, TOP_UP_MINIMUM - 1, 40_000 * DOLLAR, 300 * DOLLAR))

    def _order(self) -> tuple[str, int, int, int]:
        """For whom, which tier, how many months, and at most how much for them."""
        prices = self.market.sales.prices
        tier = self._some(self.random.choice((1, 2)), (0, 3))
        months = self._some(self.random.choice((1, 2, 12)), (0, 13, 3))
        cost = months * prices[min(max(tier, 1), len(prices)) - 1]
        return self._account(), tier, months, self._some(cost, (cost - 1 if cost else 0, cost + 1))

    def _permit(self, owner: str, value: int) -> tuple[int, int]:
        """Deadline and nonce: of a fresh permit, one that somebody hands in first, an old or a late one."""
        nonce, deadline = self.market.usdc.nonces[owner], self._deadline()
        way = self.random.choice(("fresh", "fresh", "used", "used", "old"))
        if way == "used":
            self.play.do(self._anybody(), "DevDollar.permit", owner, SALES, value, deadline, nonce)
        return deadline, max(0, nonce - 1) if way == "old" else nonce


Doing = Callable[[Doings], None]

WEIGHTS: dict[Doing, int] = {
    Doings.wait_for_a_moment_that_matters: 4,
    Doings.wait_a_while: 3,
    Doings.execute: 6,
    Doings.ask_for_payment: 1,
    Doings.set_money_aside: 3,
    Doings.set_bounds: 4,
    Doings.name_keeper: 2,
    Doings.trade: 6,
    Doings.move_the_price: 3,
    Doings.give: 3,
    Doings.top_up: 4,
    Doings.subscribe: 5,
    Doings.top_up_with_permit: 4,
    Doings.subscribe_with_permit: 4,
    Doings.approve: 1,
    Doings.set_price: 3,
    Doings.publish: 5,
    Doings.name_publisher: 2,
    Doings.pause: 2,
    Doings.resume: 1,
}
"""How often each is done where anything may be."""

TIMELY: tuple[Doing, ...] = (Doings.execute, Doings.execute, Doings.publish, Doings.subscribe, Doings.top_up)
"""What a second more or less may decide about."""
