"""A stack that runs: what it tells a person to try works, and the other commands find their way to it."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import create_engine, text

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.record import read_deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.roots import RootsOnChain
from entitlement.cli.genesis import DEPLOYER
from entitlement.cli.service_client import Refused, ServiceClient
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch
from tests.stack.conftest import Typed
from tests.stack.local import Local, free_ports, options, up
from tests.stack.processes import ROOT, environment, run, running, until

USD = 10**9
CAROL = ("--dev-account", "3")
WHOSE = "carol's [/eu]"
"""Words in brackets are not colours, and are told as they were written."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Local]:
    # Not in pytest's own folder: the database runs as another user, which cannot pass through that.
    with tempfile.TemporaryDirectory(prefix="entitlement-stack-") as folder:
        Path(folder).chmod(0o755)
        with up(Path(folder) / "stack", Path(folder) / "up.log") as local:
            yield local
            local.process.send(signal.SIGINT)
            assert local.process.ends() == 0


def shell(command: str) -> str:
    """Run a line as it was told, from the root of the project."""
    line = command.replace(".venv/bin/entitlement", f"{sys.executable} -m entitlement")
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
        cwd=ROOT,
        timeout=60,
    )
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines it tells are for curl")
def test_every_line_that_it_tells_a_person_to_try_works(stack: Local) -> None:
    before = stack.balance()
    ask, account, models, create, jump = stack.told()
    answer = json.loads(shell(ask))
    assert "Good morning" in answer["choices"][0]["message"]["content"]
    shown = json.loads(shell(account))
    assert shown["balance"]["spent"] > before["spent"]
    assert shown["allowance_now"] == 3 * USD
    assert {each["id"] for each in json.loads(shell(models))["data"]} >= {"echo", "echo-large"}
    assert re.fullmatch(r"ent_[\w-]{43}", shell(create).splitlines()[-1])
    assert "epoch" in shell(jump)


def test_a_jump_of_the_clock_brings_the_next_day_s_credit(stack: Local, typed: Typed) -> None:
    stack.ask()
    before = stack.balance()
    assert before["spent"] > 0
    done = typed("clock", "jump", "--folder", str(stack.folder))
    assert done.code == 0, done.err
    after = stack.balance()
    assert after["epoch"] == before["epoch"] + 1
    assert (after["available"], after["granted"], after["spent"]) == (3 * USD, 3 * USD, 0)
    assert stack.ask()["choices"]
    assert httpx.get(f"{stack.api}/health/ready", timeout=30).status_code == 200


def test_a_day_that_was_jumped_over_has_its_root_on_the_chain_and_a_proof_that_the_contract_accepts(
    stack: Local, typed: Typed
) -> None:
    stack.ask()
    day = stack.balance()
    done = typed("clock", "jump", "--settled", "--folder", str(stack.folder))
    assert done.code == 0, done.err
    assert "01:00:00 UTC" in done.out

    def proof() -> dict[str, Any] | None:
        url, query = f"{stack.api}/v1/wallet/proofs", {"epoch": day["epoch"]}
        answer = httpx.get(url, params=query, headers=stack.alice, timeout=30)
        found = answer.json() if answer.is_success else {}
        return found if found.get("block") is not None else None

    found = until(proof)
    assert found is not None
    assert (found["granted"], found["spent"]) == (day["granted"], day["spent"])
    mine = (
        found["account"],
        found["granted"],
        found["spent"],
        bytes.fromhex(found["salt"][2:]),
        [bytes.fromhex(each[2:]) for each in found["proof"]],
    )
    contract = RootsOnChain(contracts_of(stack))
    assert contract.verify(Epoch(day["epoch"]), mine)
    assert not contract.verify(Epoch(day["epoch"]), (*mine[:2], mine[2] + 1, *mine[3:]))
    standing = contract.standing(Epoch(day["epoch"]))
    assert standing is not None
    assert f"0x{standing.commitment.root.hex()}" == found["root"]
    (newest, *_) = httpx.get(f"{stack.api}/v1/public/proofs", timeout=30).json()["epochs"]
    assert newest["epoch"] == day["epoch"]


def contracts_of(stack: Local) -> Contracts:
    deployment = read_deployment(stack.folder / "deployment.json")
    url = f"http://127.0.0.1:{stack.ports['chain']}"
    return Contracts(connect(url), load_artifacts(), deployment.addresses)


