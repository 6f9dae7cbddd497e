"""The read profile of the live contracts: what it says, and that nothing is sent by it."""

from pathlib import Path
from shutil import copy

import orjson
import pytest

from entitlement.chain.live.profile import load_live
from entitlement.chain.networks import NETWORKS, load_network
from entitlement.core.errors import SetupError


def edited(folder: Path, old: str, new: str) -> Path:
    """Keep a copy of base-live with one change."""
    text = (NETWORKS / "base-live.toml").read_text()
    assert text.count(old) == 1
    (folder / "base-live.toml").write_text(text.replace(old, new))
    copy(NETWORKS / "base-live.abi.json", folder)
    return folder


def test_the_live_profile_is_base_with_the_recorded_addresses() -> None:
    profile = load_live("base-live")
    assert profile.network.chain_id == load_network("base").chain_id == 8453
    assert profile.addresses == {
        "VVV": "0xacfE6019Ed1A7Dc6f7B508C02d1b04ec88cC21bf",
        "sVVV": "0x321b7ff75154472B18EDb199033fF4D116F340Ff",
        "DIEM": "0xF4d97F2da56e8c3098f3a8D538DB630A2606a024",
    }
    assert (profile.born_block, profile.start_block) == (25_573_327, 34_455_271)
    assert (profile.network.is_devnet, profile.network.genesis) == (False, None)


def test_the_abi_has_views_and_proven_events_only() -> None:
    abis = orjson.loads((NETWORKS / "base-live.abi.json").read_bytes())
    entries = [(name, entry) for name, abi in abis.items() for entry in abi]
    assert {entry["type"] for _, entry in entries} == {"event", "function"}
    assert {entry.get("stateMutability", "view") for _, entry in entries} == {"view"}
    assert {(name, entry["name"]) for name, entry in entries if entry["type"] == "event"} == {
        ("VVV", "Transfer"),
        ("sVVV", "Transfer"),
        ("sVVV", "Staked"),
        ("DIEM", "Transfer"),
        ("DIEM", "Staked"),
    }


def test_a_read_profile_is_no_network_to_deploy_to_or_to_follow() -> None:
    with pytest.raises(SetupError, match="is a read profile of contracts that are not ours"):
        load_network("base-live")


def test_a_network_of_our_own_is_no_read_profile() -> None:
    with pytest.raises(SetupError, match="not a read profile"):
        load_live("base")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("read_only = true", "read_only = false", "read_only is false"),
        ("0xacfE", "0xacfe", "contracts.VVV is"),
        ("start_block = 34_455_271", "start_block = 1", "start_block is 1"),
        ("start_block = 34_455_271", "", "start_block is missing"),
        ("base-live.abi.json", "lost.json", "is not an ABI file"),
        ("chain_id = 8453", "chain_id = 8453\nis_devnet = true", "is_devnet is not a field"),
    ],
)
def test_a_wrong_field_of_a_read_profile_is_named(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        load_live("base-live", edited(tmp_path, old, new))
    assert complaint in str(caught.value)


def test_an_abi_by_which_something_could_be_sent_is_refused(tmp_path: Path) -> None:
    folder = edited(tmp_path, "read_only", "read_only")
    abis = orjson.loads((folder / "base-live.abi.json").read_bytes())
    abis["DIEM"].append(
        {"type": "function", "name": "unstake", "stateMutability": "nonpayable", "inputs": [], "outputs": []}
    )
    (folder / "base-live.abi.json").write_bytes(orjson.dumps(abis))
    with pytest.raises(SetupError, match="neither an event nor a view"):
        load_live("base-live", folder)
