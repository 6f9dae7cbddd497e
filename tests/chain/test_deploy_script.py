"""scripts/deploy.py, which is `entitlement deploy`, as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import connect
from entitlement.chain.deployment.check import check_deployment
from entitlement.chain.deployment.record import read_deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import NETWORKS
from entitlement.chain.toolchain import PROJECT

ACCOUNT = development_account(0)
PLACE = "0x" + "12" * 20
KEY = "0x" + bytes(ACCOUNT.key).hex()


@pytest.fixture
def url(artifacts: Artifacts) -> Iterator[str]:
    assert artifacts  # compiled once, before the script looks for them
    with AnvilProcess(AnvilSettings()) as anvil:
        yield anvil.url


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if name not in {"RPC_URL", "DEPLOYER_PRIVATE_KEY"}
    }
    done = subprocess.run(
        [sys.executable, PROJECT / "scripts/deploy.py", "--deployments", folder, *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    done.stderr = " ".join(done.stderr.split())  # a sentence may be wrapped
    return done


def test_it_deploys_what_its_dry_run_printed(url: str, artifacts: Artifacts, tmp_path: Path) -> None:
    dry = run(tmp_path, "--network", "anvil", "--rpc-url", url, "--dry-run", DEPLOYER_PRIVATE_KEY=KEY)
    assert dry.returncode == 0, dry.stderr
    assert not list(tmp_path.iterdir())
    assert connect(url).eth.get_transaction_count(ACCOUNT.address) == 0

    done = run(tmp_path, "--network", "anvil", RPC_URL=url, DEPLOYER_PRIVATE_KEY=KEY)
    assert done.returncode == 0, done.stderr
    made = read_deployment(tmp_path / "31337.json")
    check_deployment(connect(url), made, artifacts)
    for name, address in made.addresses.items():
        assert f"{name:<17} {address}" in dry.stdout
    for figure in (
        "emission_per_second",
        "79274479959411466",
        "target",
        "40000000000000000000000",
        "opens_at",
    ):
        assert figure in dry.stdout
    for said in (dry.stdout, dry.stderr, done.stdout, done.stderr):
        assert KEY[2:] not in said


def test_a_deployment_is_replaced_only_when_that_is_meant(url: str, tmp_path: Path) -> None:
    arguments = ("--network", "anvil", "--rpc-url", url)
    assert run(tmp_path, *arguments, DEPLOYER_PRIVATE_KEY=KEY).returncode == 0
    first = read_deployment(tmp_path / "31337.json")
    refused = run(tmp_path, *arguments, DEPLOYER_PRIVATE_KEY=KEY)
    assert refused.returncode == 1
    assert "--again" in refused.stderr
    assert read_deployment(tmp_path / "31337.json") == first
    again = run(tmp_path, *arguments, "--again", DEPLOYER_PRIVATE_KEY=KEY)
    assert again.returncode == 0, again.stderr
    assert read_deployment(tmp_path / "31337.json").addresses != first.addresses


def test_roles_may_be_named_and_a_dry_run_needs_no_key(url: str, tmp_path: Path) -> None:
    roles = [development_account(number).address for number in (1, 2, 3)]
    said = run(
        tmp_path,
        *("--network", "anvil", "--rpc-url", url, "--dry-run", "--deployer", ACCOUNT.address),
        *("--treasury", roles[0], "--proposer", roles[1], "--guardian", roles[2]),
    )
    assert said.returncode == 0, said.stderr
    for name, address in zip(("treasury", "proposer", "guardian"), roles, strict=True):
        assert f"{name:<20} {address}" in said.stdout


@pytest.mark.parametrize(
    ("case", "arguments", "environment", "complaint"),
    [
        ("no key", [], {}, "DEPLOYER_PRIVATE_KEY is not set"),
        ("a dry run without anyone", ["--dry-run"], {}, "--deployer"),
        ("no key but an address", ["--deployer", ACCOUNT.address], {}, "DEPLOYER_PRIVATE_KEY is not set"),
        ("a key that is none", [], {"DEPLOYER_PRIVATE_KEY": "0xsecret"}, "does not hold a private key"),
        ("a key that is too long", [], {"DEPLOYER_PRIVATE_KEY": KEY + "00"}, "does not hold a private key"),
        ("a network that is none", ["--network", "mars"], {}, "no network 'mars'"),
        (
            "an address that is none",
            ["--treasury", "0x12"],
            {"DEPLOYER_PRIVATE_KEY": KEY},
            "is not an address",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    case: str, arguments: list[str], environment: dict[str, str], complaint: str, url: str, tmp_path: Path
) -> None:
    said = run(tmp_path, "--network", "anvil", "--rpc-url", url, *arguments, **environment)
    assert said.returncode == 1, case
    assert complaint in said.stderr
    assert "Traceback" not in said.stderr
    assert "secret" not in said.stderr
    assert KEY[2:] not in said.stdout + said.stderr


def test_a_chain_that_is_not_the_networks_is_refused(url: str, tmp_path: Path) -> None:
    networks = tmp_path / "networks"
    networks.mkdir()
    text = (NETWORKS / "anvil.toml").read_text()
    (networks / "other.toml").write_text(
        text.replace('name = "anvil"', 'name = "other"').replace("chain_id = 31337", "chain_id = 5")
    )
    said = run(
        tmp_path,
        "--networks",
        str(networks),
        "--network",
        "other",
        "--rpc-url",
        url,
        DEPLOYER_PRIVATE_KEY=KEY,
    )
    assert said.returncode == 1
    assert "the node serves chain 31337, expected chain 5" in said.stderr
    assert connect(url).eth.get_transaction_count(ACCOUNT.address) == 0


def test_on_a_real_network_powers_must_be_given_by_name(url: str, tmp_path: Path) -> None:
    networks = tmp_path / "networks"
    networks.mkdir()
    text = (NETWORKS / "anvil.toml").read_text()
    (networks / "real.toml").write_text(
        text.replace('name = "anvil"', 'name = "real"')
        .replace("is_devnet = true", "is_devnet = false")
        .replace("depth = 0 ", "depth = 5 ")
        .replace("[genesis.market]", f'[genesis.market]\nusdc = "{PLACE}"\nuniswap_factory = "{PLACE}"')
    )
    arguments = ("--networks", str(networks), "--network", "real", "--rpc-url", url)
    said = run(tmp_path, *arguments, "--treasury", ACCOUNT.address, DEPLOYER_PRIVATE_KEY=KEY)
    assert said.returncode == 1
    assert "Name --proposer, --guardian, --revenue, --keeper, --publisher." in said.stderr


def test_a_network_without_a_beginning_is_not_deployed_to(url: str, tmp_path: Path) -> None:
    networks = tmp_path / "networks"
    networks.mkdir()
    text = (NETWORKS / "anvil.toml").read_text().replace('name = "anvil"', 'name = "bare"')
    (networks / "bare.toml").write_text(text.split("[genesis]")[0].rsplit("\n#", 1)[0])
    arguments = ("--networks", str(networks), "--network", "bare", "--rpc-url", url, "--dry-run")
    said = run(tmp_path, *arguments, DEPLOYER_PRIVATE_KEY=KEY)
    assert said.returncode == 1
    assert "has no [genesis]" in said.stderr


def test_a_node_that_is_not_there_is_said_without_its_url(tmp_path: Path) -> None:
    said = run(
        tmp_path, "--network", "anvil", "--rpc-url", "http://127.0.0.1:1/v2/hidden", DEPLOYER_PRIVATE_KEY=KEY
    )
    assert said.returncode == 1
    assert "the node did not answer" in said.stderr
    assert "hidden" not in said.stderr
