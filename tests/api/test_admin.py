"""/v1/admin by what the ledger has: for sessions of the operator's wallets, each figure as it is stored."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.attest import Attester
from entitlement.chain.networks import load_network
from entitlement.core.acts import ActKind, Because
from entitlement.core.attested import SOURCES, Domain
from entitlement.core.blocks import Header
from entitlement.core.buyback_policy import Policy, Schedule
from entitlement.core.buyback_run import Attempt, Kind, Run, RunState
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at
from entitlement.core.errors import NodeUnavailable
from entitlement.core.events import DiemStaked
from entitlement.core.holds import HoldKind, LeaseReport
from entitlement.core.ledger import Source
from entitlement.core.statements import Holding
from entitlement.core.units import NanoUsd, Usdc, Wei, wallet
from entitlement.flows.close_epochs import CloseEpochs
from entitlement.flows.govern_buybacks import GovernBuybacks
from entitlement.flows.make_statements import MakeStatements
from entitlement.flows.oversee import FRESH_SECONDS, MOST_ACTS, Oversee
from entitlement.settings import read_settings
from entitlement.store import buyback_rules, buybacks, roots, verification
from entitlement.store.buyback_rules import Announced, By
from entitlement.store.clock import service_time
from entitlement.store.tables import OutboxRow
from entitlement.store.verification import Verified
from entitlement.wiring.service import build_service
from tests.api.conftest import TOKEN_SECRET, Front
from tests.api.support import Person, assert_problem, bearer
from tests.api.world import World, make_world
from tests.proofs import Days
from tests.support import DIEM, NOON, USD, ScriptedChain, follower, grant, holder, wallet_number

OPERATOR, OTHER = Person(), Person(2)
ROUTES = ("health", "liabilities", "buybacks", "timelock", "acts")
BURNER = wallet_number(0xB)
BY = By("Ada", "to see it")
PATIENCE = 120.0
"""A loaded machine takes its time, and that is no failure."""


class Vault:
    """What addresses hold, as a node tells it that can be away."""

    is_away = False
    amount = 1_500_000

    def __call__(self, block: Header) -> list[Holding]:
        if self.is_away:
            raise NodeUnavailable(method="eth_call", reason="gone")
        return [Holding("revenue", wallet_number(7), self.amount + block.number)]


@dataclass
class Office:
    """A world whose person is the operator; answers age by a clock that is moved by hand."""

    vault: Vault = field(default_factory=Vault)
    time: float = 0.0
    world: World = field(init=False)

    @property
    def sessions(self) -> sessionmaker[Session]:
        return self.world.sessions

    def ask(self, name: str, headers: dict[str, str] | None = None, **query: int) -> httpx.Response:
        # A session ends with the day, and the tests live for weeks.
        signed = OPERATOR.sign_in(self.world.client) if headers is None else headers
        return self.world.client.get(f"/v1/admin/{name}", params=query, headers=signed)

    def told(self, name: str, **query: int) -> dict[str, Any]:
        self.time += FRESH_SECONDS
        answer = self.ask(name, **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def opened(
    front: Front, sessions: sessionmaker[Session], folder: Path, operators: str | None
) -> Iterator[Office]:
    office = Office()
    settings = read_settings(
        data_folder=folder,
        token_secret=TOKEN_SECRET,
        operators=operators,
        deployment=folder / "31337.json",
    )
    service = build_service(settings, load_network("anvil"), sessions)
    service.clock.jump_to(NOON)
    if operators is not None:
        allowed = frozenset(wallet(each) for each in settings.operators)
        watched = Oversee(sessions, allowed, lambda: BURNER, office.vault, lambda: office.time, PATIENCE)
        service = replace(service, oversight=watched)
    front.app = create_app(service)
    with httpx.Client(base_url=front.url, timeout=60) as client:
        office.world = make_world(service, sessions, client)
        yield office


@pytest.fixture
def office(front: Front, sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Office]:
    yield from opened(front, sessions, tmp_path, OPERATOR.address)


# --- who may look ---------------------------------------------------------------------------------------


def test_a_session_of_an_operators_wallet_is_answered_and_nobody_else_is(office: Office) -> None:
    world = office.world
    assert world.person.address == OPERATOR.address
    keys = [
        bearer(world.make_key(type=kind).raise_for_status().json()["secret"])
        for kind in ("INFERENCE", "ADMIN")
    ]
    for name in ROUTES:
        assert_problem(office.ask(name, {}), 401, "not_authenticated")
        assert_problem(office.ask(name, world.gateway), 401, "not_authenticated")
        for key in keys:
            refused = assert_problem(office.ask(name, key), 403, "not_allowed")
            assert "takes a session, not an API key" in refused["detail"]
        refused = assert_problem(office.ask(name, OTHER.sign_in(world.client)), 403, "not_allowed")
        assert "ENTITLEMENT_OPERATORS" in refused["detail"]
        assert OTHER.wallet in refused["detail"]
        # The timelock is on the chain, and none is followed here: allowed, and not there.
        assert office.ask(name).status_code == (503 if name == "timelock" else 200)


def test_where_no_operator_is_named_nobody_is_one_and_is_told_how(
    front: Front, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    for office in opened(front, sessions, tmp_path, None):
        for name in ROUTES:
            refused = assert_problem(office.ask(name), 403, "not_allowed")
            assert "ENTITLEMENT_OPERATORS" in refused["detail"]
        roles = office.world.client.get("/v1/wallet/roles", headers=office.world.signed_in)
        assert roles.json() == {"operator": False}


def test_a_session_learns_whether_the_view_is_for_it(office: Office) -> None:
    world = office.world

    def roles(headers: dict[str, str]) -> object:
        return world.client.get("/v1/wallet/roles", headers=headers).raise_for_status().json()

    assert roles(world.signed_in) == {"operator": True}
    assert roles(OTHER.sign_in(world.client)) == {"operator": False}
    secret = world.make_key(type="ADMIN").raise_for_status().json()["secret"]
    assert roles(bearer(secret)) == {"operator": False}
    assert_problem(world.client.get("/v1/wallet/roles"), 401, "not_authenticated")


def test_nothing_can_be_changed_by_the_view(office: Office) -> None:
    for name in ROUTES:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = office.world.client.request(
                method, f"/v1/admin/{name}", headers=office.world.signed_in, json={}
            )
            assert_problem(answer, 405, "method_not_allowed")


# --- health ---------------------------------------------------------------------------------------------


def test_health_tells_how_following_stands_and_why_it_cannot_be_relied_on(office: Office) -> None:
    told = office.told("health")
    assert (told["following"], told["verified"], told["ready"]) == (None, None, False)
    assert told["jobs"] == {"follow": None, "verify": None, "publish": None, "state": None}
    chain = ScriptedChain(finality_depth=2)
    for _ in range(5):
        chain.mine()
    chain.mine(at=NOON)
    follower(chain, office.sessions).step()
    with office.sessions.begin() as session:
        now = service_time(session)
        verification.keep(
            session, Verified(4, now, 7, 2, None), first_difference="0x1 differs", is_whole=True
        )
    office.world.later(45)
    told, ready = office.told("health"), office.world.client.get("/health/ready").json()
    following = told["following"]
    assert (following["head_block"], following["final_block"], following["node_block"]) == (6, 4, 6)
    assert (following["head_time"], following["final_time"]) == (NOON, chain.headers_[4].timestamp)
    assert following["blocks_behind"] == 0
    assert following["seconds_since_step"] >= 45
    assert following["check_failed"].endswith("0x1 differs")
    assert (following["problem"], following["granting_stopped"]) == (None, None)
    assert told["verified"] == {"block": 4, "verified_at": now, "wallets": 7, "differences": 2}
    assert told["jobs"]["verify"] == now
    assert told["jobs"]["follow"] == told["now"] - following["seconds_since_step"]
    assert not told["ready"]
    # The two were asked one after the other, perhaps on either side of a second's end.
    assert [_timeless(each) for each in told["reasons"]] == [_timeless(each) for each in ready["reasons"]]
    assert len(told["reasons"]) == 2


def _timeless(reason: str) -> str:
    """Return the reason without the seconds it counts."""
    return re.sub(r"\b\d+ s ago", "some seconds ago", reason)


def test_health_counts_what_is_open_by_what_is_still_set_aside(office: Office) -> None:
    world = office.world
    nothing = {"count": 0, "amount": "0"}
    assert (office.told("health")["holds"], office.told("health")["leases"]) == (nothing, nothing)
    world.held(70_000_000, "r1")
    ended = world.held(5_000, "r2")
    world.held(400, "r3")
    world.capture(ended, 5_000)
    lease = world.rich.request(900_000, "l1", kind=HoldKind.LEASE, ttl=60)
    made = world.service.spend.hold(world.rich.gateway_id, lease)
    told = office.told("health")
    assert told["holds"] == {"count": 2, "amount": "70000400"}
    assert told["leases"] == {"count": 1, "amount": "900000"}
    report = LeaseReport(NanoUsd(200_000), NanoUsd(300_000), NanoUsd(1), 60, None)
    world.service.spend.renew(world.rich.gateway_id, made.hold.id, report)
    assert office.told("health")["leases"] == {"count": 1, "amount": held_by_leases(office)}
    owed = {each["source"]: each["held"] for each in office.told("liabilities")["owed"]}
    told = office.told("health")
    assert int(owed["diem"]) == int(told["holds"]["amount"]) + int(told["leases"]["amount"])


def held_by_leases(office: Office) -> str:
    """What buckets hold, less the two holds of the test."""
    with office.sessions.begin() as session:
        return str(int(session.execute(text("SELECT sum(held) FROM buckets")).scalar_one()) - 70_000_400)


def test_health_counts_webhooks_that_wait(office: Office) -> None:
    assert office.told("health")["webhooks"] == {"waiting": 0, "failing": 0, "oldest_at": None}
    with office.sessions.begin() as session:
        for number, (due_at, outcome) in enumerate([(NOON, None), (NOON + 9, "500"), (None, "200")]):
            row = OutboxRow(
                event_id=f"evt_{number}", account_id=1, kind="credit.low", epoch=number, available=1,
                granted=2, created_at=NOON + number, due_at=due_at, tries=number, outcome=outcome,
            )  # fmt: skip
            session.add(row)
    assert office.told("health")["webhooks"] == {"waiting": 2, "failing": 1, "oldest_at": NOON}


def test_health_tells_the_last_day_that_was_closed_and_the_last_root_that_is_final(office: Office) -> None:
    days = Days(office.sessions, office.world.service.clock)
    days.grant({1: 3})
    today = epoch_at(NOON)
    days.end(Epoch(today + 1))
    CloseEpochs(office.sessions).close_due(today)
    told = office.told("health")
    assert told["roots"] == {"last_closed": today + 1, "last_published": None, "waiting": 2}
    assert told["jobs"]["publish"] >= (today + 2) * SECONDS_PER_EPOCH
    with office.sessions.begin() as session:
        roots.keep_file_hash(session, today, "0x" + "1" * 64)
        roots.keep_published(session, today, block=9, transaction_hash="0x" + "2" * 64)
    assert office.told("health")["roots"] == {
        "last_closed": today + 1, "last_published": today, "waiting": 1,
    }  # fmt: skip


# --- liabilities ----------------------------------------------------------------------------------------


def followed(office: Office) -> ScriptedChain:
    chain = ScriptedChain()
    chain.mine(partial(DiemStaked, wallet=wallet_number(1), amount=Wei(3 * DIEM)), at=NOON)
    follower(chain, office.sessions).step()
    return chain


def test_what_is_owed_is_what_the_books_say_by_source_on_the_day_and_since_ever(office: Office) -> None:
    world = office.world
    followed(office)
    grant(office.sessions, world.rich.account_id, Source.PREPAID, 20 * USD)
    other = holder(office.sessions, diem=2 * USD, number=9)
    world.capture(world.held(3 * USD, "r1"), 3 * USD)
    world.held(50_000, "r2")
    told = office.told("liabilities")
    assert (told["epoch"], told["diem_staked"]) == (epoch_at(NOON), str(3 * DIEM))
    assert (told["is_stale"], told["problem"]) == (False, None)
    day = {each.pop("source"): {name: int(value) for name, value in each.items()} for each in told["day"]}
    owed = {each.pop("source"): {name: int(value) for name, value in each.items()} for each in told["owed"]}
    assert list(day) == list(owed) == list(SOURCES)
    assert day["diem"] == {"granted": 3 * USD, "spent": USD, "expired": 0}
    assert day["prepaid"] == {"granted": 20 * USD, "spent": 2 * USD, "expired": 0}
    assert owed["prepaid"] == day["prepaid"] | {"outstanding": 18 * USD, "held": 50_000}
    assert owed["diem"] == day["diem"] | {"outstanding": 2 * USD, "held": 0}
    assert owed["membership"] == {"granted": 0, "spent": 0, "expired": 0, "outstanding": 0, "held": 0}
    # A day on what belongs to a day is gone, and what was bought is not.
    world.service.clock.jump_to((epoch_at(NOON) + 1) * SECONDS_PER_EPOCH + 60)
    world.service.expiry.expire_buckets()
    grant(office.sessions, other.account_id, Source.DIEM, USD)
    told = office.told("liabilities")
    day = {each["source"]: each for each in told["day"]}
    owed = {each["source"]: each for each in told["owed"]}
    assert (day["diem"]["granted"], day["diem"]["spent"]) == (str(USD), "0")
    assert (owed["diem"]["granted"], owed["diem"]["expired"]) == (str(4 * USD), str(2 * USD))
    assert owed["diem"]["outstanding"] == str(USD)
    assert owed["prepaid"]["outstanding"] == str(18 * USD)


def test_statements_are_told_as_they_were_signed_the_newest_first_and_no_more_than_thirty(
    office: Office,
) -> None:
    chain = followed(office)
    attester = Attester(Account.from_key("0x" + "42" * 32), Domain(31_337, "0x" + "ab" * 20))
    making = MakeStatements(office.sessions, lambda: attester, office.vault)
    first = epoch_at(NOON)
    # The first sweep states the newest day alone, and a later one makes up for 31 days at the most.
    for last in (first, first + 20, first + 33):
        end = (last + 1) * SECONDS_PER_EPOCH
        office.world.service.clock.jump_to(end + 3_600)
        chain.mine(at=end)
        follower(chain, office.sessions).step()
        making.sweep()
    told = office.told("liabilities")["statements"]
    assert [each["epoch"] for each in told] == list(range(first + 33, first + 3, -1))
    for each in (told[0], told[-1]):
        path = f"/v1/public/statements/{each['epoch']}"
        signed = office.world.client.get(path).raise_for_status().json()["message"]
        for name in ("diem_staked", "day", "standing", "usdc"):
            assert each[name] == signed[name]
        assert (str(each["made_at"]), str(each["block"]), str(each["acts"])) == (
            signed["made_at"],
            signed["block_number"],
            signed["acts"],
        )
    assert office.told("health")["jobs"]["state"] == told[0]["made_at"]


def test_while_the_node_is_away_the_books_are_told_and_what_is_held_with_its_age_or_a_reason(
    office: Office,
) -> None:
    told = office.told("liabilities")
    assert told["usdc"] is None
    assert "the chain has not been followed yet" in told["usdc_problem"]
    chain = followed(office)
    head = chain.headers_[-1]
    told = office.told("liabilities")
    assert told["usdc_problem"] is None
    usdc = told["usdc"]
    assert (usdc["block"], usdc["block_hash"], usdc["block_time"]) == (1, head.hash, head.timestamp)
    assert (usdc["is_stale"], usdc["problem"]) == (False, None)
    assert usdc["holdings"] == [{"what": "revenue", "holder": wallet_number(7), "amount": "1500001"}]
    office.vault.is_away = True
    office.time += 3_600
    grant(office.sessions, office.world.rich.account_id, Source.PREPAID, USD)
    told = office.told("liabilities")
    assert told["usdc"]["holdings"] == usdc["holdings"]
    assert told["usdc"]["is_stale"]
    assert told["usdc"]["age_seconds"] >= 3_600
    assert "the node did not answer" in told["usdc"]["problem"]
    assert not told["is_stale"]
    assert {each["source"]: each["outstanding"] for each in told["owed"]}["prepaid"] == str(USD)


# --- buybacks -------------------------------------------------------------------------------------------


def test_policies_the_plan_and_the_journal_are_told_without_what_a_plan_s_times_are_drawn_from(
    office: Office,
) -> None:
    govern, today = GovernBuybacks(office.sessions), epoch_at(NOON)
    told = office.told("buybacks")
    assert (told["policies"], told["veto"], told["announced"], told["open_run"]) == ([], None, None, None)
    assert (told["in_force"]["schedule"], told["in_force"]["revenue_share"]) == ("off", 0)
    first = Policy(schedule=Schedule.WEEKLY, revenue_share=2_500, minimum=Usdc(7 * 10**6))
    govern.set_policy(replace(first, revenue_share=1), BY)
    govern.set_policy(first, By("Bob", "better so"))
    govern.set_policy(Policy(), BY, from_epoch=Epoch(today + 3))
    plan = Announced(
        0, today, Epoch(today - 1), Usdc(9_000 * 10**6), 3, "telltale-seed", "announced", NOON + 60,
        NOON + 90, None,
    )  # fmt: skip
    run = Run(
        id=0, plan_id=None, number=4, keeper=wallet_number(5), nonce=12, usdc=Usdc(5 * 10**6),
        minimum=Wei(10**18), floor=Wei(9), deadline=NOON + 600, state=RunState.PLANNED,
    )  # fmt: skip
    sent = Attempt(1, Kind.EXECUTE, "0x" + "ab" * 32, b"telltale", 2 * 10**9, 10**9, None)
    with office.sessions.begin() as session:
        plan_id = buyback_rules.announce(session, plan, NOON)
        begun = buybacks.begin(session, replace(run, plan_id=plan_id), BURNER, NOON)
        buybacks.add_attempt(session, begun, sent, NOON)
        buybacks.note_sent(session, begun, sent, NOON + 5)
    answer = office.ask("buybacks")
    told = answer.json()
    assert told["in_force"] == told["policies"][1]["policy"]
    assert told["in_force"] == {
        "schedule": "weekly", "revenue_share": 2_500, "per_subscription": "0", "purchase_share": 0,
        "minimum": "7000000", "impact": 50, "slippage": 50, "spacing": 14_400, "jitter": 7_200,
        "veto": 86_400,
    }  # fmt: skip
    assert [(each["from_epoch"] - today, each["made_by"]) for each in told["policies"]] == [
        (3, "Ada"),
        (0, "Bob"),
        (0, "Ada"),
    ]
    assert told["announced"] == {
        "plan": plan_id, "epoch": today, "through_epoch": today - 1, "amount": "9000000000", "lots": 3,
        "not_before": NOON + 60, "next_lot_at": NOON + 90, "reason": None,
    }  # fmt: skip
    (journal,) = told["journal"]
    assert told["open_run"] == journal["run"] == 4
    assert (journal["state"], journal["plan"], journal["offered"]) == ("sent", plan_id, "5000000")
    assert journal["attempts"] == [
        {
            "number": 1, "kind": "execute", "hash": "0x" + "ab" * 32, "max_fee": str(2 * 10**9),
            "tip": str(10**9), "sent_at": NOON + 5,
        }
    ]  # fmt: skip
    assert "telltale" not in answer.text
    assert told["chain"] is None
    assert "no deployment is recorded" in told["chain_problem"]
    govern.veto(By("Eve", "stop"), until=None)
    told = office.told("buybacks")
    assert (told["announced"], told["veto"]["holds"], told["veto"]["made_by"]) == (None, True, "Eve")
    govern.allow(BY)
    assert not office.told("buybacks")["veto"]["holds"]


# --- acts -----------------------------------------------------------------------------------------------


def test_acts_are_told_newest_first_page_by_page_each_once_with_who_and_why(office: Office) -> None:
    acts, count = office.world.service.acts, 2 * MOST_ACTS + 3
    before = len(office.told("acts")["acts"])
    for number in range(count - before):
        acts.record(
            ActKind.CLOCK_JUMP,
            Because("ada", f"why {number}"),
            subject="anvil",
            figures={"to": 10**18 + number},
        )
    pages, cursor = [office.told("acts")], None
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append(office.told("acts", cursor=cursor))
        # Whatever is done meanwhile is on none of the pages that follow.
        acts.record(ActKind.CLOCK_JUMP, Because("ada", "later"), subject="anvil")
    assert [len(each["acts"]) for each in pages] == [MOST_ACTS, MOST_ACTS, 3]
    told = [each for page in pages for each in page["acts"]]
    assert [each["id"] for each in told] == sorted({each["id"] for each in told}, reverse=True)
    assert told[0] == {
        "id": told[0]["id"], "made_at": told[0]["made_at"], "kind": "clock.jump", "subject": "anvil",
        "reference": None, "figures": {"to": str(10**18 + count - before - 1)}, "made_by": "ada",
        "reason": f"why {count - before - 1}",
    }  # fmt: skip
    assert_problem(office.ask("acts", cursor=0), 400, "invalid_request")


def test_a_last_page_that_is_full_is_followed_by_none(office: Office) -> None:
    count = MOST_ACTS - len(office.told("acts")["acts"])
    for number in range(count):
        office.world.service.acts.record(ActKind.REINDEX, Because("ada", f"{number}"), subject="anvil")
    told = office.told("acts")
    assert len(told["acts"]) == MOST_ACTS
    assert told["next_cursor"] is None
