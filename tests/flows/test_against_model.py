"""The ledger against a model of a few lines: whatever is asked in whatever company, twice or not answered.

The model knows one sum of money. It says of each question what must be answered, so that neither too much is
given nor anything refused that was affordable. OPERATIONS=100000 for a long walk.
"""

import os
import random
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core import errors
from entitlement.core.holds import HoldKind, LeaseReport
from entitlement.core.ledger import Source
from entitlement.core.operations import Capture, Extend, Operation, Release, Renew
from entitlement.core.tiers import rates_of
from entitlement.core.units import NanoUsd
from entitlement.flows.spend_credit import HoldAnswer, Outcome, Question, SpendCredit
from tests.support import Holder, assert_books_close, grant, holder

OPERATIONS = int(os.environ.get("OPERATIONS", "3000"))
DIEM, PREPAID = 6_000, 5_000
Sessions = sessionmaker[Session]


@dataclass
class Model:
    """What there is, and what is set aside for whom."""

    available: int = DIEM + PREPAID
    consumed: int = 0
    holds: dict[str, int] = field(default_factory=dict)
    leases: dict[str, int] = field(default_factory=dict)
    """What remains of each."""
    spent: dict[str, int] = field(default_factory=dict)
    """Of each lease, as it was told."""
    short: int = 0

    def place(self, amount: int, minimum: int) -> int | None:
        if self.available < minimum:
            return None
        taken = min(amount, self.available)
        self.available -= taken
        return taken

    def pay(self, amount: int, from_held: int) -> int:
        """Take a cost out of what was held and, beyond it, of what there is; return what stays held."""
        over = max(0, amount - from_held)
        paid_over = min(over, self.available)
        self.available -= paid_over
        self.short += over - paid_over
        self.consumed += min(amount, from_held) + paid_over
        return from_held - min(amount, from_held)


