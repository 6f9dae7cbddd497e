"""/v1/admin by what the chain has: runs, the timelock's queue, USDC; and what is told without the node."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_utils.crypto import keccak
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.networks import load_network
from entitlement.core.acts import Because
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN, Wallet
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.kept_answer import KeptAnswer
from entitlement.settings import read_settings
from entitlement.wiring.service import Service, build_service
from tests.api.conftest import TOKEN_SECRET, Front
from tests.api.support import Person, assert_problem
from tests.chain.public_story import DAY, DELAY, HOURS, Story, reason_of
from tests.chain.system import System, deployed
from tests.support import catch_up

OPERATOR = Person()
PATIENCE = 120.0
"""A loaded machine takes its time, and that is no failure."""
ANYBODY = 4
EXECUTOR = keccak(text="EXECUTOR_ROLE")


def act(story: Story) -> None:
    """Two buybacks, and an operation of each kind that the timelock may be asked for."""
    contracts, system = story.system.contracts, story.system
    story.open_market()
    story.buy_back()
    rate = contracts.view("StakedVVV", "emissionRatePerSecond")
    done = story.schedule(("StakedVVV", "lowerEmissionRate", (rate * 3 // 4,)))
    story.wait(DELAY)
    story.do("Timelock", "execute", *done)
    story.buy_back(gift=5)
    story.cancel(story.schedule(("DiemMint", "raiseTarget", (41_000 * WEI_PER_TOKEN, 400 * DAY))))
    story.schedule(("StakedVVV", "lowerEmissionRate", (rate // 2,)))
    story.schedule(("DiemMint", "raiseTarget", (42_000 * WEI_PER_TOKEN, 400 * DAY)))
    story.schedule(
        ("BuybackBurner", "setBounds", ((5_000 * USDC_PER_DOLLAR, 6 * HOURS, 1_800, 100, 9_800),)),
        ("EpochRoots", "namePublisher", (system.address(2),)),
    )
    story.schedule(("CreditSales", "setPrice", (2, 70 * USDC_PER_DOLLAR)))
    story.schedule(("BuybackBurner", "nameKeeper", (system.address(3),)))
    story.schedule(("Guardian", "nameGuardian", (system.address(ANYBODY),)))
    story.schedule(("Timelock", "grantRole", (EXECUTOR, system.address(ANYBODY))))
    story.schedule(("Timelock", "revokeRole", (keccak(text="PROPOSER_ROLE"), system.address(0))))
    story.schedule(("Timelock", "updateDelay", (10 * DAY,)))
    # A function of a contract of ours that no power is asked for, and one that nobody knows.
    story.schedule(("VVV", "transfer", (system.address(2), 1)))


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with deployed(load_network("anvil"), load_artifacts()) as made:
        act(Story(made))
        yield made


@dataclass
class Watch:
    """A service over a real deployment, and the operator's session."""

    service: Service
    client: httpx.Client
    system: System

    def ask(self, name: str) -> httpx.Response:
        return self.client.get(f"/v1/admin/{name}", headers=OPERATOR.sign_in(self.client))

    def told(self, name: str) -> dict[str, Any]:
        answer = self.ask(name)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def age(self) -> None:
        """Let no answer that is kept be fresh any more."""
        for kept in kept_by(self.service):
            found = kept._found
            if found is not None:
                kept._found = (found[0], found[1] - 3_600)


def kept_by(service: Service) -> list[KeptAnswer[Any]]:
    return [
        service.public._figures,
        service.public._reasons,
        service.oversight._vault,
        service.oversight._liabilities,
    ]


def patient(service: Service) -> Service:
    for kept in kept_by(service):
        kept._times = replace(kept._times, patience=PATIENCE)
    return service


@contextmanager
def watching(front: Front, sessions: sessionmaker[Session], folder: Path, system: System) -> Iterator[Watch]:
    record = folder / "31337.json"
    write_deployment(system.deployment, record)
    settings = read_settings(
        data_folder=folder,
        token_secret=TOKEN_SECRET,
        operators=f"{OPERATOR.address},{system.address(0)}",
        treasury=system.address(ANYBODY),
        deployment=record,
        rpc_url=system.anvil.url,
    )
    service = patient(build_service(settings, load_network("anvil"), sessions))
    follow = FollowChain(
        system.reader,
        sessions,
        FollowLimits(blocks_per_step=1_000),
        start_block=system.deployment.start_block,
    )
    catch_up(follow)
    front.app = create_app(service)
    with httpx.Client(base_url=front.url, timeout=60) as client:
        yield Watch(service, client, system)


