"""What the contracts said in some blocks, taken together log by log as a node tells it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic

from entitlement.chain.decode import Said
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode
from entitlement.core.events import LogPlace


class Spoken(Generic[Said]):
    """Events of exactly these blocks, by the block's hash; each log stands behind the one before it."""

    def __init__(self, headers: Sequence[Header], bit_of: Callable[[tuple[str, str] | None], int]) -> None:
        self._numbers = {header.hash: header.number for header in headers}
        self._bit_of = bit_of
        self._last: dict[str, int] = {}
        self.events: dict[str, list[Said]] = {each: [] for each in self._numbers}
        self.kinds: dict[str, int] = dict.fromkeys(self._numbers, 0)
        """Which events of which contracts are among them, as `BloomWatch` counts them."""

    def add(self, at: LogPlace, followed: tuple[str, str] | None, event: Said | None) -> None:
        """Take one log, as the decoder read it. Raises `InconsistentNode` where it cannot stand there."""
        block = at.block_hash
        if self._numbers.get(block) != at.block_number:
            raise InconsistentNode(
                f"{self._asked()} was answered with the log at {at}, which is not one of them"
            )
        if at.log_index <= self._last.get(block, -1):
            raise InconsistentNode(f"the log at {at} came behind the one at {self._last[block]}")
        self._last[block] = at.log_index
        self.kinds[block] |= self._bit_of(followed)
        if event is not None:
            self.events[block].append(event)

    def replace(self, header: Header, fuller: "Spoken[Said]") -> None:
        """Take a second answer for a block. Raises `InconsistentNode` unless it has all of the first."""
        found = iter(fuller.events[header.hash])
        if not all(event in found for event in self.events[header.hash]):
            raise InconsistentNode(f"block {header.number} has fewer logs by its hash than were told before")
        self.events[header.hash] = fuller.events[header.hash]
        self.kinds[header.hash] = fuller.kinds[header.hash]

    def in_order(self) -> list[Said]:
        """Return all of them as the chain has them."""
        return [event for of_block in self.events.values() for event in of_block]

    def _asked(self) -> str:
        numbers = list(self._numbers.values())
        if len(numbers) == 1:
            return f"block {numbers[0]} {next(iter(self._numbers))}"
        return f"a question for blocks {numbers[0]}..{numbers[-1]}"


class Kept:
    """Passes logs on and keeps them by the block that they name, for whom an event is not enough."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Any]] = {}

    def passing(self, logs: Iterable[Any]) -> Iterable[Any]:
        """Yield what comes, after keeping it."""
        for log in logs:
            block = str(log.get("blockHash")).lower() if isinstance(log, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - as a node says it; the decoder refuses it otherwise
            self.logs.setdefault(block, []).append(log)
            yield log
