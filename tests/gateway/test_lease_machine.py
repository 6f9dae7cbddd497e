"""Leases in any order: a state machine over the book of leases and a service that keeps the rules.

No transport, no sleep: the clock is a number, and a call is answered, lost on its way or on its way back.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from entitlement.client.errors import CreditError, CreditUnavailable, InsufficientCredit
from entitlement.client.lease_book import LeaseBook
from entitlement.client.lease_terms import LeaseTerms
from entitlement.client.leased_hold import LeasedHold
from entitlement.client.leased_key import Errand, Waiting
from entitlement.client.wire import BatchAnswer, batch_call
from entitlement.core.units import NanoUsd
from tests.gateway.rule_keeper import Credit, RuleKeeper

KEY = "ent_key"
ALLOWANCE = 300
TERMS = LeaseTerms(amount=NanoUsd(100), ttl=5, idle_seconds=20, offline_allowance=NanoUsd(ALLOWANCE))
FAULTS = st.sampled_from(["none", "none", "none", "lost", "answer lost"])


class LeaseMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.keeper = RuleKeeper(clock=lambda: self.now, credit={KEY: Credit(5_000)})
        self.book = LeaseBook(TERMS, lambda: self.now, lambda: None)
        self.holds: list[LeasedHold] = []
        self.waiting: list[Waiting] = []
        self.captured = 0
        self.others = 0
        self.late = False
        """Whether credit may have gone elsewhere before what was spent on it was reported."""

    @rule(amount=st.integers(1, 400), least=st.integers(1, 400))
    def ask(self, amount: int, least: int) -> None:
        least = min(amount, least)
        hold = self.book.try_hold(KEY, NanoUsd(amount), NanoUsd(least), None)
        if hold is None:
            _, waiting = self.book.wait(KEY, NanoUsd(amount), NanoUsd(least), None, lambda: None)
            self.waiting.append(waiting)
            self.look()
            self.work("none", 0.0, 0)
            return
        # From memory: the service still has it aside, or its answer is on its way.
        assert any(each.state == "open" and self.now < each.expires_at for each in self.leases())
        assert least <= hold.amount <= amount
        self.holds.append(hold)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def capture(self, data: st.DataObject) -> None:
        hold = self.holds.pop(data.draw(st.integers(0, len(self.holds) - 1)))
        cost = data.draw(st.integers(0, hold.amount))
        hold.capture(NanoUsd(cost))
        self.captured += cost

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.holds.pop(data.draw(st.integers(0, len(self.holds) - 1))).release()

    @rule(fault=FAULTS, seconds=st.floats(0, 1.5), meanwhile=st.integers(0, 2))
    def work(self, fault: str, seconds: float, meanwhile: int) -> None:
        """Carry out what is due; while the answer is under way time passes and holds are captured."""
        errands = self.book.errands()
        if not errands:
            return
        sent_at = self.now
        call = batch_call([each.call for each in errands])
        answers: object = CreditUnavailable("lost")
        if fault != "lost":
            operations = (call.fields or {})["operations"]
            assert isinstance(operations, list)
            told = call.read({"answers": [self.keeper._answer(each) for each in operations]})
            answers = told if fault == "none" else answers
        self.now += seconds
        for hold in self.holds[:meanwhile]:
            hold.capture(hold.amount)
            self.captured += hold.amount
        del self.holds[:meanwhile]
        assert isinstance(answers, tuple | CreditError)
        self.book.give_answers(errands, answers, sent_at)
        self.look()

    @rule(seconds=st.sampled_from([0.3, 1.0, 2.0, 2.5, 4.5, 5.2, 30.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.late = self.late or any(self.now >= each.expires_at for each in self.leases())

    @rule(amount=st.integers(1, 500))
    def spend_elsewhere(self, amount: int) -> None:
        """Another gateway charges the same account."""
        self.keeper._expire()
        credit = self.keeper.credit[KEY]
        paid = min(amount, credit.available)
        credit.available -= paid
        credit.spent += paid
        self.others += paid

    @invariant()
    def books_close(self) -> None:
        self.keeper.credit[KEY].check()

    @invariant()
    def no_lease_gives_more_than_the_service_set_aside(self) -> None:
        leased = self.book._keys.get(KEY)
        if leased is None or leased._lease is None:
            return
        self.keeper._expire()
        lease, theirs = leased._lease, self.keeper.kept[leased._lease.id]
        if self.now < lease.valid_until:
            assert theirs.state == "open"
            assert lease.spent + lease.reserved <= theirs.amount

    @invariant()
    def nothing_is_lost_to_the_operator_while_all_is_reported_in_time(self) -> None:
        assert self.late or self.keeper.credit[KEY].shortfall == 0

    @invariant()
    def what_nobody_confirmed_stays_within_the_allowance(self) -> None:
        leased = self.book._keys.get(KEY)
        if leased is not None:
            assert sum(leased._offline._reserved.values()) <= ALLOWANCE

    def look(self) -> None:
        """See what became of those who wait."""
        for waiting in list(self.waiting):
            if waiting.hold is None and waiting.error is None:
                continue
            self.waiting.remove(waiting)
            if waiting.hold is not None:
                assert waiting.least <= waiting.hold.amount <= waiting.amount
                self.holds.append(waiting.hold)
            elif isinstance(waiting.error, InsufficientCredit):
                available = waiting.error.figure("available")
                assert available is not None
                assert available < waiting.least

    def leases(self) -> list[object]:
        return [each for each in self.keeper.kept.values() if each.id.startswith("lease")]

    def teardown(self) -> None:
        """In the end all that was captured is with the service, once."""
        for hold in self.holds:
            hold.release()
        self.book.close()
        for _ in range(50):
            self.work("none", 0.0, 0)
            self.now += 1
        assert self.book.is_settled()
        credit = self.keeper.credit[KEY]
        unpaid = self.captured - (credit.spent - self.others) - credit.shortfall
        assert unpaid >= 0, "something was charged twice"
        # A charge for what no lease could pay any more is refused when the account is empty by then.
        assert unpaid == 0 or credit.available < unpaid


LeaseMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLeases = LeaseMachine.TestCase


def opened(credit: int) -> tuple[LeaseMachine, LeaseBook, LeasedHold]:
    """A lease with all of an account's credit, and a hold on all of it."""
    machine = LeaseMachine()
    machine.keeper.credit[KEY] = Credit(credit)
    machine.ask(credit, credit)
    return machine, machine.book, machine.holds.pop()


def answers_of(machine: LeaseMachine, errands: list[Errand]) -> tuple[BatchAnswer, ...]:
    call = batch_call([each.call for each in errands])
    operations = (call.fields or {})["operations"]
    assert isinstance(operations, list)
    return call.read({"answers": [machine.keeper._answer(each) for each in operations]})


def test_what_is_captured_while_a_renewal_is_under_way_is_not_given_out_again() -> None:
    machine, book, hold = opened(100)
    machine.now += 2.5
    errands = book.errands()
    answers = answers_of(machine, errands)
    hold.capture(NanoUsd(100))
    book.give_answers(errands, answers, machine.now)
    assert book.try_hold(KEY, NanoUsd(1), None, None) is None


def test_what_is_captured_while_its_lease_is_being_returned_is_charged_besides() -> None:
    machine, book, hold = opened(100)
    book.close()
    errands = book.errands(force=True)
    answers = answers_of(machine, errands)
    hold.capture(NanoUsd(60))
    book.give_answers(errands, answers, machine.now)
    machine.work("none", 0.0, 0)
    assert machine.keeper.credit[KEY].spent == 60
    assert book.is_settled()
