"""Anvil as our child: its clock, its state over restarts, its ports, and its end."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from entitlement.chain.anvil import GENESIS_TIME, HOST, AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.carry_out import deploy
from entitlement.chain.deployment.parameters import parameters_of
from entitlement.chain.deployment.plan import plan_deployment
from entitlement.chain.devnet import ACCOUNTS, Devnet, development_account
from entitlement.chain.networks import Network, load_network
from entitlement.chain.rpc import JsonRpc
from entitlement.chain.transactions import transact
from entitlement.core.errors import InvalidRequest, NotADevnet, SetupError, WrongChain
from entitlement.core.reorg import is_linked
from entitlement.core.units import Wei, wallet

DAY = 86_400


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_new_chain_begins_today_although_its_first_block_is_old() -> None:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        assert int(rpc.call("eth_getBlockByNumber", "0x0", False)["timestamp"], 16) == GENESIS_TIME  # noqa: FBT003
        head = Devnet(rpc, load_network("anvil")).head()
        assert abs(head.timestamp - time.time()) < 5


def test_a_restart_keeps_blocks_logs_coins_finality_and_moved_time(
    network: Network, artifacts: Artifacts, tmp_path: Path
) -> None:
    settings = AnvilSettings(state=tmp_path / "chain/state.json", log=tmp_path / "anvil.log")
    anvil = AnvilProcess(settings)
    account = development_account(0)
    with anvil, JsonRpc(anvil.url) as rpc:
        devnet, web3 = Devnet(rpc, network), connect(anvil.url)
        assert network.genesis is not None
        parameters = parameters_of(
            network.genesis, deployer=account.address, deployed_at=devnet.head().timestamp
        )
        plan = plan_deployment(web3, network, account.address, parameters)
        deployment = deploy(web3, account, plan, artifacts)
        contracts = Contracts(web3, artifacts, deployment.addresses)
        transact(contracts, account, "VVV", "approve", contracts.address("StakedVVV"), 10**30)
        transact(contracts, account, "StakedVVV", "stake", account.address, 10**20)
        devnet.set_balance(wallet("0x" + "ab" * 20), Wei(12345))
        jumped = devnet.jump_to(devnet.head().timestamp + 3 * DAY)
        reader = RpcChainReader(anvil.url, network, deployment, artifacts)
        headers = reader.headers(0, jumped.number)
        final = reader.final_head()
        events = reader.events(headers)
        reader.close()
    assert not anvil.is_running
    assert len(events) == 1

    for round_ in range(3):
        with anvil, JsonRpc(anvil.url) as rpc:
            devnet = Devnet(rpc, network)
            reader = RpcChainReader(anvil.url, network, deployment, artifacts)
            again = reader.headers(0, reader.head().number)
            assert again[: len(headers)] == headers
            assert is_linked(again, None)
            assert reader.events(headers) == events
            if round_ == 0:
                assert reader.final_head() == final
            reader.close()
            assert int(rpc.call("eth_getBalance", "0x" + "ab" * 20, "latest"), 16) == 12345
            web3 = connect(anvil.url)
            contracts = Contracts(web3, artifacts, deployment.addresses)
            assert contracts.view("StakedVVV", "balanceOf", account.address) == 10**20
            transact(contracts, account, "StakedVVV", "accrue")
            head = devnet.head()
            assert head.timestamp >= again[-1].timestamp >= jumped.timestamp
            assert head.timestamp < jumped.timestamp + 120


def test_blocks_at_an_interval_never_run_behind_after_a_restart(network: Network, tmp_path: Path) -> None:
    anvil = AnvilProcess(AnvilSettings(state=tmp_path / "state.json", block_seconds=1))
    with anvil, JsonRpc(anvil.url) as rpc:
        devnet = Devnet(rpc, network)
        jumped = devnet.jump_to(devnet.head().timestamp + DAY)
        assert eventually(lambda: devnet.head().number >= jumped.number + 2)
    with anvil, JsonRpc(anvil.url) as rpc:
        devnet = Devnet(rpc, network)
        first = devnet.head().number
        assert eventually(lambda: devnet.head().number >= first + 2)
        times = [
            int(rpc.call("eth_getBlockByNumber", hex(number), False)["timestamp"], 16)  # noqa: FBT003
            for number in range(devnet.head().number + 1)
        ]
    assert times == sorted(times)


def test_a_transaction_does_not_wait_for_the_interval(network: Network) -> None:
    with AnvilProcess(AnvilSettings(block_seconds=3600)) as anvil, JsonRpc(anvil.url) as rpc:
        before = Devnet(rpc, network).head()
        to = development_account(1).address
        rpc.call("eth_sendTransaction", {"from": development_account(0).address, "to": to, "value": "0x1"})
        assert eventually(lambda: Devnet(rpc, network).head().number == before.number + 1)


def test_the_state_is_written_while_it_runs(network: Network, tmp_path: Path) -> None:
    """What `kill -9` leaves is the state of the last interval."""
    state = tmp_path / "state.json"
    settings = AnvilSettings(state=state, state_interval_seconds=1)
    anvil = AnvilProcess(settings)
    with anvil, JsonRpc(anvil.url) as rpc:
        mined = Devnet(rpc, network).mine(7)
        assert eventually(state.exists)
        assert eventually(lambda: state.stat().st_mtime > time.time() - 0.5, 5)
        time.sleep(1.2)
        assert anvil._process is not None
        os.killpg(anvil._process.pid, signal.SIGKILL)
        assert eventually(lambda: not anvil.is_running)
    with AnvilProcess(settings) as again, JsonRpc(again.url) as rpc:
        assert Devnet(rpc, network).head() == mined


def test_a_port_in_use_is_found_before_anything_is_started(tmp_path: Path) -> None:
    log = tmp_path / "anvil.log"
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=rf"port {port} .* in use"):
            AnvilProcess(AnvilSettings(port=port, log=log)).start()
    assert not log.exists()


def test_a_chosen_port_is_used_and_free_again_at_once() -> None:
    with AnvilProcess(AnvilSettings()) as anvil:
        port = anvil.port
        assert listens(port)
    with AnvilProcess(AnvilSettings(port=port)) as anvil:
        assert anvil.url == f"http://{HOST}:{port}"
    assert not listens(port)


def test_a_state_that_cannot_be_read_is_told_in_anvils_words(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"block": {"number"')
    anvil = AnvilProcess(AnvilSettings(state=state, log=tmp_path / "anvil.log"))
    with pytest.raises(SetupError) as caught:
        anvil.start()
    assert "state" in str(caught.value).lower()
    assert "said nothing" not in str(caught.value)
    assert not anvil.is_running
    assert state.read_text() == '{"block": {"number"'


def test_the_state_of_the_last_good_start_is_kept_beside_a_broken_one(
    network: Network, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    anvil = AnvilProcess(AnvilSettings(state=state))
    with anvil, JsonRpc(anvil.url) as rpc:
        mined = Devnet(rpc, network).mine(3)
    with anvil:
        pass
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(SetupError, match=r"put .*state\.json\.good in the place of"):
        anvil.start()
    (tmp_path / "state.json.good").replace(state)
    with anvil, JsonRpc(anvil.url) as rpc:
        assert Devnet(rpc, network).head() == mined


def test_stopping_twice_or_before_a_start_does_nothing() -> None:
    anvil = AnvilProcess(AnvilSettings())
    anvil.stop()
    anvil.start()
    anvil.stop()
    anvil.stop()
    assert not anvil.is_running


# A shell that runs the tests in the background hands Ctrl-C down as ignored; a program in a terminal has it.
CHILD = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from entitlement.chain.anvil import AnvilProcess, AnvilSettings
anvil = AnvilProcess(AnvilSettings(state=Path(sys.argv[1])))
starter = threading.Thread(target=anvil.start)
starter.start()
starter.join()
try:
    print(anvil.port, flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("still", anvil.is_running, flush=True)
    anvil.stop()
    print("stopped", flush=True)
"""


