"""Public figures on real contracts: they add up, are of one block, and anybody can find each again."""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from entitlement.api.public_figures import buybacks_out, diem_out, emission_out, supply_out
from entitlement.api.public_powers import powers_out
from entitlement.api.public_schemas import FigureOut
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.deployment.powers import power_findings
from entitlement.chain.networks import Network
from entitlement.chain.public.kept import KeptHistory
from entitlement.chain.public.snapshot import Snapshot, SnapshotReader
from entitlement.chain.public.views import PublicViews
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import InconsistentNode, NodeUnavailable, TransactionFailed
from entitlement.core.public_events import EmissionAccrued
from entitlement.core.public_history import OperationState, operations
from entitlement.flows.kept_answer import Held
from tests.chain.lying_node import lying_node
from tests.chain.public_story import DEAD, LOT, VVV, Story
from tests.chain.random_users import RandomUsers
from tests.chain.system import DEPLOYER, USERS, System, deployed

ACTS = 40
ROUNDS = 12
PATIENCE_SECONDS = 60
CALL = re.compile(r"cast call (0x\w{40}) '(\w+)\((.*)\)\((.*)\)'(?: (0x\w+))? --block (\d+)")


@pytest.fixture(scope="module")
def told(network: Network, artifacts: Artifacts) -> Iterator[System]:
    """A system in which something of everything has happened; tests of it only look."""
    with deployed(network, artifacts) as made:
        Story(made).tell()
        yield made


def reader_of(
    system: System, kept: KeptHistory | None = None, *, url: str | None = None, **changes: object
) -> SnapshotReader:
    network = replace(system.network, **changes)  # type: ignore[arg-type]
    return SnapshotReader(url or system.anvil.url, network, system.deployment, system.artifacts, kept)


def held(snapshot: Snapshot) -> Held[Snapshot]:
    return Held(snapshot, 0.0, is_stale=False, problem=None)


def test_the_parts_of_the_supply_are_what_random_users_and_contracts_hold(
    network: Network, artifacts: Artifacts
) -> None:
    with deployed(network, artifacts) as system:
        users, reader = RandomUsers(system, seed=5), reader_of(system)
        users.settle_in()
        story = Story(system)
        for number in range(ACTS):
            users.act()
            if number % 10 == 0:
                story.do("VVV", "burn", 10**18 + number)
                story.do("VVV", "transfer", DEAD, 7)
            if number % 8 == 0:
                supply = reader.read().supply
                views = system.contracts.view
                in_wallets = sum(views("VVV", "balanceOf", system.address(user)) for user in USERS)
                assert supply.wallets == in_wallets
                assert supply.treasury == views("VVV", "balanceOf", system.address(DEPLOYER))
                assert supply.burned > 0
                assert supply.circulating == supply.pool + supply.treasury + in_wallets
                parts = supply.unlocked + supply.locked + supply.cooling + supply.rewards
                assert supply.total == supply.circulating + parts + supply.in_contracts + supply.dead_address
                assert supply.unlocked == sum(
                    views("StakedVVV", "balanceOfUnlocked", system.address(user))
                    for user in (DEPLOYER, *USERS)
                )
        assert users.succeeded > ACTS // 2


def test_all_figures_are_of_one_block_while_others_go_on(network: Network, artifacts: Artifacts) -> None:
    with deployed(network, artifacts) as system, lying_node(system.anvil.url) as node:

        def below_newest(asked: list[Any], told: dict[str, str]) -> object:
            return told if asked[0] != "latest" else block(int(told["number"], 16) - 1, asked[1])

        def block(number: int, whole: object) -> object:
            return system.rpc.call("eth_getBlockByNumber", hex(number), whole)

        # Anvil answers a view at its newest block from the state of the next one, if that is mined just then.
        node.lie("eth_getBlockByNumber", below_newest)
        reader, users = reader_of(system, url=node.url), RandomUsers(system, seed=6)
        users.settle_in()
        is_over = threading.Event()

        def go_on() -> None:
            while not is_over.is_set():
                system.transact(1, "StakedVVV", "claim")
                system.transact(2, "VVV", "burn", 10**15)

        others = threading.Thread(target=go_on)
        others.start()
        found: list[Snapshot] = []
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while len({snapshot.block for snapshot in found}) < ROUNDS:
                assert time.monotonic() < until, "nothing went on meanwhile"
                found.append(reader.read())
        finally:
            is_over.set()
            others.join()
        for snapshot in found:
            assert all(check.holds for check in snapshot.checks)
            for question, answer in snapshot.answers.items():
                if question.address is None:
                    at = {"block": snapshot.block.hash}
                    again = system.contracts.view(
                        question.contract, question.function, *question.arguments, **at
                    )
                    assert again == answer, question


