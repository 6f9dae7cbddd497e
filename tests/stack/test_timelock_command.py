"""`entitlement admin`, typed as an operator types it, against a chain with our contracts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.deployment.record import deployment_path, write_deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import load_network
from entitlement.core.epochs import SECONDS_PER_EPOCH
from tests.chain.system import DEPLOYER, System, deployed
from tests.stack.conftest import Typed

KEEPER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with deployed(load_network("anvil"), load_artifacts()) as made:
        yield made


@pytest.fixture
def place(system: System, tmp_path: Path) -> tuple[str, ...]:
    write_deployment(system.deployment, deployment_path(system.deployment.chain_id, tmp_path))
    return ("--network", "anvil", "--rpc-url", system.anvil.url, "--deployments", str(tmp_path))


def key(number: int) -> str:
    return "0x" + bytes(development_account(number).key).hex()


def proposed(system: System) -> int:
    return system.contracts.web3.eth.get_transaction_count(system.account(DEPLOYER).address)


def test_a_change_is_proposed_waits_in_the_queue_and_is_executed(
    typed: Typed, system: System, place: tuple[str, ...]
) -> None:
    words = ("admin", "propose", "emission", "2000000", *place, "--reason", "as announced")
    done = typed(*words, OPERATOR_PRIVATE_KEY=key(DEPLOYER))
    assert done.code == 0, done.err
    assert "StakedVVV.lowerEmissionRate(newRate=63419583967529173)" in done.out
    told = [line.split() for line in done.out.splitlines() if "it  " in line]
    assert ["then,", "with", "it", "1,999,999.9999"] in told
    assert ["then,", "without", "it", "2,499,999.9999"] in told
    waiting = typed("admin", "queue", *place)
    assert "waiting" in waiting.out
    name = waiting.out.split()[0]
    early = typed("admin", "execute", name, *place, OPERATOR_PRIVATE_KEY=key(DEPLOYER))
    assert (early.code, "it may be executed from" in early.err) == (1, True)
    system.devnet.jump_to(system.devnet.head().timestamp + 9 * SECONDS_PER_EPOCH)
    done = typed("admin", "execute", name, *place, OPERATOR_PRIVATE_KEY=key(DEPLOYER))
    assert done.code == 0, done.err
    assert system.contracts.view("StakedVVV", "emissionRatePerSecond") == 63419583967529173
    assert "0 of 1 operations" in typed("admin", "queue", *place).out
    assert "done" in typed("admin", "queue", "--ended", *place).out
    again = typed(*words, OPERATOR_PRIVATE_KEY=key(DEPLOYER))
    assert (again.code, "proposed for the same reason and is done" in again.err) == (1, True)


def test_the_reason_is_kept_with_who_proposed_it_and_shown_only_with_its_own_operation(
    typed: Typed, place: tuple[str, ...], database: Engine, tmp_path: Path
) -> None:
    service = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ENTITLEMENT_DATA_FOLDER": str(tmp_path / "data"),
        "ENTITLEMENT_TOKEN_SECRET": "s" * 32,
    }
    words = ("admin", "propose", "keeper", KEEPER, *place)
    long = typed(*words, "--reason", "r" * 201, OPERATOR_PRIVATE_KEY=key(DEPLOYER))
    assert (long.code, "1 to 200 printable characters" in long.err) == (1, True)
    refused = typed(*words, "--reason", "nobody signs", **service)
    assert (refused.code, json.loads(typed("acts", "--json", **service).out)) == (1, [])
    done = typed(
        *words, "--reason", "as [voted]", "--by", "ada", **service, OPERATOR_PRIVATE_KEY=key(DEPLOYER)
    )
    assert (done.code, "kept with it: ada, as [voted]" in done.out) == (0, True), done.err
    queue = typed("admin", "queue", *place, **service).out
    assert "because: as [voted] (ada)" in queue
    assert "because" not in typed("admin", "queue", *place).out
    [act] = json.loads(typed("acts", "--json", **service).out)
    assert (act["kind"], act["made_by"], act["reason"]) == ("timelock.propose", "ada", "as [voted]")
    name = act["subject"]
    assert f"0x{name}  waiting" in queue

    elsewhere = typed(
        "admin",
        "propose",
        "keeper",
        KEEPER,
        *place,
        "--reason",
        "far away",
        OPERATOR_PRIVATE_KEY=key(DEPLOYER),
    )
    assert "keep the reason by entitlement admin reason" in elsewhere.out
    other = next(
        line.split()[0]
        for line in typed("admin", "queue", *place, **service).out.splitlines()
        if line.startswith("0x") and name not in line
    )
    wrong = typed("admin", "reason", other, *place, "--reason", "something else", **service)
    assert (wrong.code, "was proposed with another reason" in wrong.err) == (1, True)
    for _ in range(2):
        kept = typed("admin", "reason", other, *place, "--reason", "far away", "--by", "bob", **service)
        assert kept.code == 0, kept.err
    assert "because: far away (bob)" in typed("admin", "queue", *place, **service).out
    assert len(json.loads(typed("acts", "--json", **service).out)) == 2
    for each in (name, other):
        assert typed("admin", "cancel", each, *place, OPERATOR_PRIVATE_KEY=key(DEPLOYER)).code == 0


def test_a_dry_run_needs_no_key_and_sends_nothing(
    typed: Typed, system: System, place: tuple[str, ...]
) -> None:
    before = proposed(system)
    done = typed("admin", "propose", "target", "41000", "60", *place, "--reason", "r", "--dry-run")
    assert (done.code, "40,500.0000" in done.out) == (0, True)
    assert proposed(system) == before


def test_who_may_not_propose_is_told_who_may_before_anything_is_sent(
    typed: Typed, system: System, place: tuple[str, ...]
) -> None:
    words = ("admin", "propose", "keeper", KEEPER, *place, "--reason", "r")
    refused = typed(*words, OPERATOR_PRIVATE_KEY=key(4))
    assert refused.code == 1
    assert (
        f"is none of the timelock's proposers.\n  Sign as one of them: {system.address(DEPLOYER)}"
        in refused.err
    )
    nobody = typed(*words)
    assert "Nobody signs: OPERATOR_PRIVATE_KEY is not set" in nobody.err


def test_what_is_prepared_is_signed_and_sent_elsewhere(
    typed: Typed, system: System, place: tuple[str, ...], tmp_path: Path
) -> None:
    file = str(tmp_path / "operation.json")
    words = ("admin", "propose", "keeper", KEEPER, *place, "--reason", "another machine", "--prepare", file)
    unknown = typed(*words)
    assert (unknown.code, "name the account by --from" in unknown.err) == (1, True)
    before = proposed(system)
    assert typed(*words, "--from", system.address(DEPLOYER)).code == 0
    unsigned = typed("admin", "send", file, *place)
    assert (unsigned.code, "is not signed" in unsigned.err, proposed(system)) == (1, True, before)
    stranger = typed("admin", "sign", file, OPERATOR_PRIVATE_KEY=key(4))
    assert (stranger.code, "holds the key of" in stranger.err) == (1, True)
    assert typed("admin", "sign", file, OPERATOR_PRIVATE_KEY=key(DEPLOYER)).code == 0
    for _ in range(2):
        assert typed("admin", "send", file, *place).code == 0
    assert proposed(system) == before + 1
    name = typed("admin", "queue", *place).out.split()[0]
    cancelled = typed("admin", "cancel", name, *place, OPERATOR_PRIVATE_KEY=key(DEPLOYER))
    assert cancelled.code == 0, cancelled.err
    again = typed("admin", "cancel", name, *place, OPERATOR_PRIVATE_KEY=key(DEPLOYER))
    assert (again.code, "is cancelled: there is nothing to cancel" in again.err) == (1, True)
