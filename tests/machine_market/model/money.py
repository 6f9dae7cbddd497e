"""VVV and USDC at the market, of which the dollar may be spent by a signature."""

from collections import Counter

from tests.machine.model.tokens import Token
from tests.machine.names import NOBODY, ORIGIN, PEOPLE, Clock, Facts, Question, Refusal, demand, unless
from tests.machine_market.names import HOLDERS


class Coin(Token):
    """Looked at in the market's hands."""

    def facts(self) -> Facts:
        yield Question(self.name, "totalSupply"), (sum(self.balances.values()),)
        for holder in HOLDERS:
            yield Question(self.name, "balanceOf", (holder,)), (self.balances[holder],)
        allowed = {("BuybackBurner", "IUniswapV3Pool"): 0, **self.allowances}
        for pair, amount in allowed.items():
            yield Question(self.name, "allowance", pair), (amount,)


class Dollar(Coin):
    """Everybody may mint; each owner's permits count from 0 and are good once each, in order."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("DevDollar")
        self.clock = clock
        self.nonces: Counter[str] = Counter()

    def mint(self, _: str, to: str, amount: int) -> tuple[()]:
        self.balances[to] += amount
        return ()

    def permit(self, _: str, owner: str, spender: str, value: int, deadline: int, nonce: int) -> tuple[()]:
        demand(self.cannot_permit(owner, deadline, nonce))
        self.nonces[owner] += 1
        self.allowances[owner, spender] = value
        return ()

    def cannot_permit(self, owner: str, deadline: int, nonce: int) -> list[Refusal]:
        in_time = ORIGIN + self.clock.now <= deadline
        is_next = nonce == self.nonces[owner]
        return unless(in_time, "ERC2612ExpiredSignature", deadline) + unless(
            is_next, "ERC2612InvalidSigner", "somebody", owner
        )

    def cannot_move(self, owner: str, to: str, amount: int) -> list[Refusal]:
        return self.cannot_pay(owner, amount) + unless(to != NOBODY, "ERC20InvalidReceiver", to)

    def facts(self) -> Facts:
        yield from super().facts()
        for person in PEOPLE:
            yield Question(self.name, "nonces", (person,)), (self.nonces[person],)