def test_every_line_to_compute_a_figure_again_gives_that_figure(told: System) -> None:
    snapshot = reader_of(told).read()
    answers = [
        make(held(snapshot)) for make in (supply_out, diem_out, emission_out, buybacks_out, powers_out)
    ]
    figures = [figure for answer in answers for _, figure in answer if isinstance(figure, FigureOut)]
    asked = 0
    for figure in figures:
        assert figure.recompute
        assert (figure.block, figure.block_hash, figure.block_time) == (
            snapshot.block.number,
            snapshot.block.hash,
            snapshot.block.timestamp,
        )
        parts = CALL.fullmatch(figure.recompute)
        if parts is not None:
            address, function, inputs, outputs, argument, block = parts.groups()
            data = keccak(text=f"{function}({inputs})")[:4] + encode([inputs], [argument]) if inputs else None
            data = data or keccak(text=f"{function}()")[:4]
            call = {"to": address, "data": "0x" + data.hex()}
            answer = str(told.rpc.call("eth_call", call, hex(int(block))))
            assert str(decode([outputs], bytes.fromhex(answer[2:]))[0]) == figure.amount, figure.recompute
            asked += 1
    assert asked > 12


def test_every_buyback_is_told_with_its_price_and_the_mean_of_the_moment(told: System) -> None:
    found = buybacks_out(held(reader_of(told).read()))
    assert [run.run for run in found.runs] == [0, 1, 2, 3]
    assert [int(run.usdc) for run in found.runs] == [LOT, LOT, LOT // 2, LOT]
    assert [int(run.donated) for run in found.runs] == [0, 5 * VVV, 0, 0]
    assert int(found.burned_by_runs.amount) == sum(int(run.bought) + int(run.donated) for run in found.runs)
    assert int(found.burned_by_all.amount) == int(found.burned_by_runs.amount) + 12_345 * VVV
    assert sum(int(month.burned) for month in found.burned_by_month) == int(found.burned_by_all.amount)
    for run in found.runs:
        # The pool's fee is 0.3 %, and a lot moves the price by less than another half.
        assert 3_000 <= run.over_mean_millionths <= 8_000
        assert int(run.price_paid) > int(run.price_mean) > 3_500_000
        receipt = told.contracts.web3.eth.get_transaction_receipt(run.transaction)  # type: ignore[arg-type]
        assert (receipt["blockNumber"], "0x" + bytes(receipt["blockHash"]).hex()) == (
            run.block,
            run.block_hash,
        )


def test_the_emission_is_told_since_its_beginning(told: System) -> None:
    found = emission_out(held(reader_of(told).read()))
    first = told.deployment.parameters.emission_per_second
    assert [int(rate.rate_per_second) for rate in found.history] == [first, first * 3 // 4]
    assert int(found.rate.amount) == first * 3 // 4
    due = int(found.due_not_minted.amount)
    minted = int(found.emitted.amount)
    told.devnet.mine()
    told.transact(DEPLOYER, "StakedVVV", "accrue")
    after = int(emission_out(held(reader_of(told).read())).emitted.amount)
    assert after >= minted + due > minted


def test_the_queue_of_the_timelock_is_told_in_words(told: System) -> None:
    found = powers_out(held(reader_of(told).read())).operations
    assert [operation.state for operation in found] == ["waiting", "ready", "cancelled", "executed"]
    batch, lower, cancelled, executed = found
    assert [call.function for call in batch.calls] == [
        "setBounds((uint256,uint256,uint256,uint256,uint256))",
        "namePublisher(address)",
    ]
    assert batch.calls[0].arguments[0].value == "(5000000000, 21600, 3600, 100, 9900)"
    assert batch.calls[1].arguments[0].value == told.address(2)
    assert batch.ready_at == batch.scheduled_at + 9 * 86_400
    assert (lower.calls[0].contract, lower.calls[0].arguments[0].name) == ("StakedVVV", "newRate")
    assert cancelled.ended_by is not None
    assert executed.ended_at is not None
    for operation in found:
        state = told.contracts.view("Timelock", "getOperationState", bytes.fromhex(operation.id[2:]))
        # OpenZeppelin's: unset (also when it was cancelled), waiting, ready, done.
        assert {"cancelled": 0, "waiting": 1, "ready": 2, "executed": 3}[operation.state] == state


def test_an_operation_that_nobody_can_read_is_told_in_hex(network: Network, artifacts: Artifacts) -> None:
    with deployed(network, artifacts) as system:
        story, zero = Story(system), bytes(32)
        data = b"<script>alert(1)</script>"
        story.do("Timelock", "schedule", DEAD, 0, data, zero, zero, 10 * 86_400)
        selector = bytes.fromhex(system.contracts.call_data("StakedVVV", "lowerEmissionRate", 1)[2:10])
        broken = selector + b"\x01"
        story.do(
            "Timelock", "schedule", system.contracts.address("StakedVVV"), 0, broken, zero, zero, 10 * 86_400
        )
        second, first = powers_out(held(reader_of(system).read())).operations
        assert (first.calls[0].contract, first.calls[0].function) == (None, None)
        assert first.calls[0].data == "0x" + data.hex()
        assert second.calls[0].function == "lowerEmissionRate(uint256)"
        assert second.calls[0].arguments == []


def test_an_operation_that_was_cancelled_and_scheduled_again_waits_again(
    network: Network, artifacts: Artifacts
) -> None:
    with deployed(network, artifacts) as system:
        story = Story(system)
        given = story.schedule(("StakedVVV", "lowerEmissionRate", (1,)))
        story.cancel(given)
        story.do("Timelock", "schedule", *given, 20 * 86_400)
        snapshot = reader_of(system).read()
        (operation,) = operations(snapshot.history.events, snapshot.block.timestamp)
        assert (operation.state, operation.ended_by) == (OperationState.WAITING, None)
        assert len(operation.calls) == 1
        assert operation.ready_at == snapshot.block.timestamp + 20 * 86_400


def test_a_batch_without_calls_that_was_cancelled_hides_no_other_operation(
    network: Network, artifacts: Artifacts
) -> None:
    with deployed(network, artifacts) as system:
        story = Story(system)
        empty = (list[str](), list[str](), list[str](), bytes(32), bytes(32))
        story.do("Timelock", "scheduleBatch", *empty, 10 * 86_400)
        story.do("Timelock", "cancel", system.contracts.view("Timelock", "hashOperationBatch", *empty))
        story.schedule(("StakedVVV", "lowerEmissionRate", (1,)))
        (operation,) = powers_out(held(reader_of(system).read())).operations
        assert operation.calls[0].function == "lowerEmissionRate(uint256)"


def test_whoever_holds_a_power_is_who_the_check_of_a_deployment_finds(told: System) -> None:
    powers = {
        power.power: ", ".join(power.holders) for power in powers_out(held(reader_of(told).read())).powers
    }
    found = {
        f"{finding.contract}.{finding.field}": finding.found
        for finding in power_findings(told.contracts, told.deployment)
    }
    assert powers["administrator"] == found["Timelock.admins"]
    assert powers["proposer"] == found["Timelock.proposers"]
    assert powers["canceller"] == found["Timelock.cancellers"]
    assert powers["executor"] == found["Timelock.executors"]
    assert powers["guardian"] == found["Guardian.guardian"]
    assert powers["keeper"] == found["BuybackBurner.keeper"]
    assert powers["publisher"] == found["EpochRoots.publisher"]


def test_a_history_that_was_read_in_parts_is_that_which_is_read_at_once(told: System, tmp_path: Path) -> None:
    whole = reader_of(told).read().history
    finality = Finality(FinalityRule.DEPTH, 7)
    in_parts = reader_of(told, KeptHistory(tmp_path / "kept", "it"), blocks_per_request=1, finality=finality)
    assert in_parts.read().history == whole
    again = reader_of(told, KeptHistory(tmp_path / "kept", "it"), finality=finality)
    assert again.read().history == whole


def test_what_is_kept_is_gone_on_from_and_what_is_broken_is_not_believed(
    told: System, tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "kept"
    kept = KeptHistory(path, "this deployment")
    whole = reader_of(told, kept).read().history
    assert kept.read() == whole
    assert KeptHistory(path, "another deployment").read() is None
    heard: list[int] = []
    reader_of(told, kept).read(lambda block, _of: heard.append(block))
    assert heard == [], "what is final was read twice"
    path.write_bytes(path.read_bytes().replace(b"BuybackExecuted", b"DonationBurned", 1))
    assert kept.read() is None
    assert reader_of(told, kept).read().history == whole


def test_what_a_version_with_other_events_has_kept_is_read_anew(
    told: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptHistory(tmp_path / "kept", "it")
    with monkeypatch.context() as before:
        before.setattr("entitlement.chain.public.kept._FORM", {"BuybackExecuted": ["run", "spent"]})
        whole = reader_of(told, kept).read().history
    assert kept.read() is None
    assert reader_of(told, kept).read().history == whole == kept.read()


def test_without_a_folder_to_write_to_there_are_figures_all_the_same(told: System, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    kept = KeptHistory(tmp_path / "folder" / "kept", "it")
    whole = reader_of(told, kept).read().history
    assert whole == reader_of(told).read().history
    kept.forget()
    assert kept.read() is None


def test_a_log_that_was_left_out_is_noticed_and_all_is_read_again(told: System, tmp_path: Path) -> None:
    kept = KeptHistory(tmp_path / "kept", "it")
    whole = reader_of(told, kept).read().history
    for lacking in (
        replace(whole, emitted=whole.emitted - 1),
        replace(whole, burned=whole.burned - 1),
        replace(whole, events=tuple(each for each in whole.events if each not in whole.buybacks[1:2])),
        replace(whole, events=tuple(each for each in whole.events if each not in whole.roots[1:2])),
    ):
        kept.write(lacking)
        reader = reader_of(told, kept)
        with pytest.raises(InconsistentNode, match="do not add up"):
            reader.read()
        assert kept.read() is None
        assert reader.read().history == whole


def test_what_is_remembered_is_as_little_believed_as_what_is_kept(told: System) -> None:
    reader = reader_of(told)
    whole = reader.read().history
    reader._history = replace(whole, emitted=whole.emitted - 1)
    with pytest.raises(InconsistentNode, match="do not add up"):
        reader.read()
    assert reader.read().history == whole


def test_a_block_that_is_undone_while_it_is_read_was_never_read(
    network: Network, artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deployed(network, artifacts) as system:
        reader, honest = reader_of(system), PublicViews.ask

        def undone(*given: object) -> object:
            answers = honest(*given)  # type: ignore[arg-type]
            system.devnet.reorg(1)
            return answers

        monkeypatch.setattr(PublicViews, "ask", undone)
        with pytest.raises(InconsistentNode, match="is another one than when this began"):
            reader.read()
        monkeypatch.undo()
        assert reader.read().block == system.devnet.head()


def test_final_blocks_that_are_undone_are_read_again(network: Network, artifacts: Artifacts) -> None:
    with deployed(network, artifacts) as system:
        story, reader = Story(system), reader_of(system)
        story.do("VVV", "burn", 3 * VVV)
        assert reader.read().supply.burned == 3 * VVV
        system.devnet.reorg(1)
        assert reader.read().supply.burned == 0
        snapshot = system.devnet.snapshot()
        story.do("VVV", "burn", VVV)
        story.do("VVV", "burn", VVV)
        assert reader.read().supply.burned == 2 * VVV
        system.devnet.revert(snapshot)
        assert reader.read().supply.burned == 0


def test_a_node_that_is_away_is_said_to_be(network: Network, artifacts: Artifacts) -> None:
    with deployed(network, artifacts) as system:
        reader = reader_of(system)
        reader.read()
        system.anvil.stop()
        with pytest.raises(NodeUnavailable):
            reader.read()


def test_emission_and_burns_are_summed_and_not_kept_one_by_one(told: System) -> None:
    history = reader_of(told).read().history
    assert not [event for event in history.events if isinstance(event, EmissionAccrued)]
    assert len(history.burned_by_day) < 10
    with pytest.raises(TransactionFailed):
        told.transact(1, "VVV", "burn", 10**30)
