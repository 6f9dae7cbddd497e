"""The menu: every command explains itself, and a failure is a sentence."""

import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer import Typer

from entitlement import __version__
from entitlement.cli.main import make_app
from entitlement.cli.show import dollars, moment, tokens
from entitlement.cli.wallet import _nano_usd
from entitlement.core.errors import InvalidRequest
from tests.gateway.running import free_port
from tests.stack.conftest import Typed
from tests.stack.processes import ROOT, environment, run


def commands(app: Typer, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return every command of the menu as it is typed."""
    own = [(*path, command.name or command.callback.__name__) for command in app.registered_commands]
    inner = [commands(group.typer_instance, (*path, group.name)) for group in app.registered_groups]
    return [path, *own, *(each for group in inner for each in group)]


EVERY = commands(make_app())


def test_the_menu_is_whole() -> None:
    names = {" ".join(path) for path in EVERY}
    assert names >= {"", "up", "demo", "serve", "jobs", "follow", "gateway", "echo", "deploy", "account"}
    assert names >= {
        "keys create",
        "keys list",
        "keys revoke",
        "gateways token",
        "gateways revoke",
        "clock jump",
        "suspend-key",
        "restore-key",
        "acts",
        "audit",
    }


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], typed: Typed) -> None:
    done = typed(*path, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: entitlement {' '.join(path)}".rstrip() in done.out
    assert len(re.findall(r"[a-z]{3,}", done.out)) > 10


def test_the_version_is_the_package_s() -> None:
    assert run("--version").stdout == f"{__version__}\n"


def test_a_group_without_a_command_shows_its_menu(typed: Typed) -> None:
    done = typed("keys")
    assert "create" in done.out + done.err


SENTENCES = {
    ("keys", "list", "--url", "http://127.0.0.1:1", "--dev-account", "1"): "does not answer",
    ("keys", "list"): "WALLET_PRIVATE_KEY is not set",
    ("account", "--url", "nonsense", "--dev-account", "1"): "does not answer",
    ("keys", "create", "mine", "--dev-account", "1", "--limit-usd", "1e400"): "not an amount of dollars",
    ("keys", "create", "mine", "--dev-account", "1", "--limit-usd", "-1"): "not an amount of dollars",
    ("keys", "create", "mine", "--dev-account", "1", "--limit-usd", "0.0000000001"): "at most 9 decimals",
    ("keys", "create", "mine", "--dev-account", "1", "--expires", "tomorrow"): "not a day",
    ("clock", "jump", "--folder", "/nowhere"): "No stack runs in /nowhere",
    ("deploy", "--network", "nowhere"): "nowhere",
    ("gateway",): "ENTITLEMENT_GATEWAY_SERVICE_URL",
}


@pytest.mark.parametrize("arguments", SENTENCES, ids=" ".join)
def test_a_failure_is_a_sentence_and_exit_code_1(
    arguments: tuple[str, ...], typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WALLET_PRIVATE_KEY", raising=False)
    done = typed(*arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert SENTENCES[arguments] in done.err


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", [b"<!doctype html>", b"[]", b'"nothing"', b"\xff"])
def test_whoever_answers_in_place_of_the_service_is_told_of_in_a_sentence(
    status: int, body: bytes, typed: Typed
) -> None:
    with answering(status, body) as url:
        done = typed("keys", "list", "--url", url, "--dev-account", "1")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert (url if status == 200 else "500") in done.err


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Hand out the address of a server that has one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_private_key_that_is_none_is_not_shown(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALLET_PRIVATE_KEY", "telltale")
    done = typed("keys", "list")
    assert done.code == 1
    assert "does not hold a private key" in done.err
    assert "telltale" not in done.out + done.err


@pytest.mark.parametrize(
    ("given", "nano_usd"),
    [
        ("0", 0),
        ("1", 10**9),
        ("0.1", 10**8),
        ("12.000000001", 12 * 10**9 + 1),
        ("9007199.25", 9_007_199_250_000_000),
    ],
)
def test_dollars_typed_are_nano_dollars_to_the_last(given: str, nano_usd: int) -> None:
    assert _nano_usd(given) == nano_usd
    assert (
        dollars(nano_usd).replace(",", "").lstrip("$").rstrip("0").rstrip(".")
        == given.rstrip("0").rstrip(".")
        or "0"
    )


@pytest.mark.parametrize(
    "given", ["", " ", "-1", "+1", ".5", "1.", "1e3", "1_000", "NaN", "Infinity", "\u0661", "1" * 10]
)
def test_what_is_no_amount_of_dollars_is_refused(given: str) -> None:
    with pytest.raises(InvalidRequest):
        _nano_usd(given)


def test_figures_are_shown_in_full_and_never_rounded_up() -> None:
    assert [dollars(each) for each in (0, 1, -1, 10**9, 1_234_567_891_234_567_890)] == [
        "$0.00",
        "$0.000000001",
        "-$0.000000001",
        "$1.00",
        "$1,234,567,891.23456789",
    ]
    assert [tokens(each) for each in (0, 10**18 - 1, 12_345 * 10**18)] == ["0.0000", "0.9999", "12,345.0000"]
    assert moment(0) == "1970-01-01 00:00:00 UTC"


# --- before anything is started ---------------------------------------------------------------------------


def test_a_port_in_use_is_named_with_the_option_that_changes_it(tmp_path: Path, typed: Typed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = typed(
            "up", "--folder", str(tmp_path / "stack"), "--gateway-port", str(port), *free_ports("gateway")
        )
        assert done.code == 1
        assert f"Port {port} is in use" in done.err
        assert "--gateway-port" in done.err
        served = run("serve", "--port", str(port), ENTITLEMENT_DATA_FOLDER=str(tmp_path / "data"))
        assert served.returncode != 0
        assert "address already in use" in served.stderr
        assert "Traceback" not in served.stderr
    assert not (tmp_path / "stack" / "postgres").exists()


def free_ports(but: str) -> list[str]:
    names = [name for name in ("chain", "api", "gateway", "echo") if name != but]
    return [part for name in names for part in (f"--{name}-port", str(free_port()))]


def test_what_npm_installs_is_missed_in_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    copy = tmp_path / "copy"
    for part in ("entitlement", "migrations", "networks", "contracts/src"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("alembic.ini", "models.toml", "package.json", "contracts/foundry.toml"):
        shutil.copy(ROOT / part, copy / part)
    done = subprocess.run(
        [sys.executable, "-m", "entitlement", "up", "--folder", str(tmp_path / "stack"), *free_ports("none")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(PYTHONPATH=str(copy)),
        cwd=copy,
    )
    assert done.returncode == 1
    assert f"{copy / 'node_modules'} is missing" in done.stderr
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_fresh_throws_nothing_away_that_is_not_a_stack_s(tmp_path: Path, typed: Typed) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    done = typed("up", "--fresh", "--folder", str(tmp_path))
    assert done.code == 1
    assert "is not the folder of a local stack" in done.err
    assert (tmp_path / "thesis.txt").exists()


def test_whoever_follows_loads_nothing_that_only_transactions_need() -> None:
    """web3 takes longer to load than the rest of the node's adapter."""
    loads = "import sys, entitlement.wiring.following; print('web3' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"


def test_the_api_loads_what_signs_and_codes_when_it_is_first_needed() -> None:
    """Every gateway waits for its start after a restart."""
    late = "('web3', 'eth_abi', 'eth_account', 'siwe')"
    loads = (
        "import sys, entitlement.api.app, entitlement.wiring.service; "
        f"print([each for each in {late} if each in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
