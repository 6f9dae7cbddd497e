"""`entitlement buyback` as a person and a program use it: the plan first, exit codes, and nothing twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts, load_artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import load_network
from tests.chain.buyback_stage import DOLLAR, HALF, Stage, flows, opened_market
from tests.stack.conftest import Done, Typed
from tests.stack.processes import ROOT

WHY = "a [test] of [/this]"
"""Words in brackets are not colours, and are told as they were written."""
BECAUSE = ("--reason", WHY, "--by", "ada")


@pytest.fixture(scope="module")
def artifacts() -> Artifacts:
    return load_artifacts()


@pytest.fixture(scope="module")
def stage(artifacts: Artifacts) -> Iterator[Stage]:
    with opened_market(load_network("anvil"), artifacts) as made:
        yield made


@pytest.fixture
def service(database: Engine, stage: Stage, tmp_path: Path) -> dict[str, str]:
    record = tmp_path / "deployment.json"
    write_deployment(stage.system.deployment, record)
    return {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ENTITLEMENT_DATA_FOLDER": str(tmp_path),
        "ENTITLEMENT_TOKEN_SECRET": "s" * 32,
        "ENTITLEMENT_RPC_URL": stage.system.anvil.url,
        "ENTITLEMENT_DEPLOYMENT": str(record),
    }


def assert_shows(done: Done, *parts: str) -> None:
    assert all(each in done.out for each in parts), done.out


def test_from_a_policy_to_burned_vvv_with_a_plan_before_and_exit_codes_after(
    typed: Typed, service: dict[str, str], stage: Stage, sessions: sessionmaker[Session]
) -> None:
    key = service | {"KEEPER_PRIVATE_KEY": development_account(0).key.to_0x_hex()}
    done = typed("buyback", "plan", **service)
    assert (done.code, done.err) == (2, "")
    assert "no policy" in typed("buyback", "policy", "show", **service).out
    share = ("--revenue-share", "5000", "--spacing", "0", "--jitter", "0", "--impact", "100")
    dry = typed("buyback", "policy", "set", *share, *BECAUSE, "--dry-run", **service)
    assert (dry.code, "no policy" in typed("buyback", "policy", "show", **service).out) == (0, True)
    assert typed("buyback", "policy", "set", *share, *BECAUSE, **service).code == 0
    assert_shows(typed("buyback", "policy", "show", **service), WHY, "50.00 % of revenue")
    flows(stage, sessions).owe(3_000, HALF)

    person = typed("buyback", "plan", **service)
    assert (person.code, "send it what is owed" in person.out) == (4, True)
    treasury = service | {"TREASURY_PRIVATE_KEY": development_account(5).key.to_0x_hex()}
    stage.do("DevDollar", "mint", stage.system.address(5), 20_000 * DOLLAR)
    assert "Nobody signs: TREASURY_PRIVATE_KEY" in typed("buyback", "fund", *BECAUSE, **service).err
    looked = typed("buyback", "fund", "--dry-run", **service)
    assert (looked.code, "3,000.000000 USDC" in looked.out) == (0, True), looked.err
    capped = typed("buyback", "fund", "--most", "1000", *BECAUSE, **treasury)
    assert (capped.code, "the burner has them" in capped.out) == (0, True), capped.err
    rest = typed("buyback", "fund", *BECAUSE, **treasury)
    assert (rest.code, "2000000000 units of USDC" in rest.out) == (0, True), rest.err
    assert typed("buyback", "fund", *BECAUSE, **treasury).code == 2
    stage.fund_burner(7_000)
    planned = typed("buyback", "plan", **service)
    assert planned.code == 0
    assert all(each in planned.out for each in ("3,000.000000 USDC", "lot 1 of 1", "a stolen key", "act"))
    told = json.loads(typed("buyback", "plan", "--json", **service).out)
    assert (told["verdict"], told["exit_code"], told["owed"]["wanted"]) == ("act", 0, str(3_000 * DOLLAR))
    assert told["lots"][0]["usdc"] == str(3_000 * DOLLAR)

    nobody = typed("buyback", "run", **service)
    assert (nobody.code, "Nobody signs" in nobody.err) == (1, True)
    assert typed("buyback", "run", "--dry-run", **key).code == 0
    assert stage.next_run() == 0
    stopped = typed("buyback", "veto", *BECAUSE, **service)
    assert (stopped.code, "stopped buybacks" in stopped.out) == (0, True)
    refused = typed("buyback", "run", **key)
    assert (refused.code, f"ada has stopped buybacks: {WHY}" in refused.out) == (3, True)
    assert f"stopped until it is lifted by ada: {WHY}" in typed("buyback", "status", **service).out
    assert typed("buyback", "allow", *BECAUSE, **service).code == 0

    supply = stage.supply()
    bought = typed("buyback", "run", **key)
    assert (bought.code, "lot 1 of 1" in bought.out) == (0, True)
    assert (stage.next_run(), stage.supply() < supply) == (1, True)
    # On this network what is mined is final.
    assert typed("buyback", "resume", "--dry-run", **key).code == 2
    assert typed("buyback", "resume", **key).code == 2
    assert "final" in typed("buyback", "status", **service).out
    assert typed("buyback", "run", **key).code == 2
    assert stage.next_run() == 1
    secret = key["KEEPER_PRIVATE_KEY"].removeprefix("0x")
    assert all(secret not in each.out + each.err for each in (bought, refused, planned))


def test_the_script_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "buyback.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "a lot at a time" in done.stdout
