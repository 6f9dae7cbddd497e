"""New heads: a node's word, over a WebSocket, that there is a new block. A hint when to look, and no more.

Nothing that comes is believed or even read: looking is asking the node as ever, with all its checks. Where
the line is down, blocks are found by polling, as without it.
"""

import random
import threading
from collections.abc import Callable

import orjson
import structlog
from websockets.exceptions import InvalidURI, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from entitlement.chain.addresses import host_of

log = structlog.get_logger()

SUBSCRIBE = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
OPEN_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""How often a listener that hears nothing looks whether it is to end."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
MESSAGE_BYTES_MAX = 2**20


class NewHeads:
    """Listens to one node in a thread of its own, for ever, and calls back for each new block."""

    def __init__(self, url: str) -> None:
        """Take a `ws://` or `wss://` address, whose path may hold a key: it is never shown."""
        self._url, self._name = url, host_of(url)
        self._stop = threading.Event()

    def start(self, look: Callable[[], object]) -> None:
        """Begin to listen; `look` is called in the listener's thread and must not raise."""
        threading.Thread(target=self._listen, args=(look,), name="new-heads", daemon=True).start()

    def stop(self) -> None:
        """Stop listening, after the call under way."""
        self._stop.set()

    def _listen(self, look: Callable[[], object]) -> None:
        wait, is_down = FIRST_WAIT_SECONDS, False
        while not self._stop.is_set():
            try:
                with connect(
                    self._url, open_timeout=OPEN_SECONDS, max_size=MESSAGE_BYTES_MAX, proxy=None
                ) as line:
                    line.send(SUBSCRIBE)
                    wait, is_down = FIRST_WAIT_SECONDS, False
                    log.info("listening", node=self._name)
                    # What came while nobody listened.
                    look()
                    self._hear(line, look)
            except (OSError, WebSocketException, InvalidURI) as error:
                if not is_down:
                    # Not the error's own text: it may quote the address.
                    log.warning("not_listening", node=self._name, reason=type(error).__name__)
                is_down = True
            self._stop.wait(random.uniform(0, wait))  # noqa: S311  spreads the callers, guards nothing
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def _hear(self, line: Connection, look: Callable[[], object]) -> None:
        """Call back whenever something came; what came meanwhile is one call more, however much it is."""
        while not self._stop.is_set():
            if not _has_come(line, LOOK_SECONDS):
                continue
            while _has_come(line, 0):  # ends: a node makes blocks more slowly than they are thrown away
                pass
            look()


def _has_come(line: Connection, seconds: float) -> bool:
    try:
        line.recv(timeout=seconds)
    except TimeoutError:
        return False
    return True
