"""Anvil as a child process: started, known to answer, and stopped so that its state is on disk.

    we --pipe--> sh --starts--> anvil        the pipe ends, since we stopped it or died: sh sends SIGTERM,
                                             anvil writes its state and ends, sh ends with its status

The small shell between us is there because Anvil must not outlive us, even after a `kill -9`, and must not
die before us, as it would at Ctrl-C in the terminal: so it has a session of its own, and the pipe tells it
when to end. Linux's parent-death signal would do less: it fires when the thread that started Anvil ends.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self, cast

from entitlement.chain.answers import header
from entitlement.chain.rpc import HASHES_ONLY, JsonRpc, RpcLimits
from entitlement.chain.toolchain import foundry_binary
from entitlement.core.errors import ChainError, SetupError

HOST = "127.0.0.1"
CHAIN_ID = 31337

GENESIS_TIME = 1_735_689_600
"""2025-01-01: the time of block 0, and where Anvil's clock stands until it is set."""

_GENESIS_DAY = 86_400

# `$@` ends when anvil does; the second branch ends anvil when nobody holds the other end of standard input.
_KEEPER = """
exec 3<&0
"$@" 3<&- </dev/null &
anvil=$!
{ cat <&3; kill -TERM $anvil; } >/dev/null 2>&1 &
exec 3<&-
wait $anvil
"""


@dataclass(frozen=True, slots=True)
class AnvilSettings:
    """How Anvil runs."""

    port: int = 0
    """0 chooses a free one."""
    state: Path | None = None
    """The chain is read from this file if it exists, and written to it at the end and at every interval."""
    state_interval_seconds: int = 30
    """What a power cut may cost."""
    block_seconds: int | None = None
    """A block at least this often, beside one for each transaction; None: only for transactions."""
    slots_in_an_epoch: int = 1
    """The finalized block is twice this many below the head, the safe one once."""
    fork: str | None = None
    """The chain begins as a copy of what this node has: a place to try things out. It keeps no state file."""
    keeps_old_states: bool = True
    """Without, no call can be made at an old block, and mining does not slow down as the chain grows."""
    log: Path | None = None
    """Anvil's output; None keeps it in a temporary file, for the message of a start that failed."""
    ready_seconds: float = 20.0
    stop_seconds: float = 20.0
    """After this, Anvil is killed, and the state of the last interval is what stays."""


class AnvilProcess:
    """One Anvil. Use it in a `with`, or call `start` and `stop`; both may be called again.

    What a restart from a state file does (tried with Anvil 1.7.1), and what `start` mends:

    - Blocks, transactions, logs, balances and the `finalized` tag are as they were.
    - Calls at blocks from before the restart fail: the state of old blocks is not kept.
    - Anvil's clock begins anew, *behind* the last block if time had been moved forward. `start` sets it to
      the later of the last block's time and the machine's; moved time stands still while Anvil does not run.
    - Anvil makes a genesis block of its own at each start, and which one it calls block 0 later is chance.
      `start` gives it the same time always, so that it is the same block.
    """

    def __init__(self, settings: AnvilSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.port = settings.port

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start Anvil and return when it answers.

        Raises `SetupError` when the port is taken, or with Anvil's last line when it ends or stays silent.
        """
        assert not self.is_running, "it is running"
        anvil = foundry_binary("anvil")
        self.port = _free_port(self._settings.port)
        if self._settings.state is not None:
            self._settings.state.parent.mkdir(parents=True, exist_ok=True)
        with self._log() as log:
            before = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  our own binary and settings
                ["/bin/sh", "-c", _KEEPER, "anvil-keeper", str(anvil), *self._arguments()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                ready = self._is_ready_in_time()
            except BaseException:
                self.stop()
                raise
            if not ready:
                self.stop()
                log.seek(before)
                said = log.read().decode(errors="replace").strip().splitlines()
                raise SetupError(
                    problem=f"anvil did not start: {said[-1] if said else 'it said nothing'}",
                    remedy=self._remedy(),
                )
        self._keep_good_state()

    def stop(self) -> None:
        """End Anvil and return when its state is written; does nothing when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(self._settings.stop_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _arguments(self) -> list[str]:
        settings = self._settings
        arguments = ["--host", HOST, "--port", str(self.port), "--silent"]
        if settings.fork is not None:
            assert settings.state is None, "a copy is not kept"
            return [*arguments, "--fork-url", settings.fork]
        arguments += ["--chain-id", str(CHAIN_ID), "--timestamp", str(GENESIS_TIME)]
        arguments += ["--slots-in-an-epoch", str(settings.slots_in_an_epoch)]
        if settings.state is not None:
            arguments += ["--state", str(settings.state)]
            arguments += ["--state-interval", str(settings.state_interval_seconds)]
        if not settings.keeps_old_states:
            arguments += ["--prune-history"]
        if settings.block_seconds is not None:
            arguments += ["--block-time", str(settings.block_seconds), "--mixed-mining"]
        return arguments

    def _log(self) -> BinaryIO:
        if self._settings.log is None:
            return cast("BinaryIO", tempfile.TemporaryFile())
        self._settings.log.parent.mkdir(parents=True, exist_ok=True)
        return self._settings.log.open("ab+")

    def _keep_good_state(self) -> None:
        """Copy the state that has just been read: Anvil does not replace the file in one step."""
        state = self._settings.state
        if state is not None and state.is_file():
            draft = state.with_name(state.name + ".draft")
            shutil.copyfile(state, draft)
            draft.replace(_copy_of(state))

    def _remedy(self) -> str:
        state = self._settings.state
        if state is None or not state.exists():
            return "run `make setup`: node_modules may hold the binary of another machine"
        if _copy_of(state).exists():
            return f"if its state was cut off, put {_copy_of(state)} in the place of {state}"
        return f"if its state was cut off, remove {state}: the chain begins anew"

    def _is_ready_in_time(self) -> bool:
        deadline = time.monotonic() + self._settings.ready_seconds
        with JsonRpc(self.url, RpcLimits(connect_seconds=1, answer_seconds=5, tries=1)) as rpc:
            while self.is_running and time.monotonic() < deadline:
                try:
                    # A copy has the time of what it was copied from.
                    if self._settings.fork is not None:
                        header(rpc.call("eth_getBlockByNumber", "latest", HASHES_ONLY))
                        return True
                    if _set_clock(rpc):
                        return True
                except ChainError:
                    time.sleep(0.02)
        return False


def _copy_of(state: Path) -> Path:
    return state.with_name(state.name + ".good")


def _set_clock(rpc: JsonRpc) -> bool:
    """Set the clock to the machine's time, or the last block's if that is later; tell if it is done."""
    last = header(rpc.call("eth_getBlockByNumber", "latest", HASHES_ONLY))
    if last.number > 0 and last.timestamp < GENESIS_TIME + _GENESIS_DAY:
        # With blocks at an interval, one was mined before we came to set the clock: it has never been.
        rpc.call("anvil_rollback", 1)
        return False
    rpc.call("evm_setTime", max(int(time.time()), last.timestamp))
    if last.number == 0:
        rpc.call("anvil_mine", "0x1")  # so that the newest block is of today
    newest = header(rpc.call("eth_getBlockByNumber", "latest", HASHES_ONLY))
    return newest.timestamp >= last.timestamp


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        # As Anvil itself does: a port whose last connections are still closing down is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SetupError(
                problem=f"port {port} on {HOST} is in use",
                remedy="stop what uses it, or choose another port",
            ) from error
        return probe.getsockname()[1]