def child(state: Path) -> tuple[subprocess.Popen[str], int]:
    made = subprocess.Popen(
        [sys.executable, "-c", CHILD, state], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert made.stdout is not None
    return made, int(made.stdout.readline())


def test_it_ends_with_a_parent_that_is_killed_and_still_writes_its_state(tmp_path: Path) -> None:
    made, port = child(tmp_path / "state.json")
    with made:
        assert listens(port)
        made.kill()
        made.wait()
        assert eventually(lambda: not listens(port))
        assert eventually((tmp_path / "state.json").exists)


def test_ctrl_c_in_the_terminal_leaves_its_end_to_us(tmp_path: Path) -> None:
    made, port = child(tmp_path / "state.json")
    with made:
        os.killpg(made.pid, signal.SIGINT)  # what a terminal sends: to all of the foreground
        said, _ = made.communicate(timeout=20)
    assert said.split() == ["still", "True", "stopped"]
    assert not listens(port)
    assert (tmp_path / "state.json").exists()


def test_the_thread_that_started_it_may_end() -> None:
    anvil = AnvilProcess(AnvilSettings())
    starter = threading.Thread(target=anvil.start)
    starter.start()
    starter.join()
    time.sleep(0.2)
    assert anvil.is_running
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    assert httpx.post(anvil.url, json=question, timeout=30).status_code == 200
    anvil.stop()


# --- the controls ---------------------------------------------------------------------------------------


def test_a_real_network_has_no_controls(network: Network) -> None:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        with pytest.raises(NotADevnet, match="base"):
            Devnet(rpc, load_network("base"))
        with pytest.raises(WrongChain):
            Devnet(
                rpc, Network(**{name: getattr(network, name) for name in network.__slots__} | {"chain_id": 5})
            )


def test_time_is_moved_to_the_second_and_runs_on(network: Network) -> None:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        devnet = Devnet(rpc, network)
        midnight = (devnet.head().timestamp // DAY + 1) * DAY
        for second in (midnight - 1, midnight, midnight + 1):
            assert devnet.jump_to(second).timestamp == second
        assert midnight + 1 <= devnet.mine(3).timestamp <= midnight + 10
        with pytest.raises(InvalidRequest, match="is behind"):
            devnet.jump_to(midnight)


def test_a_snapshot_brings_the_chain_back_once(network: Network) -> None:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        devnet = Devnet(rpc, network)
        before = devnet.head()
        snapshot = devnet.snapshot()
        devnet.jump_to(before.timestamp + DAY)
        assert devnet.revert(snapshot) == before
        assert devnet.mine().timestamp < before.timestamp + 60
        with pytest.raises(InvalidRequest, match="snapshot"):
            devnet.revert(snapshot)


@pytest.mark.parametrize("depth", [1, 5])
def test_a_reorganisation_replaces_exactly_so_many_blocks(depth: int, network: Network) -> None:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        devnet = Devnet(rpc, network)
        old = devnet.mine(8)
        hashes = [rpc.call("eth_getBlockByNumber", hex(n), False)["hash"] for n in range(old.number + 1)]  # noqa: FBT003
        new = devnet.reorg(depth)
        assert new.number == old.number
        after = [rpc.call("eth_getBlockByNumber", hex(n), False)["hash"] for n in range(old.number + 1)]  # noqa: FBT003
        kept = old.number + 1 - depth
        assert after[:kept] == hashes[:kept]
        assert not set(after[kept:]) & set(hashes)


def test_the_development_accounts_are_the_ones_with_coins() -> None:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        known = [address.lower() for address in rpc.call("eth_accounts")]
    assert [development_account(number).address.lower() for number in range(ACCOUNTS)] == known
