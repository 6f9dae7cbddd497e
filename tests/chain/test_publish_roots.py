"""Roots on real contracts: published once and in order, through crashes, forks and whatever is missed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.chain.replacement import fields_of
from entitlement.chain.roots import Commitment, RootPublisher, Standing
from entitlement.chain.transactions import SendLimits
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.commitment import NO_ROOT, leaf_of, spending_of
from entitlement.core.epoch_file import BlockName, read_file, wrong_in
from entitlement.core.epochs import Epoch, ends_at
from entitlement.core.errors import (
    NodeUnavailable,
    ProofFileChanged,
    RootDiffers,
    TransactionFailed,
    TransactionNotMined,
)
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.ledger import Source
from entitlement.flows.close_epochs import CloseEpochs
from entitlement.flows.epoch_files import Deployed, EpochFiles
from entitlement.flows.publish_roots import PublishRoots, plan
from entitlement.flows.shift_clock import ShiftClock
from entitlement.store import proof_files, roots
from tests.chain.system import DEPLOYER, System, deployed
from tests.crashes import Deaths, at_every_point
from tests.proofs import TODAY, Days, Sessions
from tests.support import NOON, USD, grant, holder, wallet_number

DEPTH = 2
"""A root is final two blocks later."""


@pytest.fixture(scope="module")
def system(network: Network, artifacts: Artifacts) -> Iterator[System]:
    with deployed(replace(network, finality=Finality(FinalityRule.DEPTH, DEPTH)), artifacts) as made:
        yield made


@dataclass
class Office:
    """A service whose days end, and the contract that its roots go to."""

    system: System
    days: Days
    folder: Path

    def deployed(self) -> Deployed:
        deployment = self.system.deployment
        contracts = {
            name: deployment.addresses[name].lower() for name in ("StakedVVV", "InferenceStake", "EpochRoots")
        }
        first = BlockName(deployment.start_block, deployment.start_block_hash)
        return Deployed(deployment.chain_id, contracts, first)

    @property
    def files(self) -> EpochFiles:
        return EpochFiles(self.days.sessions, self.folder, self.deployed)

    @property
    def contract(self) -> RootPublisher:
        return RootPublisher(self.system.contracts, self.system.account(DEPLOYER))

    def publishing(self, contract: RootPublisher | None = None) -> PublishRoots:
        return PublishRoots(
            self.days.sessions,
            CloseEpochs(self.days.sessions),
            self.files,
            contract or self.contract,
            self.system.reader,
            start_block=self.system.deployment.start_block,
        )

    def end(self, epoch: Epoch) -> None:
        self.days.end(epoch)
        late = ends_at(epoch) + LATE_CAPTURE_SECONDS
        if self.system.devnet.head().timestamp < late:
            self.system.devnet.jump_to(late)

    def settle(self) -> None:
        self.system.devnet.mine(DEPTH)

    def events(self) -> list[tuple[Epoch, bytes]]:
        """Every root that was ever published, as the chain has them now."""
        found = self.system.contracts.web3.eth.get_logs(
            {"fromBlock": 0, "address": self.system.contracts.address("EpochRoots")}
        )
        return [
            (Epoch(int.from_bytes(each["topics"][1], "big")), bytes(each["data"][:32]))
            for each in found
            if len(each["data"]) == 5 * 32
        ]


@pytest.fixture
def office(system: System, sessions: Sessions, tmp_path: Path) -> Iterator[Office]:
    clock = ShiftClock(sessions, network="tests", is_devnet=True)
    clock.jump_to(NOON)
    before = system.devnet.snapshot()
    yield Office(system, Days(sessions, clock), tmp_path)
    system.devnet.revert(before)


def spent_day(office: Office) -> None:
    office.days.grant({1: 3, 2: 1, 3: 5})
    office.days.spend(1, 2 * USD)
    office.end(TODAY)


def test_a_days_root_stands_on_the_chain_with_its_totals_and_every_leaf_is_verified_by_the_contract(
    office: Office,
) -> None:
    spent_day(office)
    done = office.publishing().run()
    assert (done.closed, done.published, done.waiting) == ([TODAY], [], [TODAY])
    office.settle()
    assert office.publishing().run().published == [TODAY]
    assert office.publishing().run().published == []
    standing = office.contract.standing(TODAY)
    assert standing is not None
    closed = office.days.closed()
    said = standing.commitment
    assert (said.root, said.granted, said.spent, said.accounts) == (closed.root, 9 * USD, 2 * USD, 3)
    for leaf in office.days.leaves():
        with office.days.sessions.begin() as session:
            proof = roots.proof_of(session, TODAY, leaf.place)
        mine = (leaf.honoured.wallet, leaf.honoured.granted)
        assert office.contract.verify(TODAY, (*mine, leaf.honoured.spent, leaf.salt, proof))
        assert not office.contract.verify(TODAY, (*mine, leaf.honoured.spent + 1, leaf.salt, proof))
        assert not office.contract.verify(TODAY, (*mine, leaf.honoured.spent, bytes(32), proof))
        spending = spending_of(leaf.honoured.spent, leaf.salt)
        theirs = office.system.contracts.view("EpochRoots", "leafOf", TODAY, *mine, spending)
        assert theirs == leaf_of(TODAY, leaf.honoured.wallet, leaf.honoured.granted, spending)
    assert closed.published_transaction == closed.transaction_hash
    receipt = office.system.contracts.web3.eth.get_transaction_receipt(closed.transaction_hash)  # type: ignore[arg-type]
    assert receipt["blockNumber"] == closed.published_block


def test_the_public_file_has_the_digest_on_the_chain_and_says_nothing_of_what_anybody_spent(
    office: Office,
) -> None:
    spent_day(office)
    office.publishing().run()
    path, file_hash = office.files.path(TODAY)
    standing = office.contract.standing(TODAY)
    assert standing is not None
    assert proof_files.digest_of(path) == file_hash == standing.commitment.file_hash
    head, rows = read_file(path.read_bytes())
    assert wrong_in(head, rows) == []
    assert (head.epoch, head.root, head.granted, head.spent) == (
        TODAY,
        office.days.closed().root,
        9 * USD,
        2 * USD,
    )
    assert [(row.wallet, row.diem) for row in rows] == [
        (wallet_number(number), diem * USD) for number, diem in ((1, 3), (2, 1), (3, 5))
    ]
    for leaf in office.days.leaves():
        assert leaf.salt.hex().encode() not in path.read_bytes()


def test_a_file_that_is_lost_is_made_again_as_it_was_and_one_that_would_differ_is_not(office: Office) -> None:
    spent_day(office)
    office.publishing().run()
    path, file_hash = office.files.path(TODAY)
    content = path.read_bytes()
    path.unlink()
    assert office.files.path(TODAY) == (path, file_hash)
    assert path.read_bytes() == content
    path.unlink()
    other = replace(office.deployed(), chain_id=1)
    with pytest.raises(ProofFileChanged):
        EpochFiles(office.days.sessions, office.folder, lambda: other).path(TODAY)


def test_days_that_were_missed_are_published_in_order_also_those_without_a_grant(office: Office) -> None:
    spent_day(office)
    last = Epoch(TODAY + 3)
    office.end(last)
    assert office.publishing().run().closed == [TODAY, TODAY + 1, TODAY + 2, last]
    assert [epoch for epoch, _ in office.events()] == [TODAY, TODAY + 1, TODAY + 2, last]
    assert [root == NO_ROOT for _, root in office.events()] == [False, True, True, True]


def test_days_before_the_contract_was_made_are_left_out(office: Office) -> None:
    before = Epoch(office.contract.start_epoch() - 1)
    first = holder(office.days.sessions)
    grant(office.days.sessions, first.account_id, Source.DIEM, USD, epoch=before)
    spent_day(office)
    due = plan(office.days.sessions, CloseEpochs(office.days.sessions), office.contract).to_close
    assert due[0] == before + 1


def test_a_fork_that_drops_the_transaction_is_noticed_and_the_same_one_is_sent_again(office: Office) -> None:
    spent_day(office)
    office.end(Epoch(TODAY + 1))
    office.publishing().run()
    before = office.days.closed().transaction_hash
    office.system.devnet.reorg(2)
    assert office.events() == []
    done = office.publishing().run()
    assert done.waiting == [TODAY, TODAY + 1]
    assert [epoch for epoch, _ in office.events()] == [TODAY, TODAY + 1]
    assert office.days.closed().transaction_hash == before
    office.settle()
    assert office.publishing().run().published == [TODAY, TODAY + 1]


def test_where_its_number_was_used_by_another_transaction_it_is_signed_anew(office: Office) -> None:
    spent_day(office)
    office.publishing().run()
    before = office.days.closed().transaction_hash
    office.system.devnet.reorg(1)
    office.system.transact(DEPLOYER, "VVV", "approve", office.system.contracts.address("StakedVVV"), 1)
    office.publishing().run()
    assert [epoch for epoch, _ in office.events()] == [TODAY]
    assert office.days.closed().transaction_hash != before


# --- a fee that is too low -------------------------------------------------------------------------------

HASTY = SendLimits(receipt_seconds=0.3)
"""No block comes by itself meanwhile, however long is waited."""


@pytest.fixture
def stuck(office: Office) -> Iterator[Office]:
    """A day that is over, and a chain that takes no transaction until somebody mines."""
    spent_day(office)
    office.system.rpc.call("evm_setAutomine", False)  # noqa: FBT003 - the node's own argument
    yield office
    office.system.rpc.call("evm_setAutomine", True)  # noqa: FBT003 - likewise


def hasty(office: Office) -> RootPublisher:
    return RootPublisher(office.system.contracts, office.system.account(DEPLOYER), HASTY)


def signed_by(office: Office) -> dict[str, Any]:
    raw = office.days.closed().raw_transaction
    assert raw is not None
    return fields_of(raw)


def test_a_root_that_no_block_takes_is_sent_again_under_its_number_for_an_eighth_more_and_once(
    stuck: Office,
) -> None:
    signed = list[dict[str, Any]]()

    class Noting(RootPublisher):
        def send(self, raw: bytes) -> None:
            signed.append(fields_of(raw))
            super().send(raw)

    contract = Noting(stuck.system.contracts, stuck.system.account(DEPLOYER), HASTY)
    publishing = stuck.publishing(contract)
    for _ in range(2):
        with pytest.raises(TransactionNotMined):
            publishing.run()
    # Sent, sent for more; and by the next run the same once more, which is what the journal has.
    first, second, third = signed
    assert second == third == signed_by(stuck)
    for name in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert second[name] * 1_000 >= first[name] * 1_125
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"maxFeePerGas", "maxPriorityFeePerGas"}
    stuck.system.devnet.mine(1 + DEPTH)
    assert publishing.run().published == [TODAY]
    assert [epoch for epoch, _ in stuck.events()] == [TODAY]
    closed = stuck.days.closed()
    assert closed.published_transaction == closed.transaction_hash


def test_no_restart_and_no_second_publisher_offers_more_once_more(stuck: Office) -> None:
    with pytest.raises(TransactionNotMined):
        stuck.publishing(hasty(stuck)).run()
    kept = stuck.days.closed()
    assert kept.replaced_at is not None
    for _ in range(2):
        with pytest.raises(TransactionNotMined):
            stuck.publishing(hasty(stuck)).run()
    assert stuck.days.closed() == kept
    stuck.system.devnet.mine(1 + DEPTH)
    assert stuck.publishing(hasty(stuck)).run().published == [TODAY]


def test_of_two_publishers_that_find_it_stuck_at_once_one_offers_more(stuck: Office) -> None:
    signed = list[bytes]()

    class Late(RootPublisher):
        def sign_dearer(self, raw: bytes) -> tuple[bytes, str]:
            made = super().sign_dearer(raw)
            signed.append(made[0])
            if len(signed) == 1:
                # While this one signs, another has found it stuck, and has signed and kept its own.
                with pytest.raises(TransactionNotMined):
                    stuck.publishing(
                        Late(stuck.system.contracts, stuck.system.account(DEPLOYER), HASTY)
                    ).run()
                signed.append(stuck.days.closed().raw_transaction or b"")
            return made

    contract = Late(stuck.system.contracts, stuck.system.account(DEPLOYER), HASTY)
    assert stuck.publishing(contract).run().published == []
    assert stuck.days.closed().raw_transaction == signed[-1]
    stuck.system.devnet.mine(1 + DEPTH)
    assert stuck.publishing(hasty(stuck)).run().published == [TODAY]
    assert [epoch for epoch, _ in stuck.events()] == [TODAY]


def test_where_a_block_takes_the_first_one_after_all_the_root_stands_and_nothing_more_is_sent(
    stuck: Office,
) -> None:
    class CutOff(RootPublisher):
        def sign_dearer(self, raw: bytes) -> tuple[bytes, str]:
            made = super().sign_dearer(raw)
            # While it is signed, a block takes the one before.
            stuck.system.devnet.mine(1 + DEPTH)
            return made

    contract = CutOff(stuck.system.contracts, stuck.system.account(DEPLOYER), HASTY)
    with pytest.raises(TransactionFailed):
        stuck.publishing(contract).run()
    assert stuck.publishing(hasty(stuck)).run().published == [TODAY]
    assert [epoch for epoch, _ in stuck.events()] == [TODAY]
    closed = stuck.days.closed()
    assert closed.published_transaction != closed.transaction_hash


def test_what_is_signed_for_more_is_kept_before_it_is_sent(stuck: Office) -> None:
    sent = list[bytes]()

    class Dying(RootPublisher):
        def send(self, raw: bytes) -> None:
            sent.append(raw)
            if len(sent) > 1:
                raise NodeUnavailable(method="eth_sendRawTransaction", reason="the process dies here")
            super().send(raw)

    contract = Dying(stuck.system.contracts, stuck.system.account(DEPLOYER), HASTY)
    with pytest.raises(NodeUnavailable):
        stuck.publishing(contract).run()
    kept = stuck.days.closed().transaction_hash
    assert stuck.days.closed().raw_transaction == sent[1] != sent[0]
    with pytest.raises(TransactionNotMined, match=str(kept)):
        # Another process: it sends what was kept, and only then signs for more.
        hasty(stuck).send(stuck.days.closed().raw_transaction or b"")
    stuck.system.devnet.mine(1 + DEPTH)
    assert stuck.publishing(hasty(stuck)).run().published == [TODAY]
    assert stuck.days.closed().published_transaction == kept


def test_a_root_that_is_not_ours_stops_publication_and_says_both(office: Office) -> None:
    spent_day(office)
    other = "0x" + "1" * 64
    office.system.transact(
        DEPLOYER, "EpochRoots", "publish", TODAY, bytes.fromhex(other[2:]), 9, 2, 1, bytes(32)
    )
    office.days.close()
    with pytest.raises(RootDiffers, match=other[2:]):
        office.publishing().run()


def test_who_is_not_the_publisher_is_told_so_by_the_contract_and_nothing_was_sent(office: Office) -> None:
    spent_day(office)
    stranger = RootPublisher(office.system.contracts, office.system.account(3))
    with pytest.raises(TransactionFailed, match="OnlyPublisher"):
        office.publishing(stranger).run()
    assert office.days.closed().raw_transaction is None
    office.publishing().run()
    assert [epoch for epoch, _ in office.events()] == [TODAY]


def test_a_dry_run_names_what_is_due_and_writes_nothing(office: Office) -> None:
    spent_day(office)
    shown = plan(office.days.sessions, CloseEpochs(office.days.sessions), office.contract)
    assert (shown.to_close, shown.to_publish) == ([TODAY], [])
    assert office.events() == []
    assert not list(office.folder.iterdir())
    with office.days.sessions.begin() as session:
        assert roots.newest(session) is None


# --- crashes ---------------------------------------------------------------------------------------------


class MortalPublisher(RootPublisher):
    """Dies before or after it asks, signs or sends; each is a point like those of the database."""

    deaths: Deaths

    def standing(self, epoch: Epoch) -> Standing | None:
        with self._mortal():
            return super().standing(epoch)

    def sign(self, epoch: Epoch, said: Commitment) -> tuple[bytes, str]:
        with self._mortal():
            return super().sign(epoch, said)

    def send(self, raw: bytes) -> None:
        with self._mortal():
            super().send(raw)

    @contextmanager
    def _mortal(self) -> Iterator[None]:
        self.deaths._point(None)
        yield
        self.deaths._point(None)


def test_a_run_that_dies_anywhere_and_is_repeated_publishes_each_epoch_once(office: Office) -> None:
    spent_day(office)
    deaths = Deaths(office.days.sessions, by_the_server=False)
    mortal = MortalPublisher(office.system.contracts, office.system.account(DEPLOYER))
    mortal.deaths = deaths
    passed = 0

    def prepare(point: int) -> Callable[[], object]:
        office.end(Epoch(TODAY + point))
        return office.publishing(mortal).run

    for passed in at_every_point(deaths, prepare):
        office.publishing().run()
        office.settle()
        assert [epoch for epoch, _ in office.events()] == [TODAY + each for each in range(passed + 1)]
    assert passed > 25
    office.settle()
    office.publishing().run()
    with office.days.sessions.begin() as session:
        assert roots.unpublished(session, limit=10) == []


def test_a_node_that_does_not_answer_after_it_was_sent_changes_nothing_in_the_end(office: Office) -> None:
    spent_day(office)

    class Forgetful(RootPublisher):
        def send(self, raw: bytes) -> None:
            super().send(raw)
            raise NodeUnavailable(method="eth_sendRawTransaction", reason="no answer")

    with pytest.raises(NodeUnavailable):
        office.publishing(Forgetful(office.system.contracts, office.system.account(DEPLOYER))).run()
    office.settle()
    assert office.publishing().run().published == [TODAY]
    assert len(office.events()) == 1
