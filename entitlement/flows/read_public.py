"""Read public figures: a snapshot of the chain, and the credit of all accounts together. Nobody is named."""

import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.public.snapshot import Snapshot, SnapshotReader
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import NotReadYet
from entitlement.flows.kept_answer import Held, KeepingTimes, KeptAnswer
from entitlement.flows.record_acts import reasons_in
from entitlement.store.clock import service_time
from entitlement.store.credit_days import LATEST_BOOKING_DAYS, DayOfCredit, credit_by_day

log = structlog.get_logger()

DAYS_SHOWN = 60
FRESH_SECONDS = 12.0
"""A block of Base is two seconds; who needs the newest asks a node of his own."""
PATIENCE_SECONDS = 3.0
"""Whoever asks holds a thread while he waits for a newer answer."""
CREDIT_FRESH_SECONDS = 600.0
"""The days that are told are over: little is still booked on them, and reading them takes a while."""
TELL_SECONDS = 10.0
"""Between two lines of the log about a history that is read for the first time."""


class ReadPublic:
    """What anybody may know."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        open_reader: Callable[[], SnapshotReader],
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Take how the chain is read; opened when somebody asks: the service runs without a deployment."""
        self._sessions, self._open_reader = sessions, open_reader
        self._reader: SnapshotReader | None = None
        self._come: tuple[int, int] | None = None
        """How far the history has been read, of how many blocks."""
        self._clock, self._told_at = clock, clock()
        self._settled: dict[Epoch, list[DayOfCredit]] = {}
        self._figures = KeptAnswer(
            self._read_chain, "the chain", KeepingTimes(FRESH_SECONDS, patience), clock
        )
        self._reasons = KeptAnswer(
            self._read_reasons, "the acts", KeepingTimes(FRESH_SECONDS, patience), clock
        )
        self._credit = KeptAnswer(
            self._read_credit, "the ledger", KeepingTimes(CREDIT_FRESH_SECONDS, patience), clock
        )

    def figures(self) -> Held[Snapshot]:
        """Return the chain as it was read last, all of it at one block.

        Raises what kept the first reading from ending, `DeploymentMissing` too, or `NotReadYet`, which says
        how far that has come: on an old chain it takes a while.
        """
        try:
            return self._figures.get()
        except NotReadYet:
            if self._come is None:
                raise
            block, of = self._come
            raise NotReadYet(what=f"the chain is read for the first time, block {block} of {of}") from None

    def credit(self) -> Held[list[DayOfCredit]]:
        """Return the credit of the last `DAYS_SHOWN` days that are over, by day and source.

        Of the running day nothing is told: where few spend, it would show when each of them does.
        """
        return self._credit.get()

    def reasons(self) -> Mapping[str, str]:
        """Return why operations of the timelock were proposed, by their ids, as far as that was kept.

        It is what the operator's records say: each is to be held to its operation (timelock.proposal).
        """
        return self._reasons.get().value

    def _read_reasons(self) -> dict[str, str]:
        with self._sessions.begin() as session:
            return {operation: because.reason for operation, because in reasons_in(session).items()}

    def _read_chain(self) -> Snapshot:
        if self._reader is None:
            self._reader = self._open_reader()
        return self._reader.read(self._tell)

    def _tell(self, block: int, of: int) -> None:
        self._come, now = (block, of), self._clock()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            log.info("public_history", block=block, of=of)

    def _read_credit(self) -> list[DayOfCredit]:
        with self._sessions.begin() as session:
            today = epoch_at(service_time(session))
            first = Epoch(today - DAYS_SHOWN)
            unsettled = next(
                (Epoch(day) for day in range(first, today) if day not in self._settled), Epoch(today)
            )
            found = credit_by_day(session, unsettled, today)
        days = {Epoch(day): self._settled.get(Epoch(day), []) for day in range(first, unsettled)}
        days |= {Epoch(day): [each for each in found if each.epoch == day] for day in range(unsettled, today)}
        self._settled = {day: sums for day, sums in days.items() if day < today - LATEST_BOOKING_DAYS}
        return [each for sums in days.values() for each in sums]
