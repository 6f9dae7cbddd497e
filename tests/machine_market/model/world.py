"""The whole model of the market: its parts by name."""

from tests.machine.model.brake import Brake
from tests.machine.model.world import World
from tests.machine.names import GENESIS_SUPPLY, ORIGIN, Clock
from tests.machine_market.model.burner import Burner
from tests.machine_market.model.money import Coin, Dollar
from tests.machine_market.model.pool import Pool
from tests.machine_market.model.roots import Roots
from tests.machine_market.model.sales import Sales
from tests.machine_market.model.trader import Trader
from tests.machine_market.names import POOL

DAY = 86_400


class Market(World):
    """Called and looked at as the first machine's world is."""

    def __init__(self, *, is_dollar_first: bool, price: int, start_epoch: int) -> None:
        """`price` is the pool's first one, as a square root; `start_epoch` the day of the deployment."""
        self.clock = Clock()
        self.vvv, self.usdc = Coin("VVV"), Dollar(self.clock)
        self.vvv.balances["treasury"] = GENESIS_SUPPLY
        self.brake = Brake(self.clock)
        self.pool = Pool(self.clock, self.vvv, self.usdc, is_dollar_first=is_dollar_first, price=price)
        self.trader = Trader(self.pool)
        self.burner = Burner(self.pool, self.vvv, self.usdc, self.brake, self.clock)
        self.sales = Sales(self.usdc, self.brake, self.clock)
        self.roots = Roots(self.clock, start_epoch)
        self._parts = {
            "VVV": self.vvv,
            "DevDollar": self.usdc,
            "Guardian": self.brake,
            POOL: self.pool,
            "DevTrader": self.trader,
            "BuybackBurner": self.burner,
            "CreditSales": self.sales,
            "EpochRoots": self.roots,
        }

    def wait_until(self, moment: int) -> None:
        assert moment >= self.now, "time does not run backwards"
        self.clock.now = moment

    def due_times(self) -> list[int]:
        """Every later moment at which a rule changes its mind, in order; seconds from the origin."""
        midnight = (self.clock.epoch + 1) * DAY - ORIGIN
        found = {
            midnight,
            midnight + DAY,
            self.burner.next_run_at,
            *self.pool.moments(self.burner.bounds.window),
        }
        if self.brake.until is not None:
            found |= {self.brake.until, self.brake.next_pause_at - ORIGIN}
        return sorted(moment for moment in found if moment > self.now + 1)
