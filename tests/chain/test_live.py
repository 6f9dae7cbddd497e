"""The reader of a live deployment in the cases that chance seldom meets, on the replica."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from entitlement.chain.artifacts import Artifact, Artifacts
from entitlement.chain.live.profile import LIVE_CONTRACTS, LiveProfile, load_live
from entitlement.chain.live.reader import LiveChainReader
from entitlement.chain.live.wallet import read_live_wallet
from entitlement.chain.networks import NETWORKS, Network
from entitlement.core.blocks import Finality, FinalityRule, Header
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch
from entitlement.core.errors import DeploymentMismatch, InconsistentNode, WrongChain
from entitlement.core.events import AllowanceChanged, ChainEvent, DiemExitRequested
from entitlement.core.live import LiveAccount
from entitlement.core.positions import Slot
from entitlement.core.units import WEI_PER_TOKEN, Wei
from tests.chain.live_system import (
    DIEM,
    STAKING,
    VVV,
    LiveSystem,
    live_system,
    reader_of,
    write_profile,
)

ONE = WEI_PER_TOKEN
ALICE, BOB, STRANGER = 1, 2, 3

# Selectors of the live contracts, as they are recorded.
SELECTORS = {
    STAKING: {
        "stake(address,uint256)": "adc9772e",
        "initiateUnstake(uint256)": "ae5ac921",
        "finalizeUnstake()": "0ea94341",
        "claim()": "4e71d92d",
        "claimAndStake()": "cb1a4fc0",
        "mintDiem(uint256,uint256)": "2006efcb",
        "burnDiem(uint256)": "4d44f110",
        "setEmissionRate(uint256)": "a1bdb15e",
        "setDiemMintCurve(uint256[256],uint256[256])": "0caf48d3",
    },
    DIEM: {
        "stake(uint256)": "a694fc3a",
        "initiateUnstake(uint256)": "ae5ac921",
        "unstake()": "2def6620",
        "stakedInfos(address)": "9503b15c",
    },
}


@pytest.fixture
def system(network: Network, artifacts: Artifacts) -> Iterator[LiveSystem]:
    """Alice and Bob have 100 DIEM staked each; the stranger has some and has staked none."""
    with live_system(network, artifacts) as made:
        for who in (ALICE, BOB, STRANGER):
            made.transact(who, STAKING, "stake", made.address(who), 50_000 * ONE)
            made.transact(who, STAKING, "mintDiem", 20_000 * ONE, 0)
            if who != STRANGER:
                made.transact(who, DIEM, "stake", 100 * ONE)
        yield made


def read_profile(system: LiveSystem, folder: Path) -> LiveProfile:
    return write_profile(folder, system, system.devnet.mine().number)


def events_since(profile: LiveProfile, first: int) -> list[ChainEvent]:
    with closing(reader_of(profile)) as reader:
        return reader.events(reader.headers(first, reader.head().number))


def test_the_replica_answers_to_the_live_selectors(artifacts: Artifacts) -> None:
    for contract, selectors in SELECTORS.items():
        own = {
            f"{entry['name']}({','.join(given['type'] for given in entry['inputs'])})"
            for entry in artifacts[contract].abi
            if entry["type"] == "function"
        }
        for signature, selector in selectors.items():
            assert signature in own
            assert keccak(text=signature)[:4].hex() == selector


def test_the_replica_has_every_view_and_event_of_the_live_abi(artifacts: Artifacts) -> None:
    live = load_live("base-live").artifacts
    for name, replica in zip(LIVE_CONTRACTS, (VVV, STAKING, DIEM), strict=True):
        theirs, ours = _shapes(live[name]), _shapes(artifacts[replica])
        assert theirs <= ours, theirs - ours


def _shapes(artifact: Artifact) -> set[str]:
    return {
        f"{entry['type']} {entry['name']}({','.join(given['type'] for given in entry['inputs'])})"
        f" {[given.get('indexed') for given in entry['inputs']]}"
        f" {[given['type'] for given in entry.get('outputs', [])]}"
        for entry in artifact.abi
        if entry["type"] in {"function", "event"}
    }


def test_two_requests_without_a_log_far_apart_are_found_each_in_its_block(
    system: LiveSystem, tmp_path: Path
) -> None:
    profile = read_profile(system, tmp_path)
    system.devnet.mine(70)
    first = system.transact(ALICE, DIEM, "initiateUnstake", 10 * ONE)["blockNumber"]
    system.devnet.mine(90)
    second = system.transact(ALICE, DIEM, "initiateUnstake", 5 * ONE)["blockNumber"]
    system.devnet.mine(30)
    events = events_since(profile, profile.start_block + 1)
    assert [
        (event.at.block_number, event.amount) for event in events if isinstance(event, DiemExitRequested)
    ] == [(first, 10 * ONE), (second, 15 * ONE)]


def test_who_first_staked_in_the_blocks_that_are_read_is_asked_too(
    system: LiveSystem, tmp_path: Path
) -> None:
    profile = read_profile(system, tmp_path)
    system.transact(STRANGER, DIEM, "stake", 9 * ONE)
    system.devnet.mine(3)
    block = system.transact(STRANGER, DIEM, "initiateUnstake", 2 * ONE)["blockNumber"]
    (asked,) = [
        event
        for event in events_since(profile, profile.start_block + 1)
        if isinstance(event, DiemExitRequested)
    ]
    assert (asked.at.block_number, asked.wallet, asked.amount) == (block, system.wallet(STRANGER), 2 * ONE)


def test_who_first_staked_in_blocks_that_replaced_others_is_asked_too(
    system: LiveSystem, tmp_path: Path
) -> None:
    profile = read_profile(system, tmp_path)
    system.devnet.mine(5)
    with closing(reader_of(profile)) as reader:
        first = system.transact(ALICE, DIEM, "initiateUnstake", ONE)["blockNumber"]
        assert reader.events(reader.headers(first, first))
        system.devnet.reorg(4, [(system.signed(STRANGER, DIEM, "stake", 9 * ONE), 0)])
        system.devnet.mine(2)
        block = system.transact(STRANGER, DIEM, "initiateUnstake", 2 * ONE)["blockNumber"]
        asked = reader.events(reader.headers(block, block))[0]
    assert isinstance(asked, DiemExitRequested)
    assert (asked.wallet, asked.amount) == (system.wallet(STRANGER), 2 * ONE)


def test_a_chain_that_turns_while_it_is_asked_is_not_believed(
    system: LiveSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = read_profile(system, tmp_path)
    block = system.transact(ALICE, DIEM, "stake", ONE)["blockNumber"]
    with closing(reader_of(profile)) as reader:
        headers, rights = reader.headers(block, block), reader.rights

        def turn(accounts: Sequence[tuple[Header, LiveAccount]]) -> list[Slot]:
            found = rights(accounts)
            system.devnet.reorg(1)
            return found

        monkeypatch.setattr(reader, "rights", turn)
        with pytest.raises(InconsistentNode, match="is not on the node any more"):
            reader.events(headers)


def test_staked_requested_and_minted_in_one_block_come_apart_again(
    system: LiveSystem, tmp_path: Path
) -> None:
    profile = read_profile(system, tmp_path)
    alice = system.address(ALICE)
    system.in_one_block(
        [
            (ALICE, STAKING, "mintDiem", (9_000 * ONE, 0)),
            (ALICE, STAKING, "initiateUnstake", (1_000 * ONE,)),
            (ALICE, DIEM, "stake", (50 * ONE,)),
            (ALICE, DIEM, "initiateUnstake", (30 * ONE,)),
            (BOB, STAKING, "stake", (alice, 7 * ONE)),
            (BOB, DIEM, "initiateUnstake", (100 * ONE,)),
            (ALICE, DIEM, "stake", (1 * ONE,)),
        ]
    )
    events = events_since(profile, profile.start_block + 1)
    assert [type(event).__name__ for event in events if event.wallet == system.wallet(ALICE)] == [
        "VvvStaked",
        "VvvLocked",
        "DiemMinted",
        "VvvExitRequested",
        "DiemStaked",
        "DiemExitRequested",
        "AllowanceChanged",
    ]
    rights = {event.wallet: event for event in events if isinstance(event, AllowanceChanged)}
    for who in (ALICE, BOB):
        right = rights[system.wallet(who)]
        slot = system.slot(who, system.devnet.head().timestamp)
        assert (right.epoch, right.current, right.next) == (slot.epoch, slot.current, slot.next)
    places = [(event.at.block_number, event.at.log_index) for event in events]
    assert places == sorted(set(places))


@pytest.mark.parametrize("more", [0, 10 * ONE], ids=["the last of all", "another follows"])
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_request_counts_for_the_day_in_whose_block_it_is(
    system: LiveSystem, tmp_path: Path, offset: int, more: int
) -> None:
    profile = read_profile(system, tmp_path)
    midnight = (system.devnet.head().timestamp // SECONDS_PER_EPOCH + 2) * SECONDS_PER_EPOCH
    system.devnet.jump_to(midnight - 5_000)
    system.devnet.set_next_timestamp(midnight + offset)
    block = system.transact(ALICE, DIEM, "initiateUnstake", 40 * ONE)["blockNumber"]
    if more:
        system.devnet.set_next_timestamp(midnight + 10)
        system.transact(ALICE, DIEM, "initiateUnstake", more)
    system.devnet.jump_to(midnight + 1_000)
    with closing(reader_of(profile)) as reader:
        header = reader.header(block)
        assert header is not None
        then = read_live_wallet(reader, system.wallet(ALICE), header).right
        now = read_live_wallet(reader, system.wallet(ALICE), reader.head()).right
    assert then == Slot(Epoch((midnight + offset) // SECONDS_PER_EPOCH), Wei(100 * ONE), Wei(60 * ONE))
    # The second request is after midnight, so the new day began with what the first one left.
    began_with = 60 if offset < 0 else 100
    assert now == Slot(Epoch(midnight // SECONDS_PER_EPOCH), Wei(began_with * ONE), Wei(60 * ONE - more))


def test_the_first_day_begins_with_the_first_block(system: LiveSystem, tmp_path: Path) -> None:
    system.devnet.set_next_timestamp(
        (system.devnet.head().timestamp // SECONDS_PER_EPOCH + 2) * SECONDS_PER_EPOCH + 50
    )
    system.transact(ALICE, DIEM, "initiateUnstake", 40 * ONE)
    profile = read_profile(system, tmp_path)
    system.transact(ALICE, DIEM, "initiateUnstake", 10 * ONE)
    today = Epoch(system.devnet.head().timestamp // SECONDS_PER_EPOCH)
    with closing(reader_of(profile)) as reader:
        rights = [
            read_live_wallet(reader, system.wallet(ALICE), header).right
            for header in reader.headers(profile.start_block, profile.start_block + 1)
        ]
    assert rights == [Slot(today, Wei(60 * ONE), Wei(60 * ONE)), Slot(today, Wei(60 * ONE), Wei(50 * ONE))]


def test_a_stake_that_fell_of_somebody_unknown_is_refused(system: LiveSystem, tmp_path: Path) -> None:
    # As if the contracts were younger than they are: the logs of the first stakes are not searched.
    system.born_block = system.devnet.mine().number
    profile = read_profile(system, tmp_path)
    system.transact(ALICE, DIEM, "initiateUnstake", ONE)
    with pytest.raises(InconsistentNode, match=f"{ONE} wei of DIEM were asked for"):
        events_since(profile, profile.start_block + 1)


def test_a_cooldown_shorter_than_a_day_is_refused(system: LiveSystem, tmp_path: Path) -> None:
    profile = read_profile(system, tmp_path)
    address = system.contracts.address(DIEM)
    code = system.rpc.call("eth_getCode", address, "latest")
    seconds = SECONDS_PER_EPOCH.to_bytes(3, "big").hex()
    assert code.count("62" + seconds) > 0  # PUSH3 86400
    shorter = (SECONDS_PER_EPOCH - 1).to_bytes(3, "big").hex()
    system.rpc.call("anvil_setCode", address, code.replace("62" + seconds, "62" + shorter))
    system.transact(ALICE, DIEM, "stake", ONE)
    with pytest.raises(DeploymentMismatch, match=r"cooldownDuration is 86399"):
        events_since(profile, profile.start_block + 1)


def test_contracts_that_do_not_name_each_other_are_refused(system: LiveSystem, tmp_path: Path) -> None:
    profile = read_profile(system, tmp_path)
    swapped = profile.addresses | {"DIEM": profile.addresses["VVV"]}
    with (
        closing(reader_of(replace(profile, addresses=swapped))) as reader,
        pytest.raises(DeploymentMismatch, match=r"sVVV\.diem"),
    ):
        reader.head()


def test_another_chain_is_refused(system: LiveSystem) -> None:
    with (
        closing(LiveChainReader(system.anvil.url, load_live("base-live", NETWORKS))) as reader,
        pytest.raises(WrongChain, match="serves chain 31337, expected chain 8453"),
    ):
        reader.head()


def test_a_donation_and_a_transfer_of_nothing_are_no_stake(system: LiveSystem, tmp_path: Path) -> None:
    profile = read_profile(system, tmp_path)
    diem = system.contracts.address(DIEM)
    system.transact(STRANGER, DIEM, "transfer", diem, 5 * ONE)
    system.transact(BOB, DIEM, "transferFrom", diem, system.address(ALICE), 0)
    assert events_since(profile, profile.start_block + 1) == []


def test_the_mint_rate_is_that_of_the_step_the_supply_stands_in(system: LiveSystem, tmp_path: Path) -> None:
    with closing(reader_of(read_profile(system, tmp_path))) as reader:
        found = read_live_wallet(reader, system.wallet(ALICE), reader.head())
    supply = system.view(DIEM, "totalSupply")
    assert 500 * ONE < supply < 1_000 * ONE
    assert (found.diem_supply, found.mint_rate) == (supply, system.view(STAKING, "diemMintRates", 1))
    assert found.pending_rewards == system.view(STAKING, "pendingRewards", system.address(ALICE))
    assert found.mint_rate == Wei(90_002_812_543_945_770_267)


def test_the_final_block_follows_the_profile_s_rule(system: LiveSystem, tmp_path: Path) -> None:
    profile = read_profile(system, tmp_path)
    system.devnet.mine(9)
    with closing(reader_of(profile)) as reader:
        assert reader.final_head().number == reader.head().number - 1
    assert load_live("base-live").network.finality == Finality(FinalityRule.FINALIZED)
