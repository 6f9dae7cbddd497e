"""`entitlement up` as a person runs it: in a folder of its own, on ports that are free."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from entitlement.chain.devnet import development_account
from tests.gateway.running import free_port
from tests.stack.processes import PATIENCE_SECONDS, Running, running, until

READY = "Ctrl-C ends everything."
START_SECONDS = 120.0
NAMES = ("chain", "api", "gateway", "echo")
ALICE = str(development_account(1).address)


@dataclass(frozen=True)
class Local:
    """A stack that runs, and what it has told."""

    folder: Path
    ports: dict[str, int]
    process: Running

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def alice(self) -> dict[str, str]:
        """Headers with the key that the stack has told of."""
        (secret, *_) = re.findall(r"Bearer (ent_[\w-]+)", self.process.text)
        return {"Authorization": f"Bearer {secret}"}

    @property
    def settings(self) -> dict[str, str]:
        """What another process must be told to work beside it, as environment variables."""
        given = json.loads((self.folder / "running.json").read_text())
        named = {f"ENTITLEMENT_{name}".upper(): value for name, value in given.items()}
        return named | {"DATABASE_URL": named.pop("ENTITLEMENT_DATABASE_URL")}

    def told(self) -> list[str]:
        """Return the commands that it tells a person to try."""
        _, _, after = self.process.text.partition("try next")
        paragraphs = after.partition(READY)[0].split("\n\n")
        commands = ["\n".join(line for line in each.splitlines() if line[:1] != "#") for each in paragraphs]
        return [each for each in commands if each.lstrip().startswith(("curl", ".venv"))]

    def balance(self) -> dict[str, int]:
        """Return alice's balance."""
        answer = httpx.get(f"{self.api}/v1/accounts/{ALICE}", headers=self.alice, timeout=30)
        return dict(answer.raise_for_status().json()["balance"])

    def ask(self, words: str = "Good morning") -> dict[str, Any]:
        """Spend some of alice's credit at the gateway."""
        body = {"model": "echo", "messages": [{"role": "user", "content": words}]}
        url = f"http://127.0.0.1:{self.ports['gateway']}/api/v1/chat/completions"
        return dict(httpx.post(url, json=body, headers=self.alice, timeout=30).raise_for_status().json())


def free_ports() -> dict[str, int]:
    return {name: free_port() for name in NAMES}


def options(folder: Path, ports: dict[str, int]) -> list[str]:
    """Return the options of `up` for this folder and these ports."""
    named = [f"--{name}-port {port}" for name, port in ports.items()]
    return shlex.split(f"--folder {folder} {' '.join(named)}")


@contextmanager
def starting(folder: Path, log: Path, *more: str) -> Iterator[Local]:
    """Run `entitlement up`, without waiting for it."""
    ports = free_ports()
    log.unlink(missing_ok=True)
    with running("up", *options(folder, ports), *more, log=log) as process:
        yield Local(folder, ports, process)


@contextmanager
def up(folder: Path, log: Path, *more: str) -> Iterator[Local]:
    """Run `entitlement up` until it is ready."""
    with starting(folder, log, *more) as local:
        local.process.says(READY, seconds=START_SECONDS)
        yield local


def left_in(folder: Path) -> list[str]:
    """Return the processes that have to do with a folder: by command, working folder or open files."""
    return [
        f"{process.pid} {' '.join(process.info['cmdline'] or [])[:200]}"
        for process in psutil.process_iter(["cmdline", "cwd", "open_files", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(
            str(place).startswith(str(folder))
            for place in (
                *(process.info["cmdline"] or []),
                process.info["cwd"],
                *(file.path for file in process.info["open_files"] or []),
            )
        )
    ]


def all_ended(folder: Path, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until no process has to do with the folder."""
    try:
        until(lambda: not left_in(folder), seconds=seconds)
    except AssertionError:
        raise AssertionError(f"left after {seconds:g} s: {left_in(folder)}") from None