@pytest.fixture
def watch(front: Front, sessions: sessionmaker[Session], tmp_path: Path, system: System) -> Iterator[Watch]:
    with watching(front, sessions, tmp_path, system) as made:
        yield made


def test_an_operation_says_why_and_by_whom_where_that_was_kept_and_is_its_own_reason(watch: Watch) -> None:
    ids = [each["operation"]["id"] for each in watch.told("timelock")["operations"]][::-1]
    batch = next(
        place
        for place, each in enumerate(watch.told("timelock")["operations"][::-1])
        if len(each["operation"]["calls"]) > 1
    )
    acts = watch.service.acts
    acts.record_reason(ids[0], Because("ada", reason_of(1)))
    acts.record_reason(ids[0], Because("eve", "another"))
    acts.record_reason(ids[batch], Because("bob", reason_of(batch + 1)))
    acts.record_reason(ids[1], Because("eve", "what nobody said"))
    watch.age()
    told = {each["operation"]["id"]: each for each in watch.told("timelock")["operations"]}
    said = {name: (each["operation"]["reason"], each["made_by"]) for name, each in told.items()}
    assert said[ids[0]] == (reason_of(1), "ada")
    assert said[ids[batch]] == (reason_of(batch + 1), "bob")
    assert {said[name] for name in ids if name not in (ids[0], ids[batch])} == {(None, None)}
    public = watch.client.get("/v1/public/powers").json()["operations"]
    assert {each["id"]: each["reason"] for each in public} == {name: said[name][0] for name in said}
    assert all("made_by" not in each for each in public)
    page = watch.client.get("/public").text
    assert f"Because: {escape(reason_of(1))}" in page
    assert "what nobody said" not in page


def test_both_wallets_that_the_setting_names_are_operators_however_they_are_written(watch: Watch) -> None:
    for address in (OPERATOR.address, watch.system.address(0)):
        assert watch.service.oversight.is_operator(Wallet(address.lower()))
    assert not watch.service.oversight.is_operator(watch.system.wallet(2))


def test_usdc_is_what_the_token_says_at_the_block_that_is_named(watch: Watch) -> None:
    usdc = watch.told("liabilities")["usdc"]
    head = watch.system.devnet.head()
    assert (usdc["block"], usdc["block_hash"], usdc["block_time"]) == (
        head.number,
        head.hash,
        head.timestamp,
    )
    contracts = watch.system.contracts
    holders = {
        "revenue": watch.system.deployment.parameters.revenue,
        "BuybackBurner": contracts.address("BuybackBurner"),
        "treasury 1": watch.system.address(ANYBODY),
    }
    assert {each["what"]: (each["holder"], int(each["amount"])) for each in usdc["holdings"]} == {
        what: (holder, contracts.view("DevDollar", "balanceOf", holder, block=head.number))
        for what, holder in holders.items()
    }
    assert int(next(each for each in usdc["holdings"] if each["what"] == "BuybackBurner")["amount"]) > 0


def test_runs_of_the_chain_are_those_of_its_logs_the_newest_first(watch: Watch) -> None:
    found = watch.told("buybacks")
    chain = found["chain"]
    assert (found["chain_problem"], found["journal"]) == (None, [])
    assert [each["run"] for each in chain["runs"]] == [1, 0]
    public = watch.client.get("/v1/public/buybacks").raise_for_status().json()
    assert chain["runs"] == list(reversed(public["runs"]))
    for name in ("next_run", "next_run_at", "set_aside"):
        assert chain[name] == public[name]
    for each in chain["runs"]:
        receipt = watch.system.contracts.web3.eth.get_transaction_receipt(each["transaction"])
        assert receipt["blockNumber"] == each["block"]


