"""Days on real contracts, verified from their public files and a node alone; and whatever is changed."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from entitlement.chain import history as history_module
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.history import LogHistory
from entitlement.chain.networks import Network
from entitlement.chain.roots import RootPublisher
from entitlement.cli.main import make_app
from entitlement.core.account_proof import AccountProof
from entitlement.core.epoch_file import EpochHead, Row, lines_of, read_file
from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.errors import DeploymentMismatch, InconsistentNode, InvalidRequest, WrongChain
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.pro_rata import Policy
from entitlement.core.units import NANO_USD_PER_USD, NanoUsd, Wei
from entitlement.flows.close_epochs import CloseEpochs
from entitlement.flows.epoch_files import EpochFiles
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.publish_roots import PublishRoots
from entitlement.flows.read_proofs import ReadProofs
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.verify_epoch import EpochVerified, VerifyEpoch
from entitlement.wiring.proofs import deployed_in
from tests.chain.lying_node import LyingNode, lying_node
from tests.chain.random_users import RandomUsers
from tests.chain.system import DEPLOYER, System, deployed
from tests.databases import empty_database
from tests.proofs import Sessions
from tests.support import GENESIS_TIME, catch_up, reach

SEED = 7
ACTS = 40
FIRST = epoch_at(GENESIS_TIME)
CAPACITY = NanoUsd(1_000 * NANO_USD_PER_USD)


@dataclass
class Published:
    """Days that people lived through, each with its public file."""

    system: System
    files: dict[Epoch, Path]
    proofs: dict[Epoch, AccountProof]
    record: Path

    def verify(self, epoch: Epoch, content: bytes | None = None) -> EpochVerified:
        given = self.files[epoch].read_bytes() if content is None else content
        head, rows = read_file(given)
        with closing(self.history(head)) as history:
            contract = RootPublisher(self.system.contracts, self.system.account(DEPLOYER))
            return VerifyEpoch(history, contract).run(given, head, rows, lambda _: None)

    def history(self, head: EpochHead, network: Network | None = None, url: str | None = None) -> LogHistory:
        system = self.system
        return LogHistory(
            url or system.anvil.url,
            network or system.network,
            system.artifacts,
            head.contracts,
            head.deployed,
        )

    def verify_by(self, node: LyingNode, *, every_block: bool) -> EpochVerified:
        """The last day, by the logs and blocks of another node."""
        given = self.files[max(self.files)].read_bytes()
        head, rows = read_file(given)
        with closing(self.history(head, url=node.url)) as history:
            contract = RootPublisher(self.system.contracts, self.system.account(DEPLOYER))
            verification = VerifyEpoch(history, contract, every_block=every_block)
            return verification.run(given, head, rows, lambda _: None)

    def command(self, *arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(make_app(["verify", "proof"]), [str(each) for each in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, " ".join(done.output.split())


@pytest.fixture(scope="module")
def published(
    network: Network, artifacts: Artifacts, postgres: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("proofs")
    with deployed(network, artifacts) as system, empty_database(postgres) as engine:  # type: ignore[arg-type]
        sessions = Sessions(engine, expire_on_commit=False)
        files = EpochFiles(sessions, folder, lambda: deployed_in(system.deployment))
        epochs = live(system, sessions)
        contract = RootPublisher(system.contracts, system.account(DEPLOYER))
        publishing = PublishRoots(
            sessions,
            CloseEpochs(sessions),
            files,
            contract,
            system.reader,
            start_block=system.deployment.start_block,
        )
        done = publishing.run()
        assert set(epochs) <= set(done.published)
        reading = ReadProofs(sessions, files, lambda: deployed_in(system.deployment))
        record = folder / "deployment.json"
        write_deployment(system.deployment, record)
        yield Published(
            system,
            {epoch: files.path(epoch)[0] for epoch in epochs},
            {epoch: reading.account(system.wallet(DEPLOYER + 1), epoch) for epoch in epochs},
            record,
        )


def live(system: System, sessions: Sessions) -> list[Epoch]:
    """Let people act for some days while a service follows and grants; return the days that are over."""
    users = RandomUsers(system, SEED)
    clock = ShiftClock(sessions, network="tests", is_devnet=True)
    limits = FollowLimits(blocks_per_step=500)
    following = FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)
    sweeps = GrantAllowances(sessions)
    users.settle_in()
    system.devnet.jump_to(starts_at(FIRST) + 60)
    clock.jump_to(system.devnet.head().timestamp)
    SetProRata(sessions).set(Policy(CAPACITY, Wei(0)))
    for _ in range(ACTS):
        users.act()
        catch_up(following)
        reach(clock, system.devnet.head().timestamp)
        sweeps.sweep()
    last = epoch_at(clock.now())
    system.devnet.jump_to(starts_at(Epoch(last + 1)) + LATE_CAPTURE_SECONDS)
    catch_up(following)
    clock.jump_to(system.devnet.head().timestamp)
    return [Epoch(each) for each in range(FIRST, last + 1)]


def test_days_that_people_lived_through_have_no_difference_and_people_were_granted_something(
    published: Published,
) -> None:
    assert len(published.files) > 1
    granted = 0
    for epoch, path in published.files.items():
        done = published.verify(epoch)
        assert done.differences == []
        head, _ = read_file(path.read_bytes())
        assert head.sharing is not None
        granted += head.diem
        assert 0 < head.pro_rata <= CAPACITY
    assert granted > 0


def last_of(published: Published) -> Epoch:
    return max(published.files)


def changed(published: Published, **changes: object) -> bytes:
    head, rows = read_file(published.files[last_of(published)].read_bytes())
    return b"".join(lines_of(replace(head, **changes), rows))  # type: ignore[arg-type]


def with_row(published: Published, number: int, row: Row | None) -> bytes:
    head, rows = read_file(published.files[last_of(published)].read_bytes())
    after = [*rows[:number], *([] if row is None else [row]), *rows[number + 1 :]]
    return b"".join(lines_of(head, after))


@pytest.mark.parametrize("more", [1, -1], ids=["too much", "too little"])
@pytest.mark.parametrize("name", ["diem", "pro_rata"])
def test_a_wallet_that_was_granted_too_much_or_too_little_is_named_with_the_figures(
    published: Published, name: str, more: int
) -> None:
    epoch = last_of(published)
    _, rows = read_file(published.files[epoch].read_bytes())
    number = next(number for number, row in enumerate(rows) if getattr(row, name) > 0)
    amount = NanoUsd(getattr(rows[number], name) + more)
    found = published.verify(epoch, with_row(published, number, replace(rows[number], **{name: amount})))
    [named] = [each for each in found.differences if each.startswith(rows[number].wallet)]
    assert str(amount) in named
    assert ("1 too much" if more > 0 else "1 too little") in named
    assert any("root is" in each for each in found.differences)
    assert any("SHA-256" in each for each in found.differences)


def test_a_wallet_that_was_left_out_is_named(published: Published) -> None:
    epoch = last_of(published)
    _, rows = read_file(published.files[epoch].read_bytes())
    found = published.verify(epoch, with_row(published, 0, None)).differences
    assert any(each.startswith(f"{rows[0].wallet}, which has no row,") for each in found)


def test_what_the_head_says_is_held_against_the_chain(published: Published) -> None:
    epoch = last_of(published)
    head, _ = read_file(published.files[epoch].read_bytes())
    assert head.sharing is not None
    for changes, word in (
        ({"root": bytes(32)}, "root is"),
        ({"spent": NanoUsd(1)}, "spent is"),
        ({"diem": NanoUsd(head.diem + 1)}, "granted is"),
        ({"accounts": head.accounts + 1}, "accounts is"),
        ({"block": replace(head.block, hash="0x" + "1" * 64)}, "the chain has"),
        ({"block": replace(head.block, number=1)}, "the chain has"),
        ({"block": replace(head.block, number=10**6)}, "is not final"),
        ({"sharing": replace(head.sharing, vvv_staked=Wei(1))}, "shares were by"),
        ({"sharing": replace(head.sharing, capacity=NanoUsd(1))}, "too much"),
        ({"sharing": None}, "too much"),
    ):
        found = published.verify(epoch, changed(published, **changes)).differences
        assert any(word in each for each in found), (changes, found)


def test_the_addresses_of_other_contracts_are_found_out(published: Published) -> None:
    epoch = last_of(published)
    head, _ = read_file(published.files[epoch].read_bytes())
    silent = dict(head.contracts) | {"InferenceStake": head.contracts["EpochRoots"]}
    assert any(
        "too much" in each
        for each in published.verify(epoch, changed(published, contracts=silent)).differences
    )
    with pytest.raises(DeploymentMismatch):
        published.verify(epoch, changed(published, deployed=replace(head.deployed, hash="0x" + "1" * 64)))
    elsewhere = replace(published.system.network, chain_id=1)
    with closing(published.history(head, elsewhere)) as history, pytest.raises(WrongChain):
        history.final_head()


def test_a_day_that_is_not_over_on_the_chain_cannot_be_verified_yet(published: Published) -> None:
    epoch = last_of(published)
    with pytest.raises(InvalidRequest, match="wait until"):
        published.verify(epoch, changed(published, epoch=Epoch(epoch + 2)))


def test_on_the_day_of_the_deployment_nobody_had_a_stake_before(published: Published) -> None:
    deployment = published.system.deployment
    day = deployment.roots_start_epoch
    done = published.verify(last_of(published), changed(published, epoch=Epoch(day)))
    assert f"EpochRoots has no root of epoch {day}" in done.differences
    [said] = [each for each in done.differences if each.startswith("shares were by")]
    assert f"the chain has (BlockName(number={deployment.start_block - 1}," in said
    assert said.endswith(", 0)")
    shares = [each for each in done.differences if "as a share" in each]
    assert shares
    assert all("and the chain gives 0:" in each for each in shares)


def test_anybody_verifies_from_a_terminal(published: Published, tmp_path: Path) -> None:
    epoch, url = last_of(published), published.system.anvil.url
    given = ("--epoch", epoch, "--rpc", url, "--deployment", published.record)
    assert published.command("verify", *given, "--file", published.files[epoch])[0] == 0
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(changed(published, spent=NanoUsd(1)))
    code, told = published.command("verify", *given, "--file", wrong)
    assert code == 1
    assert "spent is 1 by the file, and 0 on the chain" in told
    head, _ = read_file(published.files[epoch].read_bytes())
    roots = dict(head.contracts) | {"StakedVVV": "0x" + "1" * 40}
    wrong.write_bytes(changed(published, contracts=roots))
    code, told = published.command("verify", *given, "--file", wrong)
    assert code == 1
    assert "in the deployment's record" in told
    with pytest.raises(InvalidRequest):
        published.command("verify", "--epoch", epoch)


@pytest.fixture
def node(published: Published) -> Iterator[LyingNode]:
    with lying_node(published.system.anvil.url) as made:
        yield made


def loud_block(published: Published) -> int:
    """A block in which somebody's daily right changed, which takes logs of two kinds."""
    head, _ = read_file(published.files[last_of(published)].read_bytes())
    # StakedVVV also says what nobody follows, where a second went by between two blocks.
    wanted = {"address": head.contracts["InferenceStake"], "fromBlock": hex(head.deployed.number)}
    logs = published.system.rpc.call("eth_getLogs", wanted | {"toBlock": hex(head.block.number)})
    kinds: dict[int, set[str]] = {}
    for log in logs:
        kinds.setdefault(int(log["blockNumber"], 16), set()).add(log["topics"][0])
    return max(kinds, key=lambda number: len(kinds[number]))