@dataclass
class Walk:
    rng: random.Random
    alice: Holder
    model: Model = field(default_factory=Model)
    number: int = 0

    def question(self) -> tuple[Operation, str]:
        """Return something to ask, which is valid as things stand before the group."""
        self.number += 1
        name = f"r{self.number}"
        amount = self.rng.choice([1, 7, 50, 400, 3_000])
        minimum = self.rng.randint(1, amount)
        held, leased = list(self.model.holds), list(self.model.leases)
        kind = self.rng.choice(
            ["hold", "hold", "charge", "lease", "capture", "capture", "release", "extend", "renew"]
        )
        if kind in ("capture", "release", "extend") and held:
            hold_id = self.rng.choice(held)
            if kind == "capture":
                return Capture(hold_id, NanoUsd(self.rng.choice([0, 3, 60, 5_000]))), kind
            if kind == "release":
                return Release(hold_id), kind
            return Extend(hold_id, NanoUsd(amount), NanoUsd(self.rng.randint(0, amount))), kind
        if kind == "renew" and leased:
            return self.renewal(self.rng.choice(leased), amount), kind
        placed = {"charge": HoldKind.CHARGE, "lease": HoldKind.LEASE}.get(kind, HoldKind.HOLD)
        if placed is HoldKind.CHARGE:
            minimum = amount
        ttl = 60 if placed is HoldKind.LEASE else 600
        return self.alice.request(amount, name, minimum=NanoUsd(minimum), kind=placed, ttl=ttl), "place"

    def renewal(self, lease_id: str, amount: int) -> Renew:
        spent = self.model.spent[lease_id] + self.rng.choice([0, 1, 40, 900])
        wanted = self.rng.choice([0, amount])
        minimum = self.rng.randint(0, wanted)
        return Renew(lease_id, LeaseReport(NanoUsd(spent), NanoUsd(wanted), NanoUsd(minimum), 60, None))

    def expect(self, operation: Operation, outcome: Outcome) -> None:
        """Move the model, and hold the outcome to it."""
        model = self.model
        match operation:
            case Capture():
                assert isinstance(outcome, HoldAnswer)
                left = model.pay(operation.amount, model.holds.pop(operation.hold_id))
                model.available += left
            case Release():
                assert isinstance(outcome, HoldAnswer)
                model.available += model.holds.pop(operation.hold_id)
            case Extend():
                self._expect_extend(operation, outcome)
            case Renew():
                self._expect_renewal(operation, outcome)
            case _:
                self._expect_placed(operation, outcome)
        if isinstance(outcome, HoldAnswer):
            assert outcome.balance.available == model.available
            assert outcome.balance.held == sum(model.holds.values()) + sum(model.leases.values())

    def _expect_placed(self, operation: Operation, outcome: Outcome) -> None:
        taken = self.model.place(operation.amount, operation.minimum)  # type: ignore[union-attr]
        if taken is None:
            assert isinstance(outcome, errors.InsufficientCredit)
            assert outcome.available == self.model.available
            return
        assert isinstance(outcome, HoldAnswer), outcome
        assert outcome.hold.amount == taken
        if outcome.hold.kind is HoldKind.CHARGE:
            self.model.consumed += taken
        elif outcome.hold.kind is HoldKind.LEASE:
            self.model.leases[outcome.hold.id] = taken
            self.model.spent[outcome.hold.id] = 0
        else:
            self.model.holds[outcome.hold.id] = taken

    def _expect_extend(self, operation: Extend, outcome: Outcome) -> None:
        had = self.model.holds[operation.hold_id]
        more = self.model.place(max(0, operation.amount - had), max(0, operation.minimum - had))
        if more is None:
            assert isinstance(outcome, errors.InsufficientCredit)
        else:
            assert isinstance(outcome, HoldAnswer)
            self.model.holds[operation.hold_id] = had + more
            assert outcome.hold.amount == had + more

    def _expect_renewal(self, operation: Renew, outcome: Outcome) -> None:
        assert isinstance(outcome, HoldAnswer)
        model, lease_id, report = self.model, operation.hold_id, operation.report
        told = max(0, report.spent - model.spent[lease_id])
        left = model.pay(told, model.leases[lease_id])
        model.spent[lease_id] = max(report.spent, model.spent[lease_id])
        model.leases[lease_id] = left
        if report.amount == 0:
            model.available += model.leases.pop(lease_id)
            return
        if left > report.amount:
            model.available += left - report.amount
            model.leases[lease_id] = report.amount
        elif left < report.amount:
            more = model.place(report.amount - left, max(0, report.minimum - left))
            assert (outcome.refusal is not None) is (more is None)
            model.leases[lease_id] = left + (more or 0)
        assert sum(part.amount for part in outcome.hold.parts) == model.leases[lease_id]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_answer_is_what_a_model_of_one_sum_says(sessions: Sessions, seed: int) -> None:
    rng = random.Random(seed)
    walk = Walk(rng, holder(sessions, diem=DIEM, prepaid=PREPAID))
    spend = SpendCredit(sessions, rates_of(60_000_000, 60_000_000))
    asked, prepaid = 0, PREPAID
    while asked < OPERATIONS // 3:
        group: list[Operation] = []
        touched: set[str] = set()
        for _ in range(rng.randint(1, 30)):
            operation, kind = walk.question()
            if kind != "place":
                # What is asked of one hold in one group depends on the order; the model asks once.
                if operation.hold_id in touched:  # type: ignore[union-attr]
                    continue
                touched.add(operation.hold_id)  # type: ignore[union-attr]
            group.append(operation)
        questions = [Question(walk.alice.gateway_id, operation) for operation in group]
        outcomes = spend.answer(questions)
        for operation, outcome in zip(group, outcomes, strict=True):
            walk.expect(operation, outcome)
        asked += len(group)
        if rng.random() < 0.3:
            # The answers were lost: asked again, nothing changes.
            named = [place for place, each in enumerate(group) if not isinstance(each, Extend | Renew)]
            again = spend.answer([questions[place] for place in named])
            assert [same(each) for each in again] == [same(outcomes[place]) for place in named]
        if walk.model.available < 100:
            prepaid += PREPAID
            walk.model.available += PREPAID
            grant(sessions, walk.alice.account_id, Source.PREPAID, prepaid)
    model = walk.model
    left = model.available + sum(model.holds.values()) + sum(model.leases.values())
    assert left + model.consumed == DIEM + prepaid
    with sessions.begin() as session:
        used = session.execute(text("SELECT sum(diem + usd), sum(shortfall) FROM usage")).one()
    assert tuple(map(int, used)) == (model.consumed, model.short), "every cost is in the usage, once"
    assert_books_close(sessions)


def same(outcome: Outcome) -> object:
    """What must not change when something is asked again."""
    if isinstance(outcome, HoldAnswer):
        return outcome.hold.id, outcome.hold.captured, outcome.hold.shortfall
    return type(outcome), outcome.facts()
