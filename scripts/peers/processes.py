"""Processes that are started, waited for and killed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

START_SECONDS = 180.0
"""LiteLLM's proxy takes 15 to 40 s."""


@dataclass
class Program:
    """A command, with the address at which it says that it is up."""

    command: Sequence[str]
    environment: Mapping[str, str]
    alive: str
    log: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> float:
        """Start it, and return after how many seconds it answered."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            # In a group of its own: its workers have to die with it.
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                self.command,
                env=self.environment,
                cwd=self.log.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.monotonic() - began < START_SECONDS:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended: {self.log.read_text()[-2_000:]}")
            try:
                if httpx.get(self.alive, timeout=2).is_success:
                    return time.monotonic() - began
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.command[0]} did not answer: {self.log.read_text()[-2_000:]}")

    def kill(self) -> None:
        """`kill -9`, with its workers."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def redis(port: int, folder: Path, *, flushes: bool = False) -> "subprocess.Popen[bytes] | None":
    """Run a Redis that keeps nothing on disk, or flushes every write to it, if there is one to run."""
    server = shutil.which("redis-server")
    if server is None:
        return None
    kept = ["--appendonly", "yes", "--appendfsync", "always"] if flushes else []
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *kept]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