def test_the_queue_is_the_public_one_with_what_each_operation_would_change(watch: Watch) -> None:
    told = watch.told("timelock")
    public = watch.client.get("/v1/public/powers").raise_for_status().json()
    assert [each["operation"] for each in told["operations"]] == public["operations"]
    assert told["delay"] == public["delay"]
    ended = [each for each in told["operations"] if each["operation"]["state"] in ("executed", "cancelled")]
    assert len(ended) == 2
    assert [each["changes"] for each in ended] == [[], []]
    contracts, system = watch.system.contracts, watch.system
    rate = contracts.view("StakedVVV", "emissionRatePerSecond")
    lot, hop, window, deviation, floor = contracts.view("BuybackBurner", "bounds")
    changes = {
        each["setting"]: (each["now"], each["then"], each["unit"])
        for operation in told["operations"]
        for each in operation["changes"]
    }
    assert changes == {
        "emission": (str(rate), str((rate * 4 // 3 + 1) // 2), "VVV wei a second"),
        "target at the end of its ramp": (
            str(contracts.view("DiemMint", "target")), str(42_000 * WEI_PER_TOKEN), "DIEM wei",
        ),
        "most that one buyback spends": (str(lot), str(5_000 * USDC_PER_DOLLAR), "USDC units"),
        "time from one buyback to the next": (str(hop), str(6 * HOURS), "seconds"),
        "distance of the price from the mean": (str(deviation), "100", "ticks of 0.01 %"),
        "publisher": (contracts.view("EpochRoots", "publisher"), system.address(2), "address"),
        "price of membership tier 2": (
            str(contracts.view("CreditSales", "priceOf", 2)), str(70 * USDC_PER_DOLLAR),
            "USDC units a month",
        ),
        "keeper": (contracts.view("BuybackBurner", "keeper"), system.address(3), "address"),
        "guardian": (contracts.view("Guardian", "guardian"), system.address(ANYBODY), "address"),
        f"executor of the timelock: {system.address(ANYBODY)}": ("not held", "held", "role"),
        f"proposer of the timelock: {system.address(0)}": ("held", "not held", "role"),
        "delay of the timelock": (
            str(contracts.view("Timelock", "getMinDelay")), str(10 * DAY), "seconds",
        ),
    }  # fmt: skip
    # The window and the floor stay as they are, so nothing is said of them.
    assert (window, floor) == (1_800, 9_800)
    unknown = next(each for each in told["operations"] if each["operation"]["calls"][0]["contract"] == "VVV")
    assert unknown["changes"] == []
    assert unknown["operation"]["calls"][0]["function"] == "transfer(address,uint256)"


def test_while_the_node_is_away_every_answer_is_stale_and_says_why_and_none_is_an_error_of_ours(
    front: Front, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with deployed(load_network("anvil"), load_artifacts()) as system:
        with watching(front, sessions, tmp_path, system) as watch:
            before = {name: watch.told(name) for name in ("liabilities", "buybacks", "timelock")}
            system.anvil.stop()
            watch.age()
            told = watch.told("liabilities")["usdc"]
            assert told["holdings"] == before["liabilities"]["usdc"]["holdings"]
            assert_stale(told)
            told = watch.told("buybacks")["chain"]
            assert told["runs"] == before["buybacks"]["chain"]["runs"]
            assert_stale(told["read"])
            told = watch.told("timelock")
            assert told["operations"] == before["timelock"]["operations"]
            assert_stale(told["read"])
            assert watch.told("health")["following"]["head_block"] > 0
            assert watch.told("acts")
        # A process that has never reached it.
        fresh = build_service(
            read_settings(
                data_folder=tmp_path / "anew",
                token_secret=TOKEN_SECRET,
                operators=OPERATOR.address,
                deployment=tmp_path / "31337.json",
                rpc_url=system.anvil.url,
            ),
            load_network("anvil"),
            sessions,
        )
        front.app = create_app(patient(fresh))
        watch = replace(watch, service=fresh)
        with httpx.Client(base_url=front.url, timeout=60) as watch.client:
            told = watch.told("liabilities")
            assert (told["usdc"], "did not answer" in told["usdc_problem"]) == (None, True)
            told = watch.told("buybacks")
            assert (told["chain"], "did not answer" in told["chain_problem"]) == (None, True)
            refused = assert_problem(watch.ask("timelock"), 503, "unavailable")
            assert "did not answer" in refused["detail"]


def assert_stale(read: dict[str, Any]) -> None:
    assert read["is_stale"]
    assert read["age_seconds"] >= 3_600
    assert "the node did not answer" in read["problem"]
