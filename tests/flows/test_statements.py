import json
import random
from collections import Counter
from functools import partial

import pytest
from eth_account import Account
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.audit.journal import Head, audit, read_heads
from entitlement.chain.attest import Attester, signer_of
from entitlement.core.acts import Because
from entitlement.core.adjustments import Wish
from entitlement.core.attested import SOURCES, Domain, check_form
from entitlement.core.blocks import Header
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at
from entitlement.core.errors import NodeUnavailable, UnknownStatement
from entitlement.core.events import DiemStaked
from entitlement.core.ledger import Source
from entitlement.core.statements import STATEMENT, Holding, acts_hash
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.make_statements import MakeStatements
from entitlement.flows.read_statements import ReadStatements
from entitlement.flows.record_acts import RecordActs
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from tests.audit.support import address, spend
from tests.support import (
    DIEM,
    NOON,
    ScriptedChain,
    assert_books_close,
    follower,
    grant,
    holder,
    wallet_number,
)

Sessions = sessionmaker[Session]
OPERATOR = Account.from_key("0x" + "42" * 32)
ROOTS = "0x" + "ab" * 20
TODAY = epoch_at(NOON)
MIDNIGHT = (TODAY + 1) * SECONDS_PER_EPOCH


class Vault:
    """What addresses hold, as a node tells it."""

    def __init__(self) -> None:
        self.asked: list[Header] = []
        self.fails = False

    def __call__(self, block: Header) -> list[Holding]:
        self.asked.append(block)
        if self.fails:
            raise NodeUnavailable(method="eth_call", reason="gone")
        return [Holding("revenue", "0x" + "77" * 20, 1_500_000)]


def making(sessions: Sessions, vault: Vault | None = None) -> MakeStatements:
    return MakeStatements(sessions, lambda: Attester(OPERATOR, Domain(31_337, ROOTS)), vault or Vault())


def followed(sessions: Sessions, at: int = NOON) -> ScriptedChain:
    """A chain on which somebody has staked, followed up to a time; and an account with credit."""
    holder(sessions, prepaid=50, number=77)
    chain = ScriptedChain()
    chain.mine(partial(DiemStaked, wallet=wallet_number(1), amount=Wei(3 * DIEM)), at=NOON)
    chain.mine(at=at)
    follower(chain, sessions).step()
    return chain


def statement(sessions: Sessions, epoch: Epoch = TODAY) -> dict[str, object]:
    document = ReadStatements(sessions).of(epoch)
    assert signer_of(document) == OPERATOR.address
    return dict(check_form(document, STATEMENT))


