"""`entitlement live` as a person types it, against the replica; and who refuses a read profile."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.networks import load_network
from entitlement.cli.show import moment
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import WEI_PER_TOKEN
from tests.chain.live_system import DIEM, STAKING, LiveSystem, live_system, write_profile
from tests.stack.conftest import Typed

ONE = WEI_PER_TOKEN
ALICE = 1


@pytest.fixture(scope="module")
def system() -> Iterator[LiveSystem]:
    """Alice staked 100 DIEM and asked for 40 of them back, today."""
    with live_system(load_network("anvil"), load_artifacts()) as made:
        midnight = (made.devnet.head().timestamp // SECONDS_PER_EPOCH + 2) * SECONDS_PER_EPOCH
        made.transact(ALICE, STAKING, "stake", made.address(ALICE), 50_000 * ONE)
        made.transact(ALICE, STAKING, "mintDiem", 20_000 * ONE, 0)
        made.transact(ALICE, DIEM, "stake", 100 * ONE)
        made.devnet.jump_to(midnight + 3_600)
        made.transact(ALICE, DIEM, "initiateUnstake", 40 * ONE)
        made.devnet.mine()
        yield made


@pytest.fixture
def networks(system: LiveSystem, tmp_path: Path) -> Path:
    """A folder of networks that overrides the addresses of the live contracts by the replica's."""
    write_profile(tmp_path, system, start_block=system.born_block + 3)
    return tmp_path


def test_a_wallet_s_live_position_can_be_read(system: LiveSystem, networks: Path, typed: Typed) -> None:
    done = typed("live", system.address(ALICE), "--network", "replica", "--networks", str(networks))
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    account = system.account(ALICE)
    assert lines[0] == system.wallet(ALICE)
    assert set(lines) >= {
        "right today $100.00",
        "right tomorrow $60.00",
        "DIEM staked 60.0000",
        f"DIEM on its way out 40.0000 from {moment(account.diem_exit.due)}",
        "DIEM minted 222.2213",
        "VVV staked, unlocked 30,000.0000",
        "VVV locked behind DIEM 20,000.0000",
        "VVV on its way out 0.0000",
        "mint rate 90.0003 VVV for a DIEM, at 222.2213 DIEM",
    }


def test_an_older_block_is_read_as_it_was(system: LiveSystem, networks: Path, typed: Typed) -> None:
    asked = system.devnet.head().number - 1
    options = ("--network", "replica", "--networks", str(networks), "--rpc-url", system.anvil.url)
    assert "right tomorrow" in typed("live", system.address(ALICE), *options, "--block", str(asked)).out
    before = typed("live", system.address(ALICE), *options, "--block", str(asked - 1))
    assert "DIEM staked             100.0000" in before.out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--block", "yesterday"), "is not a block"),
        (("--block", "999999"), "has no block 999999 yet"),
        (("--block", "2"), "can be read from block 4 on"),
        (("--network", "base"), "is not a read profile"),
        (("--network", "base-live"), "serves chain 31337, expected chain 8453"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    system: LiveSystem, networks: Path, typed: Typed, options: tuple[str, ...], sentence: str
) -> None:
    given = (
        options if "--network" in options else (*options, "--networks", str(networks), "--network", "replica")
    )
    done = typed("live", system.address(ALICE), "--rpc-url", system.anvil.url, *given)
    assert done.code == 1
    assert sentence in done.err


def test_a_word_that_is_no_address_is_refused_before_anything_is_asked(typed: Typed) -> None:
    done = typed("live", "alice", "--rpc-url", "http://127.0.0.1:1")
    assert done.code == 1
    assert "is not an address" in done.err


@pytest.mark.parametrize(
    "command", [("deploy", "--network", "base-live", "--dry-run"), ("follow",)], ids=" ".join
)
def test_whoever_would_send_or_serve_refuses_a_read_profile(
    command: tuple[str, ...], typed: Typed, tmp_path: Path
) -> None:
    done = typed(*command, ENTITLEMENT_NETWORK="base-live", ENTITLEMENT_DATA_FOLDER=str(tmp_path))
    assert done.code == 1
    assert "nothing is deployed or sent there" in done.err
