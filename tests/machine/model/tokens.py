"""VVV and DIEM: who has how much, and who may spend how much of whose."""

from collections import Counter

from tests.machine.names import HOLDERS, NOBODY, Facts, Question, Refusal, demand, unless

UNLIMITED = 2**256 - 1
"""An allowance of this is never used up."""


class Token:
    """The supply is what all holders have: nothing else is kept."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.balances: Counter[str] = Counter()
        self.allowances: dict[tuple[str, str], int] = {}

    def transfer(self, caller: str, to: str, amount: int) -> tuple[bool]:
        demand(self.cannot_move(caller, to, amount))
        self.move(caller, to, amount)
        return (True,)

    def approve(self, caller: str, spender: str, amount: int) -> tuple[bool]:
        demand(unless(spender != NOBODY, "ERC20InvalidSpender", spender))
        self.allowances[caller, spender] = amount
        return (True,)

    def transfer_from(self, caller: str, owner: str, to: str, amount: int) -> tuple[bool]:
        demand(self.cannot_spend(owner, caller, amount), self.cannot_move(owner, to, amount))
        self.spend(owner, caller, amount)
        self.move(owner, to, amount)
        return (True,)

    def burn(self, caller: str, amount: int) -> tuple[()]:
        demand(self.cannot_pay(caller, amount))
        self.balances[caller] -= amount
        return ()

    def cannot_pay(self, owner: str, amount: int) -> list[Refusal]:
        has = self.balances[owner]
        return unless(has >= amount, "ERC20InsufficientBalance", owner, has, amount)

    def cannot_move(self, owner: str, to: str, amount: int) -> list[Refusal]:
        return (
            self.cannot_pay(owner, amount)
            + unless(to != NOBODY, "ERC20InvalidReceiver", to)
            + unless(to != self.name, "ReceiverRefused", to)
        )

    def cannot_spend(self, owner: str, spender: str, amount: int) -> list[Refusal]:
        allowed = self.allowances.get((owner, spender), 0)
        return unless(allowed >= amount, "ERC20InsufficientAllowance", spender, allowed, amount)

    def move(self, owner: str, to: str, amount: int) -> None:
        self.balances[owner] -= amount
        self.balances[to] += amount

    def spend(self, owner: str, spender: str, amount: int) -> None:
        allowed = self.allowances.get((owner, spender), 0)
        if allowed != UNLIMITED:
            self.allowances[owner, spender] = allowed - amount

    def facts(self) -> Facts:
        yield Question(self.name, "totalSupply"), (sum(self.balances.values()),)
        for holder in HOLDERS:
            yield Question(self.name, "balanceOf", (holder,)), (self.balances[holder],)
        for pair, allowed in self.allowances.items():
            yield Question(self.name, "allowance", pair), (allowed,)