def test_the_publisher_s_key_is_given_to_the_jobs_alone_and_by_no_command_line(stack: Local) -> None:
    key = bytes(development_account(DEPLOYER).key).hex()
    has_it = set[str]()
    for process in psutil.Process(stack.process.process.pid).children(recursive=True):
        command = process.cmdline()
        assert not any(key in part.lower() for part in command), command
        if any(key in value.lower() for value in process.environ().values()):
            has_it |= {part for part in command if part in {"jobs", "serve", "gateway", "echo"}}
    assert has_it == {"jobs"}
    for path in (stack.folder / "running.json", *(stack.folder / "logs").iterdir()):
        assert key not in path.read_text().lower(), path


def test_the_deployer_s_session_sees_the_operator_s_view_and_alice_s_does_not(stack: Local) -> None:
    with ServiceClient.sign_in(stack.api, development_account(DEPLOYER)) as deployer:
        assert deployer.get("/v1/wallet/roles") == {"operator": True}
        until(lambda: deployer.get("/v1/admin/health")["ready"])
        health = deployer.get("/v1/admin/health")
        assert health["roots"]["last_published"] == health["roots"]["last_closed"]
        assert deployer.get("/v1/admin/liabilities")["usdc"]["holdings"]
        assert deployer.get("/v1/admin/buybacks")["chain"]["runs"] == []
        assert deployer.get("/v1/admin/timelock")["operations"] == []
        assert "clock.jump" in {each["kind"] for each in deployer.get("/v1/admin/acts")["acts"]}
    with ServiceClient.sign_in(stack.api, development_account(1)) as alice:
        assert alice.get("/v1/wallet/roles") == {"operator": False}
        with pytest.raises(Refused, match="not_allowed"):
            alice.get("/v1/admin/health")


def test_the_clock_jumps_to_a_moment_and_never_back(stack: Local, typed: Typed) -> None:
    noon = stack.balance()["resets_at"] + SECONDS_PER_EPOCH // 2
    done = typed("clock", "jump", "--folder", str(stack.folder), "--to", str(noon))
    assert done.code == 0, done.err
    assert "12:00:00 UTC" in done.out
    refused = typed("clock", "jump", "--folder", str(stack.folder), "--to", str(noon - 60))
    assert refused.code == 1
    assert "does not go back" in refused.err


def test_a_wallet_holder_makes_lists_and_revokes_keys(stack: Local, typed: Typed) -> None:
    url = ("--url", stack.api)
    assert "no keys" in typed("keys", "list", *url, *CAROL).out
    made = typed("keys", "create", WHOSE, *url, *CAROL, "--limit-diem", "1.5", "--expires", "2099-01-01")
    assert made.code == 0, made.err
    secret = made.out.splitlines()[-1]
    key_id = re.findall(r"key_\w+", made.out)[0]
    listed = typed("keys", "list", *url, *CAROL).out
    for part in (key_id, WHOSE, "INFERENCE", secret[-6:], "$1.50", "epoch", "2099-01-01"):
        assert part in listed
    assert secret not in listed
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{stack.api}/v1/keys", headers=headers, timeout=30).status_code == 403
    revoked = typed("keys", "revoke", key_id, *url, *CAROL)
    assert f"revoked {key_id} ({WHOSE})" in revoked.out
    assert httpx.get(f"{stack.api}/v1/keys", headers=headers, timeout=30).json()["code"] == "key_revoked"
    assert "no keys" in typed("keys", "list", *url, *CAROL).out
    again = typed("keys", "revoke", "key_unknown", *url, *CAROL)
    assert again.code == 1
    assert again.err.startswith("error: unknown_key_id")


def test_an_account_is_shown_with_its_position_and_its_credit(stack: Local, typed: Typed) -> None:
    shown = typed("account", "--url", stack.api, "--dev-account", "1")
    assert shown.code == 0, shown.err
    figures = dict(re.findall(r"^ *(\S.*?)  +(\S.*?) *$", shown.out, flags=re.MULTILINE))
    assert figures["allowance today"] == "$3.00"
    assert figures["DIEM staked"] == "3.0000"
    assert figures["DIEM minted"] == "3.0000"
    nothing = typed("account", "--url", stack.api, *CAROL).out
    assert "$0.00" in nothing


