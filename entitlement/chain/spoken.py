"""What the contracts said in some blocks, taken together log by log as a node tells it."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic

from entitlement.chain.decode import Read, Said
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, RangeTooFull


class Spoken(Generic[Said]):
    """Events of exactly these blocks, by the block's hash; each log stands behind the one before it."""

    def __init__(self, headers: Sequence[Header], bit_of: Mapping[tuple[str, str], int]) -> None:
        """Take the blocks, and the bit of each contract's event as `BloomWatch` counts them."""
        self._numbers = {header.hash: header.number for header in headers}
        self._bit_of = bit_of
        self._last: dict[str, int] = {}
        self.events: dict[str, list[Said]] = {each: [] for each in self._numbers}
        self.kinds: dict[str, int] = dict.fromkeys(self._numbers, 0)
        """Which events of which contracts are among them, as `BloomWatch` counts them."""

    def take(self, reads: Iterable[Read[Said]], *, most: int = sys.maxsize) -> None:
        """Take logs as the decoder reads them, at most so many.

        Raises `InconsistentNode` where one cannot stand there, and `RangeTooFull` where there are more.
        """
        # Neighbours share their block: what belongs to it is looked up where it changes.
        block, number, last, events = "", -1, -1, list[Said]()
        left = most
        for at, source, event in reads:
            left -= 1
            if left < 0:
                raise RangeTooFull(
                    first=min(self._numbers.values()), last=max(self._numbers.values()), logs_max=most
                )
            if at.block_hash != block or at.block_number != number:
                if block:
                    self._last[block] = last
                block, number = at.block_hash, at.block_number
                if self._numbers.get(block) != number:
                    raise InconsistentNode(
                        f"{self._asked()} was answered with the log at {at}, which is not one of them"
                    )
                last, events = self._last.get(block, -1), self.events[block]
            if at.log_index <= last:
                raise InconsistentNode(f"the log at {at} came behind the one at {last}")
            last = at.log_index
            if source is not None:
                self.kinds[block] |= self._bit_of[source]
            if event is not None:
                events.append(event)
        if block:
            self._last[block] = last

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
