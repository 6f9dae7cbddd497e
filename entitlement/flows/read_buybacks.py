"""Read every run that the chain knows of, by its events alone; final ones are kept and not asked again."""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.buyback_logs import BuybackLogs
from entitlement.chain.contracts import Contracts
from entitlement.chain.reader import ChainReader
from entitlement.core.blocks import Header
from entitlement.core.buyback_run import Execution
from entitlement.core.errors import InconsistentNode
from entitlement.store import buybacks


class ReadBuybacks:
    """Reads the runs of one deployment."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        reader: ChainReader,
        contracts: Contracts,
        logs: BuybackLogs,
        start_block: int,
    ) -> None:
        self._sessions, self._reader, self._contracts = sessions, reader, contracts
        self._logs, self._start_block = logs, start_block

    def through(self, head: Header) -> list[Execution]:
        """Return all runs up to block `head`, in order: as many as the burner has counted there.

        Raises `NodeUnavailable`, and `InconsistentNode` where the events and the count differ.
        """
        known, first = self._known()
        counted: int = self._contracts.view("BuybackBurner", "nextRun", block=head.hash)
        found = known + self._logs.executions(first, head.number)
        if [each.number for each in found] != list(range(counted)):
            raise InconsistentNode(
                f"the burner has counted {counted} runs at block {head.number}, its events tell of "
                f"{[each.number for each in found][-5:]}"
            )
        self._keep(found[len(known) :], head)
        return found

    def kept(self) -> list[Execution]:
        """Return the final runs that were read before, asking no node."""
        with self._sessions.begin() as session:
            return buybacks.executions(session, self._logs.burner)

    def _known(self) -> tuple[list[Execution], int]:
        """Return what is kept, and from which block on to read."""
        with self._sessions.begin() as session:
            cursor = buybacks.cursor(session, self._logs.burner)
            known = buybacks.executions(session, self._logs.burner)
        if cursor is None:
            return [], self._start_block
        block = self._reader.header(cursor[0])
        if block is not None and block.hash == cursor[1]:
            return known, cursor[0] + 1
        # A development chain that began anew, or a final block that is gone: what was read is worth nothing.
        with self._sessions.begin() as session:
            buybacks.forget_executions(session, self._logs.burner)
        return [], self._start_block

    def _keep(self, found: list[Execution], head: Header) -> None:
        final = self._reader.final_head()
        to = final if final.number <= head.number else head
        with self._sessions.begin() as session:
            lasting = [each for each in found if each.block_number <= to.number]
            buybacks.keep_executions(session, self._logs.burner, lasting, to)
