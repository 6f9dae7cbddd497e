"""A reader whose contradictions are told to the nodes behind it, so that another may be asked instead."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from entitlement.chain.client import RpcChainReader
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode
from entitlement.core.events import ChainEvent


class DoubtingReader:
    """`ChainReader` over one that checks its answers; raises what that one raises."""

    def __init__(self, reader: RpcChainReader) -> None:
        self._reader = reader

    def chain_id(self) -> int:
        """Return the chain id that the node says it serves."""
        with self._heard():
            return self._reader.chain_id()

    def head(self) -> Header:
        """Return the newest block."""
        with self._heard():
            return self._reader.head()

    def final_head(self) -> Header:
        """Return the newest block that the network's finality rule calls final."""
        with self._heard():
            return self._reader.final_head()

    def header(self, number: int) -> Header | None:
        """Return the block at a height, or None where the chain is shorter."""
        with self._heard():
            return self._reader.header(number)

    def headers(self, first: int, last: int) -> list[Header]:
        """Return blocks `first..last`."""
        with self._heard():
            return self._reader.headers(first, last)

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        """Return what our contracts said in exactly these blocks."""
        with self._heard():
            return self._reader.events(headers)

    def expect(self, first: int, last: int) -> None:
        """Begin to fetch blocks `first..last` and what was said in them."""
        with self._heard():
            self._reader.expect(first, last)

    def read_piece(self) -> bool:
        """Read a little of what has come."""
        return self._reader.read_piece()

    @contextmanager
    def _heard(self) -> Generator[None]:
        try:
            yield
        except InconsistentNode as error:
            self._reader.doubt(error.reason)
            raise
