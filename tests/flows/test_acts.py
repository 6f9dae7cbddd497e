from collections.abc import Callable
from dataclasses import asdict

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import ActKind, Because
from entitlement.core.adjustments import Wish
from entitlement.core.buyback_policy import Policy as BuybackPolicy
from entitlement.core.buyback_policy import Schedule
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import InvalidRequest, KeySuspended, UnknownApiKeyId
from entitlement.core.membership import Terms
from entitlement.core.pro_rata import Policy
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.govern_buybacks import GovernBuybacks
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.record_acts import RecordActs
from entitlement.flows.set_membership_terms import SetMembershipTerms
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.spend_credit import SpendCredit
from entitlement.flows.suspend_keys import SuspendKeys
from entitlement.store import schema
from entitlement.store.buyback_rules import By
from tests.support import NOON, Holder, assert_books_close, holder

Sessions = sessionmaker[Session]
WHY = Because("ada", "it was asked for")
EVER = Epoch(0)


def told(sessions: Sessions) -> list[tuple[str, str, dict[str, int], str | None]]:
    """What ada did."""
    found = RecordActs(sessions).since(EVER)
    assert all(each.made_at >= NOON for each in found)
    return [(each.kind, each.subject, each.figures, each.reference) for each in found if each.because == WHY]


BY = By(WHY.made_by, WHY.reason)
BUYBACKS = BuybackPolicy(Schedule.MONTHLY, revenue_share=500)
BUYBACK_FIGURES = {name: value for name, value in asdict(BUYBACKS).items() if name != "schedule"}
DEEDS: dict[ActKind, tuple[Callable[[Sessions, Holder], object], str, dict[str, int]]] = {
    ActKind.CREDIT_GRANT: (
        lambda s, a: AdjustCredit(s).grant(Wish("case", a.wallet, NanoUsd(7), WHY.reason, WHY.made_by)),
        "{wallet}",
        {"amount": 7},
    ),
    ActKind.KEY_SUSPEND: (lambda s, a: SuspendKeys(s).suspend(a.key_id, WHY), "{key}", {}),
    ActKind.GATEWAY_TOKEN: (lambda s, _: ManageGateways(s).issue_token("new", WHY), "new", {}),
    ActKind.GATEWAY_REVOKE: (lambda s, _: ManageGateways(s).revoke("gateway 1", WHY), "gateway 1", {}),
    ActKind.PRO_RATA_SET: (
        lambda s, _: SetProRata(s).set(Policy(NanoUsd(5), Wei(10**18)), WHY),
        "every staker",
        {"capacity": 5, "minimum_stake": 10**18},
    ),
    ActKind.MEMBERSHIP_SET: (
        lambda s, _: SetMembershipTerms(s).set(2, Terms(NanoUsd(9), NanoUsd(1)), WHY),
        "tier 2",
        {"credit": 9, "upgrade_credit": 1},
    ),
    ActKind.BUYBACK_POLICY: (
        lambda s, _: GovernBuybacks(s).set_policy(BUYBACKS, BY),
        "monthly",
        {
            name: value
            for name, value in asdict(BuybackPolicy(revenue_share=500)).items()
            if name != "schedule"
        }
        | {"from_epoch": epoch_at(NOON)},
    ),
    ActKind.BUYBACK_VETO: (
        lambda s, _: GovernBuybacks(s).veto(BY, until=2**33),
        "all buybacks",
        {"until": 2**33},
    ),
    ActKind.BUYBACK_ALLOW: (lambda s, _: GovernBuybacks(s).allow(BY), "all buybacks", {}),
    ActKind.CLOCK_JUMP: (
        lambda s, _: RecordActs(s).record(ActKind.CLOCK_JUMP, WHY, subject="anvil", figures={"to": 3}),
        "anvil",
        {"to": 3},
    ),
}


@pytest.mark.parametrize("kind", DEEDS)
def test_what_is_done_by_hand_is_kept_with_who_and_why(sessions: Sessions, kind: ActKind) -> None:
    alice = holder(sessions, diem=100)
    do, subject, figures = DEEDS[kind]
    do(sessions, alice)
    named = subject.format(wallet=alice.wallet, key=alice.key_id)
    assert told(sessions) == [(kind, named, figures, "case" if kind is ActKind.CREDIT_GRANT else None)]


def test_what_is_refused_or_repeated_is_no_act(sessions: Sessions) -> None:
    alice = holder(sessions)
    for _ in range(2):
        AdjustCredit(sessions).grant(Wish("case", alice.wallet, NanoUsd(7), WHY.reason, WHY.made_by))
    with pytest.raises(InvalidRequest):
        ManageGateways(sessions).revoke("nobody", WHY)
    with pytest.raises(UnknownApiKeyId):
        SuspendKeys(sessions).suspend("key_unknown\0", WHY)
    assert [each[0] for each in told(sessions)] == [ActKind.CREDIT_GRANT]


@pytest.mark.parametrize("why", [Because("", "x"), Because("ada", " "), Because("ada", "x" * 201)])
def test_without_who_and_why_nothing_is_done(sessions: Sessions, why: Because) -> None:
    alice = holder(sessions, diem=10)
    with pytest.raises(InvalidRequest):
        SuspendKeys(sessions).suspend(alice.key_id, why)
    with pytest.raises(InvalidRequest):
        SetProRata(sessions).set(Policy(NanoUsd(5), Wei(0)), why)
    SpendCredit(sessions).hold(alice.gateway_id, alice.request(10))
    assert SetProRata(sessions).read().next.capacity == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE admin_acts SET reason = ''", "DELETE FROM admin_acts", "TRUNCATE admin_acts"]
)
def test_an_act_can_be_neither_changed_nor_deleted(sessions: Sessions, statement: str) -> None:
    ManageGateways(sessions).issue_token("new", WHY)
    with pytest.raises(DBAPIError, match="is append-only"), sessions.begin() as session:
        session.execute(text(statement))


def test_what_was_adjusted_before_the_acts_were_kept_is_among_them(
    database: Engine, sessions: Sessions
) -> None:
    alice = holder(sessions)
    AdjustCredit(sessions).grant(Wish("case", alice.wallet, NanoUsd(7), WHY.reason, WHY.made_by))
    before = told(sessions)
    with database.begin() as connection:
        command.downgrade(schema._config(connection), "0007")
    schema.migrate(database)
    assert told(sessions) == before == [(ActKind.CREDIT_GRANT, alice.wallet, {"amount": 7}, "case")]


def test_a_suspended_key_holds_nothing_until_it_is_restored_and_what_it_held_can_be_captured(
    sessions: Sessions,
) -> None:
    alice = holder(sessions, diem=100)
    spend, keys = SpendCredit(sessions), SuspendKeys(sessions)
    held = spend.hold(alice.gateway_id, alice.request(10))
    assert keys.suspend(alice.key_id, WHY).suspended_at is not None
    with pytest.raises(InvalidRequest, match="suspended already"):
        keys.suspend(alice.key_id, WHY)
    with pytest.raises(KeySuspended):
        spend.hold(alice.gateway_id, alice.request(10, "r2"))
    spend.capture(alice.gateway_id, held.hold.id, NanoUsd(10), None)
    assert keys.restore(alice.key_id, WHY).suspended_at is None
    with pytest.raises(InvalidRequest, match="not suspended"):
        keys.restore(alice.key_id, WHY)
    spend.hold(alice.gateway_id, alice.request(10, "r2"))
    assert [each[0] for each in told(sessions)] == [ActKind.KEY_SUSPEND, ActKind.KEY_RESTORE]
    assert_books_close(sessions)
