"""What the service keeps of an account: all of it for its owner, and all of it deleted that can be.

    export      page by page, each in a transaction of its own: who reads slowly holds no connection
    delete      under the account's lock, what nothing rests on; then by day what was kept of requests

The journal of money stays: it shows what was honoured, and is a hash chain.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import HoldsStillOpen, InvalidRequest, MalformedAddress
from entitlement.core.units import Wallet, wallet
from entitlement.flows.spend_credit import give_back_due
from entitlement.store import access, own_data
from entitlement.store.clock import service_time
from entitlement.store.own_data import NEVER_TOLD, NOT_EXPORTED, SECTIONS, Section

KEPT = {
    "the journal of money, grants, holds and what each request cost": "they show what was granted and spent; "
    "the journal is a hash chain, and roots of its days are on the chain",
    "what keys have spent by day, and keys without their descriptions": "holds and limits refer to them; a "
    "request that comes again is still known",
    "hashes of secrets that were replaced": "whoever sends one is still told why it is refused",
    "purchases, memberships and adjustments": "they record what was paid, and what was done by hand",
    "what was committed to for each day, with its salt": "without it nobody can check a published root",
    "acts of the operator about this account": "they can be neither changed nor deleted, by anybody",
    "records of today's requests": "today is not over: ask again tomorrow",
    "what is on the chain": "it is public there, and not ours to delete",
}
"""What deleting leaves, each with the reason; docs/adr/0028."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted."""

    wallet: Wallet
    at: int
    before_epoch: Epoch
    """Of requests of days before this one all but the cost is gone."""
    rows: dict[str, int]
    """How many rows of each kind were deleted or emptied."""


class OwnData:
    """An account's data, for its owner."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def export(self, account_id: int) -> Iterator[bytes]:
        """Yield one JSON document with everything that is kept of the account, a page at a time.

        Each page is as of when it was read. Bytes are hex. No hash of a secret is in it.
        """
        with self._sessions.begin() as session:
            now = service_time(session)
            name = access.lock_account(session, account_id)
        head = orjson.dumps({"wallet": name, "exported_at": now, "not_included": NOT_EXPORTED})
        yield head[:-1]
        for section in SECTIONS:
            yield b"," + orjson.dumps(section.name) + b":["
            yield from self._rows(section, account_id, name)
            yield b"]"
        yield b"}\n"

    def delete(self, account_id: int, confirm: str) -> Deleted:
        """Delete what can be; repeating it deletes what came since.

        Raises InvalidRequest where `confirm` is not the account's own wallet, HoldsStillOpen.
        """
        with self._sessions.begin() as session:
            name = access.lock_account(session, account_id)
            _check_confirmed(confirm, name)
            now = service_time(session)
            give_back_due(session, [account_id])
            count, last = own_data.open_holds(session, account_id)
            if count:
                raise HoldsStillOpen(open=count, expire_at=last)
            rows = own_data.delete_now(session, account_id, now)
            today = epoch_at(now)
            days = own_data.days_of_use(session, account_id, today)
        # Committed: no key is left that could be used. Days that are over are not written by requests any
        # more, so the rest needs no lock, and no request of others waits for a long history.
        records = models = 0
        for day in days:
            with self._sessions.begin() as session:
                of_day = own_data.forget_day(session, account_id, day)
            records, models = records + of_day[0], models + of_day[1]
        with self._sessions.begin() as session:
            models += own_data.forget_refused(session, account_id, today)
        rows |= {"records of requests emptied but for their cost": records, "models of holds": models}
        return Deleted(name, now, today, rows)

    def _rows(self, section: Section, account_id: int, name: Wallet) -> Iterator[bytes]:
        after: list[object] | None = None
        while True:  # ends: each page goes past the rows of the one before
            with self._sessions.begin() as session:
                found = own_data.page(session, section, account_id, name, after)
            told = [{key: _plain(each[key]) for key in each if key not in NEVER_TOLD} for each in found]
            if told:
                yield (b"" if after is None else b",") + orjson.dumps(told)[1:-1]
            if len(found) < own_data.ROWS_PER_PAGE:
                return
            after = [found[-1][column.rpartition(".")[2]] for column in section.order]


def _check_confirmed(confirm: str, name: Wallet) -> None:
    try:
        confirmed = wallet(confirm)
    except MalformedAddress:
        confirmed = None
    if confirmed != name:
        raise InvalidRequest(f"confirm must be {name}, the wallet whose data is deleted", field="confirm")


def _plain(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value