def rows(said: dict[str, object], name: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in said[name]:  # type: ignore[attr-defined]
        found[row["source"]] = {key: int(value) for key, value in row.items() if key != "source"}
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_was_granted_is_what_was_spent_expired_and_is_owed_by_every_source(
    sessions: Sessions, clock: ShiftClock, seed: int
) -> None:
    chain = followed(sessions)
    rng = random.Random(seed)
    for number in (1, 2):
        alice = holder(sessions, diem=300, prepaid=700, number=number)
        grant(sessions, alice.account_id, Source.PRO_RATA, 40)
        spend(sessions, alice, rng, groups=rng.randint(1, 4))
        AdjustCredit(sessions).correct(Wish(f"case {number}", alice.wallet, NanoUsd(2), "a slip", "ada"))
    clock.jump_to(MIDNIGHT + 3_600)
    chain.mine(at=MIDNIGHT)
    follower(chain, sessions).step()
    ExpireCredit(sessions).expire_buckets()
    assert making(sessions).sweep() == 1
    said = statement(sessions)
    with sessions.begin() as session:
        journal = session.execute(
            text(
                "SELECT k.source, j.source, j.target, j.amount "
                "FROM journal AS j JOIN buckets AS k ON k.id = j.bucket_id"
            )
        ).all()
    moved: Counter[tuple[str, str]] = Counter()
    for source, out, into, amount in journal:
        moved[source, out] -= amount
        moved[source, into] += amount
    assert set(rows(said, "standing")) == set(rows(said, "day")) == set(SOURCES)
    for source, row in rows(said, "standing").items():
        there = moved[source, "available"] + moved[source, "held"]
        spent, expired = moved[source, "consumed"], moved[source, "expired"]
        assert row == {
            "granted": -moved[source, "issued"],
            "spent": spent,
            "expired": expired,
            "outstanding": there,
        }
        assert row["granted"] == row["spent"] + row["expired"] + row["outstanding"]
        # All of it was of that one day: what expired at its end, too.
        assert rows(said, "day")[source] == {name: row[name] for name in ("granted", "spent", "expired")}
    assert rows(said, "standing")["diem"]["outstanding"] == 0
    assert rows(said, "standing")["prepaid"]["outstanding"] > 0
    assert_books_close(sessions)


def test_a_statement_says_the_block_what_is_staked_and_held_the_acts_and_the_journals_heads(
    sessions: Sessions, clock: ShiftClock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chain = followed(sessions, at=MIDNIGHT)
    alice = holder(sessions, prepaid=100)
    AdjustCredit(sessions).grant(Wish("case", alice.wallet, NanoUsd(5), "an outage", "ada"))
    clock.jump_to(MIDNIGHT + 3_600)
    vault = Vault()
    assert making(sessions, vault).sweep() == 1
    said = statement(sessions)
    final = chain.headers_[-1]
    assert vault.asked == [final] or vault.asked[0].hash == final.hash
    assert (said["block_number"], said["block_hash"]) == (str(final.number), final.hash)
    assert said["diem_staked"] == str(3 * DIEM)
    assert said["usdc"] == [{"what": "revenue", "holder": "0x" + "77" * 20, "amount": "1500000"}]
    acts = RecordActs(sessions).since(TODAY)
    assert acts[-1].because == Because("ada", "an outage")
    assert (said["acts"], said["acts_hash"]) == (str(len(acts)), f"0x{acts_hash(acts).hex()}")
    file = tmp_path_factory.mktemp("published") / "statement.json"
    file.write_text(json.dumps(ReadStatements(sessions).of(TODAY)))
    heads = read_heads(file)
    report = audit(address(sessions), heads=heads)
    assert (report.findings, heads) == ([], report.heads)
    grant(sessions, alice.account_id, Source.PREPAID, 1_000)
    assert audit(address(sessions), heads=heads).findings == []
    other = Head(heads[0].lane, heads[0].number, bytes(32))
    assert len(audit(address(sessions), heads=[other]).findings) == 1


def test_a_day_has_one_statement_made_when_it_is_over_settled_and_final(
    sessions: Sessions, clock: ShiftClock
) -> None:
    chain = followed(sessions)
    alice = holder(sessions, diem=100)
    make = making(sessions)
    held = SpendCredit(sessions).hold(alice.gateway_id, alice.request(10, ttl=3_600))
    clock.jump_to(NOON + 100)
    assert make.sweep() == 0, "nothing was booked on the day before"
    clock.jump_to(MIDNIGHT + 3_600)
    assert make.sweep() == 0, "the final block is of the day itself"
    chain.mine(at=MIDNIGHT)
    follower(chain, sessions).step()
    assert make.sweep() == 0, "something is still held for the day"
    ExpireCredit(sessions).expire_holds()
    assert held.hold.epoch == TODAY
    assert make.sweep() == 1
    first = ReadStatements(sessions).of(TODAY)
    grant(sessions, alice.account_id, Source.PREPAID, 1_000)
    assert making(sessions).sweep() == 0
    assert ReadStatements(sessions).of(TODAY) == first
    assert [epoch for epoch, _ in ReadStatements(sessions).made()] == [TODAY]
    with pytest.raises(UnknownStatement):
        ReadStatements(sessions).of(Epoch(TODAY + 1))


def test_days_without_a_statement_are_made_up_for(sessions: Sessions, clock: ShiftClock) -> None:
    chain = followed(sessions, at=MIDNIGHT)
    clock.jump_to(MIDNIGHT + 3_600)
    assert making(sessions).sweep() == 1
    clock.jump_to(MIDNIGHT + 3 * SECONDS_PER_EPOCH + 3_600)
    chain.mine(at=MIDNIGHT + 3 * SECONDS_PER_EPOCH)
    follower(chain, sessions).step()
    assert making(sessions).sweep() == 3
    assert [epoch for epoch, _ in ReadStatements(sessions).made()] == [TODAY + 3, TODAY + 2, TODAY + 1, TODAY]


def test_without_the_node_or_with_another_final_block_meanwhile_nothing_is_stated(
    sessions: Sessions, clock: ShiftClock
) -> None:
    chain = followed(sessions, at=MIDNIGHT)
    clock.jump_to(MIDNIGHT + 3_600)
    vault = Vault()
    vault.fails = True
    with pytest.raises(NodeUnavailable):
        making(sessions, vault).sweep()

    def moves(block: Header) -> list[Holding]:
        chain.mine()
        follower(chain, sessions).step()
        return Vault()(block)

    assert MakeStatements(sessions, lambda: Attester(OPERATOR, Domain(1, ROOTS)), moves).sweep() == 0
    assert ReadStatements(sessions).made() == []
    assert MakeStatements(sessions, making(sessions)._attester, Vault(), lambda: False).sweep() == 0
    assert making(sessions).sweep() == 1


def test_a_day_that_cannot_be_stated_now_is_stated_before_those_after_it(
    sessions: Sessions, clock: ShiftClock
) -> None:
    chain = followed(sessions, at=MIDNIGHT)
    clock.jump_to(MIDNIGHT + 3_600)
    assert making(sessions).sweep() == 1
    clock.jump_to(MIDNIGHT + 3 * SECONDS_PER_EPOCH + 3_600)
    chain.mine(at=MIDNIGHT + 3 * SECONDS_PER_EPOCH)
    follower(chain, sessions).step()
    vault = Vault()

    def moved_once(block: Header) -> list[Holding]:
        if not vault.asked:
            chain.mine()
            follower(chain, sessions).step()
        return vault(block)

    made = MakeStatements(sessions, making(sessions)._attester, moved_once)
    assert made.sweep() + made.sweep() == 3
    assert [epoch for epoch, _ in ReadStatements(sessions).made()] == [TODAY + 3, TODAY + 2, TODAY + 1, TODAY]


@pytest.mark.parametrize("statement_", ["UPDATE statements SET document = '{}'", "DELETE FROM statements"])
def test_a_statement_can_be_neither_changed_nor_deleted(
    sessions: Sessions, clock: ShiftClock, statement_: str
) -> None:
    followed(sessions, at=MIDNIGHT)
    clock.jump_to(MIDNIGHT + 3_600)
    making(sessions).sweep()
    with pytest.raises(DBAPIError, match="is append-only"), sessions.begin() as session:
        session.execute(text(statement_))
