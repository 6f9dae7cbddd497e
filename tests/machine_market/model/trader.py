"""The crowd: it sells either token, and moves the price to where it wants it."""

from tests.machine.names import demand, unless
from tests.machine_market.model.pool import Pool
from tests.machine_market.model.prices import sqrt_price_at

CROWD = "DevTrader"
AS_MUCH_AS_IT_TAKES = 2**127 - 1
LOWEST, HIGHEST = 4_295_128_740, 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341


class Trader:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def sell(self, _: str, token: str, amount: int) -> tuple[int]:
        demand(unless(amount > 0, "Error", "AS"))
        swap = self.pool.swap(token, amount, LOWEST if self.pool.is_token0(token) else HIGHEST)
        self.pool.settle(token, swap, CROWD, CROWD)
        return (swap.got,)

    def move_to(self, _: str, tick: int) -> tuple[()]:
        target = sqrt_price_at(tick)
        if target != self.pool.price:
            paid, other = self.pool.tokens
            token = (paid if target < self.pool.price else other).name
            swap = self.pool.swap(token, AS_MUCH_AS_IT_TAKES, target)
            self.pool.settle(token, swap, CROWD, CROWD)
        return ()

    def add_liquidity(self, _: str, lower: int, upper: int, liquidity: int) -> tuple[()]:
        self.pool.lend(CROWD, lower, upper, liquidity)
        return ()

    def facts(self) -> list[tuple[()]]:
        """Its tokens are the tokens' facts."""
        return []
