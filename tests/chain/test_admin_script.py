"""What an admin does around a deployment, as programs: keys, going on after a crash, checking, verifying."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import solcx
from eth_account import Account
from web3.types import RPCEndpoint

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.check import examine_deployment
from entitlement.chain.deployment.record import Deployment, read_deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.toolchain import PROJECT
from entitlement.core.errors import NodeUnavailable
from tests.chain.lying_node import NodeError, lying_node

ACCOUNT, STRANGER = development_account(0), development_account(6)
KEY = "0x" + bytes(ACCOUNT.key).hex()
PASSWORD = "a password of a test"
SECRETS = {"DEPLOYER_PRIVATE_KEY", "KEYSTORE_PASSWORD", "SIGNER_URL", "RPC_URL"}
AUTOMINE, INTERVAL = RPCEndpoint("evm_setAutomine"), RPCEndpoint("evm_setIntervalMining")


@pytest.fixture
def url(artifacts: Artifacts) -> Iterator[str]:
    assert artifacts  # compiled once, before a program looks for them
    with AnvilProcess(AnvilSettings()) as anvil:
        yield anvil.url


def arguments(command: str, url: str, folder: Path, *more: str) -> list[str]:
    program = [sys.executable, "-m", "entitlement", command, "--network", "anvil", "--rpc-url", url]
    return [*program, "--deployments", str(folder), *more]


def environment(given: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in SECRETS} | given


def run(
    command: str, url: str, folder: Path, *more: str, typed: str = "", **given: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments(command, url, folder, *more),
        env=environment({"COLUMNS": "200"} | given),
        cwd=PROJECT,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def deployed(url: str, folder: Path) -> Deployment:
    done = run("deploy", url, folder, DEPLOYER_PRIVATE_KEY=KEY)
    assert done.returncode == 0, done.stderr
    return read_deployment(folder / "31337.json")


def test_a_deployment_that_is_killed_goes_on_and_deploys_nothing_twice(url: str, tmp_path: Path) -> None:
    web3, journal = connect(url), tmp_path / "31337.journal.json"
    web3.provider.make_request(INTERVAL, [1])  # a transaction takes as long as on a real chain
    with subprocess.Popen(
        arguments("deploy", url, tmp_path),
        env=environment({"DEPLOYER_PRIVATE_KEY": KEY}),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as program:
        assert wait_until(lambda: journal.exists() and len(json.loads(journal.read_text())["signed"]) >= 3)
        program.send_signal(signal.SIGKILL)
    planned = json.loads(journal.read_text())["plan"]["addresses"]
    web3.provider.make_request(AUTOMINE, [True])

    shown = run("deploy", url, tmp_path, "--dry-run", DEPLOYER_PRIVATE_KEY=KEY)
    assert "going on: " in shown.stdout
    other = run("deploy", url, tmp_path, "--guardian", STRANGER.address, DEPLOYER_PRIVATE_KEY=KEY)
    assert other.returncode == 1
    assert "whose guardian is" in other.stderr

    made = deployed(url, tmp_path)
    assert made.addresses == planned
    assert web3.eth.get_transaction_count(ACCOUNT.address) == len(planned)
    assert not journal.exists()


def test_two_deployments_at_once_are_refused(url: str, tmp_path: Path) -> None:
    connect(url).provider.make_request(INTERVAL, [1])
    with subprocess.Popen(
        arguments("deploy", url, tmp_path),
        env=environment({"DEPLOYER_PRIVATE_KEY": KEY}),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as program:
        assert wait_until((tmp_path / "31337.journal.json").exists)
        second = run("deploy", url, tmp_path, DEPLOYER_PRIVATE_KEY=KEY)
        program.kill()
    assert second.returncode == 1
    assert "Another deployment runs in" in second.stderr


def wait_until(happened: Any, seconds: float = 60.0) -> bool:  # noqa: ANN401 - any function
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.02)
    return False


def test_a_keystore_signs_and_its_password_is_shown_nowhere(url: str, tmp_path: Path) -> None:
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    keystore.write_text(json.dumps(Account.encrypt(ACCOUNT.key, PASSWORD, kdf="pbkdf2", iterations=10)))
    password.write_text(PASSWORD + "\n")
    given = ("--keystore", str(keystore))
    refused = run("deploy", url, tmp_path, *given, "--dry-run", KEYSTORE_PASSWORD="wrong")
    assert refused.returncode == 1
    assert "does not open with this password" in refused.stderr
    by_file = run("deploy", url, tmp_path, *given, "--password-file", str(password), "--dry-run")
    assert f"deployer    {ACCOUNT.address}" in by_file.stdout, by_file.stderr
    done = run("deploy", url, tmp_path, *given, KEYSTORE_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr + by_file.stdout + by_file.stderr
    assert KEY[2:] not in done.stdout + done.stderr


def test_a_remote_signer_signs_for_the_account_that_is_named(url: str, tmp_path: Path) -> None:
    # The node keeps the keys of its development accounts, as a hardware signer's program keeps its own.
    unnamed = run("deploy", url, tmp_path, SIGNER_URL=url)
    assert unnamed.returncode == 1
    assert "Name the one that signs" in unnamed.stderr
    done = run("deploy", url, tmp_path, "--deployer", ACCOUNT.address, SIGNER_URL=url)
    assert done.returncode == 0, done.stderr
    assert read_deployment(tmp_path / "31337.json").deployer == ACCOUNT.address


def test_one_source_of_the_key_is_enough(url: str, tmp_path: Path) -> None:
    said = run("deploy", url, tmp_path, DEPLOYER_PRIVATE_KEY=KEY, SIGNER_URL=url)
    assert said.returncode == 1
    assert "Give one source of the key only" in said.stderr
    other = run("deploy", url, tmp_path, "--deployer", STRANGER.address, DEPLOYER_PRIVATE_KEY=KEY)
    assert other.returncode == 1
    assert f"holds the key of {ACCOUNT.address}, not of {STRANGER.address}" in other.stderr


def test_a_check_reads_everything_back_and_a_surprise_fails_it(
    url: str, artifacts: Artifacts, tmp_path: Path
) -> None:
    made = deployed(url, tmp_path)
    good = run("check", url, tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    assert good.stdout.rstrip().endswith("read back, 0 not as expected")
    for name, field in (("StakedVVV", "treasury"), ("Timelock", "proposers"), ("BuybackBurner", "bounds")):
        assert any(line.split()[:2] == [name, field] for line in good.stdout.splitlines())

    # The timelock does what it lawfully may: from its own address, as after nine days.
    web3 = connect(url)
    timelock = made.addresses["Timelock"]
    for method, given in (
        ("anvil_impersonateAccount", [timelock]),
        ("anvil_setBalance", [timelock, hex(10**20)]),
    ):
        web3.provider.make_request(RPCEndpoint(method), given)
    contracts = Contracts(web3, artifacts, made.addresses)
    role = contracts.view("Timelock", "PROPOSER_ROLE")
    for contract, call in (
        ("Guardian", contracts.call_data("Guardian", "nameGuardian", STRANGER.address)),
        ("Timelock", contracts.call_data("Timelock", "grantRole", role, STRANGER.address)),
        ("StakedVVV", contracts.call_data("StakedVVV", "lowerEmissionRate", 5)),
    ):
        sent = {"from": timelock, "to": made.addresses[contract], "data": call}
        web3.provider.make_request(RPCEndpoint("eth_sendTransaction"), [sent])
    found = run("check", url, tmp_path)
    assert found.returncode == 1
    assert found.stdout.rstrip().endswith("read back, 3 not as expected")
    both = ", ".join(sorted((ACCOUNT.address, STRANGER.address)))
    for surprise in (
        f"Timelock.proposers: expected {ACCOUNT.address}, found {both}",
        f"Guardian.guardian: expected {ACCOUNT.address}, found {STRANGER.address}",
        "StakedVVV.emissionRatePerSecond: expected 79274479959411466, found 5",
    ):
        assert surprise in found.stdout

    accepted = run("check", url, tmp_path, "--accept")
    assert accepted.returncode == 0, accepted.stderr
    assert run("check", url, tmp_path).returncode == 0
    assert read_deployment(tmp_path / "31337.json").accepted["Guardian.guardian"] == STRANGER.address


def test_what_can_never_change_is_never_accepted(url: str, tmp_path: Path) -> None:
    made = deployed(url, tmp_path)
    connect(url).provider.make_request(RPCEndpoint("anvil_setCode"), [made.addresses["VVV"], "0x6001"])
    before = (tmp_path / "31337.json").read_text()
    found = run("check", url, tmp_path, "--accept")
    assert found.returncode == 1
    assert "VVV" in found.stdout
    assert (tmp_path / "31337.json").read_text() == before


def test_a_check_of_the_wrong_chain_says_so(url: str, tmp_path: Path) -> None:
    deployed(url, tmp_path)
    kept = tmp_path / "31337.json"
    kept.write_text(kept.read_text().replace('"chain_id": 31337', '"chain_id": 8453'))
    said = run("check", url, tmp_path)
    assert said.returncode == 1
    assert "the node serves chain 31337, expected chain 8453" in said.stderr


def test_a_check_without_a_deployment_says_how_to_make_one(url: str, tmp_path: Path) -> None:
    said = run("check", url, tmp_path)
    assert said.returncode == 1
    assert "run `entitlement deploy`" in said.stderr


def test_the_verification_input_makes_what_the_chain_was_sent(
    url: str, artifacts: Artifacts, tmp_path: Path
) -> None:
    made = deployed(url, tmp_path)
    folder = tmp_path / "31337.verification"
    again = tmp_path / "again"
    command = [sys.executable, "-m", "entitlement", "explorer-input", "--network", "anvil"]
    written = subprocess.run(
        [*command, "--deployments", str(tmp_path), "--folder", str(again)],
        env=environment({}),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert written.returncode == 0, written.stderr
    for name in ("contracts.json", "standard-input.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    table = json.loads((folder / "contracts.json").read_text())
    assert table["compiler"] == f"v{artifacts.build}"
    given = json.loads((folder / "standard-input.json").read_text())
    solc = PROJECT / "contracts" / "tools" / "solc.js"
    made_from_it = solcx.compile_standard(given, solc_binary=solc)["contracts"]
    web3 = connect(url)
    assert set(table["contracts"]) == set(made.addresses) - {"UniswapV3Factory"}
    for name, entry in table["contracts"].items():
        source, contract = entry["contract"].split(":")
        code = made_from_it[source][contract]["evm"]["bytecode"]["object"]
        sent = web3.eth.get_transaction(entry["transaction"])["input"].hex()
        assert code + entry["constructorArguments"] == sent, name


def test_a_node_that_gives_few_blocks_at_once_is_asked_often(
    url: str, artifacts: Artifacts, tmp_path: Path
) -> None:
    made = deployed(url, tmp_path)
    connect(url).provider.make_request(RPCEndpoint("anvil_mine"), [hex(1_000)])
    with lying_node(url) as node:

        def at_most_400(asked: list[Any], truth: Any) -> Any:  # noqa: ANN401 - JSON
            first, last = (int(asked[0][end], 16) for end in ("fromBlock", "toBlock"))
            return truth if last - first < 400 else NodeError(-32005, "block range too large")

        node.lie("eth_getLogs", at_most_400)
        findings = examine_deployment(connect(node.url), made, artifacts)
        assert node.asked["eth_getLogs"] == 7  # one, its halves, and their halves
        assert not [finding for finding in findings if finding.is_surprise]
        node.lie("eth_getLogs", lambda _asked, _truth: NodeError(-32000, "tired"))
        with pytest.raises(NodeUnavailable, match="eth_getLogs"):
            examine_deployment(connect(node.url), made, artifacts)