@pytest.mark.parametrize("every_block", [True, False])
def test_either_way_of_reading_finds_an_honest_day_as_it_is(
    published: Published, node: LyingNode, *, every_block: bool
) -> None:
    done = published.verify_by(node, every_block=every_block)
    assert (done.differences, done.every_block) == ([], every_block)


@pytest.mark.parametrize("every_block", [True, False])
def test_logs_of_blocks_that_are_not_on_the_chain_are_refused(
    published: Published, node: LyingNode, *, every_block: bool
) -> None:
    number = loud_block(published)

    def of_another_block(_: list[Any], logs: list[Any]) -> list[Any]:
        there = [log for log in logs if int(log["blockNumber"], 16) == number]
        return [log | {"blockHash": "0x" + "ab" * 32} if log in there else log for log in logs]

    node.lie("eth_getLogs", of_another_block)
    with pytest.raises(InconsistentNode, match=str(number)):
        published.verify_by(node, every_block=every_block)


@pytest.mark.parametrize("every_block", [True, False])
def test_a_log_that_is_left_out_of_a_block_is_found_by_the_blocks_filter(
    published: Published, node: LyingNode, *, every_block: bool
) -> None:
    number = loud_block(published)

    def without_one_kind(params: list[Any], logs: list[Any]) -> list[Any]:
        there = [log for log in logs if int(log["blockNumber"], 16) == number]
        if "blockHash" in params[0] or not there:
            return logs
        # Not the first, a stake: the exit that follows it would tell of that as well, and perhaps sooner.
        kind = there[-1]["topics"][0]
        return [log for log in logs if log not in there or log["topics"][0] != kind]

    node.lie("eth_getLogs", without_one_kind)
    if every_block:
        # The block is asked again by its hash, and what it has then counts.
        assert published.verify_by(node, every_block=True).differences == []
        hashes = [params[0].get("blockHash") for name, params in node.params if name == "eth_getLogs"]
        assert any(hashes)
    else:
        with pytest.raises(InconsistentNode, match=f"block {number} was told with"):
            published.verify_by(node, every_block=False)


