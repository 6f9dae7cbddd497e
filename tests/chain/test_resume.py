"""A deployment that is cut off at every line goes on where it was, and nothing is deployed twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

# What is cut off is named by the module and the function, whose arguments are all the same here.
# ruff: noqa: ANN401
from entitlement.chain import transactions
from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import connect
from entitlement.chain.deployment import carry_out
from entitlement.chain.deployment.carry_out import code_digest, deploy
from entitlement.chain.deployment.journal import Journal, journal_path
from entitlement.chain.deployment.parameters import parameters_of
from entitlement.chain.deployment.plan import Plan, plan_deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import Network
from entitlement.core.errors import SetupError, TransactionFailed
from tests.chain.system import DEPLOYER

ACCOUNT = development_account(DEPLOYER)


class Crash(Exception):
    """The process ended here."""


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    with AnvilProcess(AnvilSettings()) as process:
        yield process.url


@pytest.fixture
def plan(anvil: str, network: Network) -> Plan:
    assert network.genesis is not None
    parameters = parameters_of(network.genesis, deployer=ACCOUNT.address, deployed_at=2_000_000_000)
    return plan_deployment(connect(anvil), network, ACCOUNT.address, parameters)


def begin(plan: Plan, artifacts: Artifacts, path: Path) -> Journal:
    return Journal(plan, code_digest(artifacts), path)


def crashing(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, place: int, when: str) -> None:
    """Let the call of a function with this number end the process, before or after it did its work."""
    whole, calls = getattr(module, name), 0

    def crash(*arguments: Any, **named: Any) -> object:
        nonlocal calls
        calls += 1
        if calls == place and when == "before":
            raise Crash
        answer = whole(*arguments, **named)
        if calls == place:
            raise Crash
        return answer

    monkeypatch.setattr(module, name, crash)


@pytest.mark.parametrize(
    "crash",
    [
        (carry_out, "sign", 1, "before"),  # nothing signed yet
        (carry_out, "sign", 1, "after"),  # signed, not written down
        (Journal, "keep", 4, "after"),  # written down, not sent
        (transactions, "_broadcast", 4, "after"),  # sent, not waited for
        (carry_out, "deliver", 9, "after"),  # mined, nobody told
        (carry_out, "deliver", 15, "after"),  # the last one
        (carry_out, "check_deployment", 1, "before"),
        (carry_out, "power_findings", 1, "after"),
    ],
)
def test_what_was_cut_off_goes_on_as_planned(
    crash: tuple[Any, str, int, str],
    anvil: str,
    plan: Plan,
    artifacts: Artifacts,
    tmp_path: Path,
) -> None:
    web3, path = connect(anvil), tmp_path / "journal.json"
    with pytest.MonkeyPatch.context() as patch:
        crashing(patch, *crash)
        with pytest.raises(Crash):
            deploy(web3, ACCOUNT, plan, artifacts, begin(plan, artifacts, path))
    is_begun = path.exists()
    assert is_begun == (crash[1] != "sign")
    journal = Journal.resume(path, code_digest(artifacts)) if is_begun else begin(plan, artifacts, path)
    made = deploy(web3, ACCOUNT, journal.plan, artifacts, journal)
    assert made.addresses == plan.addresses
    spent = web3.eth.get_transaction_count(ACCOUNT.address) - plan.nonce
    assert spent == len(plan.addresses), "one transaction for each contract, whatever happened"
    journal.finish()
    assert not path.exists()


def test_a_deployment_that_is_done_is_not_done_again(
    anvil: str, plan: Plan, artifacts: Artifacts, tmp_path: Path
) -> None:
    web3, path = connect(anvil), tmp_path / "journal.json"
    first = deploy(web3, ACCOUNT, plan, artifacts, begin(plan, artifacts, path))
    again = deploy(web3, ACCOUNT, plan, artifacts, Journal.resume(path, code_digest(artifacts)))
    assert again == first


def test_a_nonce_that_was_used_elsewhere_is_said(
    anvil: str, plan: Plan, artifacts: Artifacts, tmp_path: Path
) -> None:
    web3, path = connect(anvil), tmp_path / "journal.json"
    with pytest.MonkeyPatch.context() as patch:
        crashing(patch, carry_out, "deliver", 3, "after")
        with pytest.raises(Crash):
            deploy(web3, ACCOUNT, plan, artifacts, begin(plan, artifacts, path))
    web3.provider.make_request(
        "eth_sendTransaction",  # type: ignore[arg-type]
        [{"from": ACCOUNT.address, "to": ACCOUNT.address}],
    )
    with pytest.raises(TransactionFailed, match=r"deploying StakedVVV failed: its nonce was to be \d+, but"):
        deploy(web3, ACCOUNT, plan, artifacts, Journal.resume(path, code_digest(artifacts)))


def test_other_sources_do_not_go_on_with_it(plan: Plan, artifacts: Artifacts, tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    begin(plan, artifacts, path).keep("Timelock", transactions.HexBytes("0x01"))
    guardian = replace(artifacts["Guardian"], bytecode=artifacts["Guardian"].bytecode + "00")
    changed = replace(artifacts, contracts=artifacts.contracts | {"Guardian": guardian})
    with pytest.raises(SetupError, match="the contracts were changed since"):
        Journal.resume(path, code_digest(changed))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"plan": 1}'])
def test_a_file_that_is_no_journal_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_text(content)
    with pytest.raises(SetupError, match="is not the journal of a deployment"):
        Journal.resume(path, "")


def test_the_journal_holds_what_was_signed_and_no_key(
    anvil: str, plan: Plan, artifacts: Artifacts, tmp_path: Path
) -> None:
    path = journal_path(tmp_path / "31337.json")
    assert path.name == "31337.journal.json"
    deploy(connect(anvil), ACCOUNT, plan, artifacts, begin(plan, artifacts, path))
    assert list(json.loads(path.read_text())["signed"]) == list(plan.addresses)
    assert bytes(ACCOUNT.key).hex() not in path.read_text()