def test_a_gateway_s_token_works_until_it_is_revoked(stack: Local, typed: Typed) -> None:
    token = typed("gateways", "token", "another", **stack.settings).out.strip()
    assert re.fullmatch(r"gw_[\w-]{43}", token)
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{stack.api}/v1/holds/hold_unknown"
    assert httpx.get(url, headers=headers, timeout=30).status_code == 404
    assert typed("gateways", "revoke", "another", "--reason", "it left", **stack.settings).code == 0
    assert httpx.get(url, headers=headers, timeout=30).status_code == 401
    unknown = typed("gateways", "revoke", "nobody", "--reason", "it left", **stack.settings)
    assert unknown.code == 1
    assert "no gateway is called 'nobody'" in unknown.err


@pytest.mark.parametrize("more", [(), ("--fresh",)], ids=["", "even with --fresh"])
def test_a_second_stack_in_the_same_folder_is_refused_and_the_first_goes_on(
    more: tuple[str, ...], stack: Local, typed: Typed
) -> None:
    done = typed("up", *options(stack.folder, free_ports()), *more)
    assert done.code == 1
    assert f"Another stack runs in {stack.folder}" in done.err
    assert stack.ask()["choices"]
    assert stack.balance()["granted"] == 3 * USD


def test_following_once_reaches_the_head_and_says_so(stack: Local, typed: Typed) -> None:
    settings = stack.settings
    run_sql(settings["DATABASE_URL"], "CREATE DATABASE follow_once")
    settings["DATABASE_URL"] = settings["DATABASE_URL"].replace("/postgres?", "/follow_once?")
    first = run("follow", **settings)
    assert first.returncode == 0, first.stderr
    events = int(re.findall(r"the head: (\d+) new events", first.stdout)[0])
    assert events > 10
    second = run("follow", **settings)
    assert second.returncode == 0, second.stderr
    assert "the head: 0 new events" in second.stdout
    gone = typed("follow", **settings | {"ENTITLEMENT_RPC_URL": "http://127.0.0.1:1/telltale"})
    assert gone.code == 1
    assert "the node did not answer" in gone.err
    assert "telltale" not in gone.err


def run_sql(address: str, statement: str) -> None:
    made = create_engine(address.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        connection.execute(text(statement))
    made.dispose()


def test_a_second_jobs_process_waits_and_ends_when_it_is_asked_to(stack: Local, tmp_path: Path) -> None:
    with running("jobs", log=tmp_path / "jobs.log", **stack.settings) as second:
        second.says("waiting_for_leadership")
        second.send(signal.SIGTERM)
        assert second.ends(seconds=5) == 0


def test_jobs_end_within_5_seconds_though_the_node_is_silent(stack: Local, tmp_path: Path) -> None:
    settings = stack.settings
    run_sql(settings["DATABASE_URL"], "CREATE DATABASE silent_node")
    settings["DATABASE_URL"] = settings["DATABASE_URL"].replace("/postgres?", "/silent_node?")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings["ENTITLEMENT_RPC_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running("jobs", log=tmp_path / "jobs.log", **settings) as jobs:
            jobs.says('"leading"')
            asking, _ = silent.accept()
            jobs.send(signal.SIGTERM)
            assert jobs.ends(seconds=5) == 0
            assert "job_left_behind" in jobs.text
            asking.close()


def test_moving_the_clock_is_refused_where_the_network_is_a_real_one(stack: Local) -> None:
    served = run("serve", "--port", "1", **stack.settings | {"ENTITLEMENT_NETWORK": "base"})
    assert served.returncode == 1
    assert "allowed on a development network only" in served.stderr


def test_its_files_are_its_owner_s(stack: Local) -> None:
    for name in ("alice-key", "running.json", "token-secret"):
        assert (stack.folder / name).stat().st_mode & 0o077 == 0, name
    assert (stack.folder / "postgres").stat().st_mode & 0o077 == 0


def test_no_secret_is_in_its_logs(stack: Local) -> None:
    stack.ask("a telltale of a question")
    secrets = [
        stack.alice["Authorization"].removeprefix("Bearer "),
        stack.settings["ENTITLEMENT_TOKEN_SECRET"],
    ]
    for log in (stack.folder / "logs").iterdir():
        said = log.read_text()
        for secret in (*secrets, "telltale"):
            assert secret not in said, log.name


def test_the_logs_of_the_service_are_lines_of_json_and_no_noise(stack: Local) -> None:
    stack.ask()
    for name in ("jobs", "api"):
        for line in (stack.folder / "logs" / f"{name}.log").read_text().splitlines():
            assert json.loads(line)["level"] == "info", line