def test_a_block_that_is_left_out_whole_is_made_up_for_where_every_block_is_read(
    published: Published, node: LyingNode
) -> None:
    number = loud_block(published)

    def without_it(params: list[Any], logs: list[Any]) -> list[Any]:
        if "blockHash" in params[0]:
            return logs
        return [log for log in logs if int(log["blockNumber"], 16) != number]

    node.lie("eth_getLogs", without_it)
    assert published.verify_by(node, every_block=True).differences == []


def test_blocks_that_do_not_link_are_refused_where_every_block_is_read(
    published: Published, node: LyingNode
) -> None:
    number = loud_block(published)

    def of_another_chain(params: list[Any], block: dict[str, Any]) -> dict[str, Any]:
        if params[0] == hex(number):
            return block | {"parentHash": "0x" + "cd" * 32}
        return block

    node.lie("eth_getBlockByNumber", of_another_chain)
    with pytest.raises(InconsistentNode, match="do not follow each other"):
        published.verify_by(node, every_block=True)


def test_blocks_of_two_questions_have_to_link_as_well(
    published: Published, node: LyingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "BLOCKS_AT_ONCE", 1)

    def of_another_chain(params: list[Any], block: dict[str, Any]) -> dict[str, Any]:
        if params[0] == hex(loud_block(published)):
            return block | {"parentHash": "0x" + "cd" * 32}
        return block

    assert published.verify_by(node, every_block=True).differences == []
    node.lie("eth_getBlockByNumber", of_another_chain)
    with pytest.raises(InconsistentNode, match="follows 0xcdcd"):
        published.verify_by(node, every_block=True)


def test_a_proof_is_checked_in_a_terminal_alone_and_with_the_contract(
    published: Published, tmp_path: Path
) -> None:
    epoch, file = last_of(published), tmp_path / "proof.json"
    proof = published.proofs[epoch]
    file.write_text(json.dumps(proof.plain()))
    assert published.command("proof", "check", file)[0] == 0
    assert published.command("proof", "check", file, "--rpc", published.system.anvil.url)[0] == 0
    lie = replace(proof, spent=NanoUsd(proof.spent + 1))
    file.write_text(json.dumps(lie.plain()))
    code, told = published.command("proof", "check", file)
    assert code == 1
    assert "not to the root" in told
    of_another_day = replace(proof, epoch=Epoch(epoch + 5))
    alone = replace(of_another_day, proof=[], root=of_another_day.leaf)
    file.write_text(json.dumps(alone.plain()))
    assert published.command("proof", "check", file)[0] == 0
    code, told = published.command("proof", "check", file, "--rpc", published.system.anvil.url)
    assert code == 1
    assert "EpochNotPublished" in told
