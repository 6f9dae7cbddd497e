"""Sign receipts: what was charged for a request, for its owner to hold against what it should cost.

A receipt is signed typed data. Beside it, unsigned since it proves itself, stands where the charge is in the
journal: the entry as it was written and the way up to the hash of its batch, which the signature covers.
"""

from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.attest import Attester
from entitlement.core.attested import LEASE_RECEIPT, RECEIPT, SOURCES, Document, Types
from entitlement.core.errors import InvalidRequest, UnknownHold
from entitlement.core.holds import HoldKind
from entitlement.core.journal_chain import leaf_hash, merkle_path
from entitlement.store import journal_places, lease_receipts, receipts
from entitlement.store.journal_places import FollowingBatch
from entitlement.store.lease_receipts import LeaseLine, Renewal, Told
from entitlement.store.receipts import Charge, HeldBy

NOT_TOLD = -1


class SignReceipts:
    """Signs for whoever may see a request: its account's owner, its key, its gateway."""

    def __init__(self, sessions: sessionmaker[Session], attester: Callable[[], Attester]) -> None:
        """Take who signs as a question: the service runs without a deployment, and without a key."""
        self._sessions = sessions
        self._attester = attester

    def attester(self) -> Attester:
        """Return who signs. Raises SetupError where no key is configured, DeploymentMissing."""
        return self._attester()

    def of_account(
        self, hold_id: str, account_id: int, *, key_id: str | None = None, number: int | None = None
    ) -> Document:
        """Return the receipt of an account's hold, or of one of a key's alone.

        With a `number` it is that of a lease's request. Raises UnknownHold, InvalidRequest where it was not
        charged, and what `attester` raises.
        """
        return self._signed(
            hold_id, number, lambda held: held.account_id == account_id and key_id in (None, held.key_id)
        )

    def of_gateway(self, hold_id: str, gateway_id: int, *, number: int | None = None) -> Document:
        """Return the receipt of a gateway's hold or lease. Raises what `of_account` raises."""
        return self._signed(hold_id, number, lambda held: held.gateway_id == gateway_id)

    def following(self, lane: int, *, after: int) -> list[FollowingBatch]:
        """Return the batches that came after one in its lane: they lead on to a published head."""
        with self._sessions.begin() as session:
            return journal_places.following(session, lane, after=after)

    def _signed(self, hold_id: str, number: int | None, may_see: Callable[[HeldBy], bool]) -> Document:
        with self._sessions.begin() as session:
            # PostgreSQL's text cannot even be asked for some characters; none of them is in an id of ours.
            held = receipts.held_by(session, hold_id) if hold_id.isprintable() else None
            if held is None or not may_see(held):
                raise UnknownHold(hold=hold_id)
            if number is None:
                types, message, place = _of_hold(session, hold_id, held)
            else:
                types, message, place = _of_lease(session, hold_id, held, number)
        return {**self._attester().sign(types, message), "journal": place}


def _of_hold(
    session: Session, hold_id: str, held: HeldBy
) -> tuple[Types, dict[str, object], dict[str, object]]:
    if held.kind == HoldKind.LEASE:
        raise InvalidRequest(
            "a lease charges many requests in one entry: it has no receipt of each but by its number, "
            f"receipts/{hold_id[:64]}/1"
        )
    charge = None if held.charged_at is None else receipts.charge_of(session, hold_id)
    if charge is None:
        raise InvalidRequest(f"{hold_id[:64]} was not charged")
    place = _place(session, charge.lane, charge.batch, charge.entry_id)
    return RECEIPT, _message(hold_id, charge), place


def _of_lease(
    session: Session, lease_id: str, held: HeldBy, number: int
) -> tuple[Types, dict[str, object], dict[str, object]]:
    if held.kind != HoldKind.LEASE:
        raise InvalidRequest(f"{lease_id[:64]} is no lease: its receipt has no number", field="number")
    line = lease_receipts.line_of(session, lease_id, number)
    if line is None:
        raise InvalidRequest(f"{lease_id[:64]} was not told of a request {number}", field="number")
    if not line.cost:
        raise InvalidRequest(
            f"request {number} of {lease_id[:64]} cost nothing: no entry of the journal charges it",
            field="number",
        )
    renewal = lease_receipts.renewal_of(session, lease_id, line)
    told = lease_receipts.told_with(session, lease_id, line, renewal)
    assert told.cost == renewal.cost, f"{lease_id}: lines of {told.cost}, an entry of {renewal.cost}"
    place = _place(session, renewal.lane, renewal.batch, renewal.entry_id)
    return LEASE_RECEIPT, _lease_message(lease_id, number, line, renewal, told), place


def _place(session: Session, lane: int, number: int, entry_id: int) -> dict[str, object]:
    batch = journal_places.batch_with_lines(session, lane, number)
    place = list(batch.lines).index(entry_id)
    path = merkle_path([leaf_hash(line) for line in batch.lines.values()], place)
    return {
        "line": batch.lines[entry_id],
        "place": str(place),
        "path": [f"0x{each.hex()}" for each in path],
        "previous_hash": f"0x{batch.previous_hash.hex()}",
        "root": f"0x{batch.root.hex()}",
        "entry_count": str(batch.entry_count),
        "written_at": str(batch.written_at),
    }


def _message(hold_id: str, charge: Charge) -> dict[str, object]:
    return {
        "account": charge.wallet,
        "key_id": charge.key_id,
        "gateway": charge.gateway,
        "request_id": charge.request_id,
        "hold_id": hold_id,
        **{source: str(charge.paid.get(source, 0)) for source in SOURCES},
        "shortfall": str(charge.shortfall),
        **_told_of(charge),
        "entry_id": str(charge.entry_id),
        "lane": str(charge.lane),
        "batch": str(charge.batch),
        "batch_hash": f"0x{charge.batch_hash.hex()}",
    }


def _lease_message(
    lease_id: str, number: int, line: LeaseLine, renewal: Renewal, told: Told
) -> dict[str, object]:
    return {
        "account": line.wallet,
        "key_id": line.key_id,
        "gateway": line.gateway,
        "lease_id": lease_id,
        "lease_request_id": line.lease_request_id,
        "number": str(number),
        "request_id": line.request_id,
        "diem": str(line.diem),
        "usd": str(line.usd),
        "shortfall": str(line.shortfall),
        **_told_of(line),
        "first_number": str(told.first_number),
        "last_number": str(told.last_number),
        "renewal_cost": str(renewal.cost),
        "lease_requests": str(line.lease_requests),
        "lease_cost": str(line.lease_cost),
        "entry_id": str(renewal.entry_id),
        "lane": str(renewal.lane),
        "batch": str(renewal.batch),
        "batch_hash": f"0x{renewal.batch_hash.hex()}",
    }


def _told_of(charged: Charge | LeaseLine) -> dict[str, object]:
    return {
        "model": charged.model or "",
        "price_version": charged.price_version or "",
        "input_tokens": str(NOT_TOLD if charged.input_tokens is None else charged.input_tokens),
        "output_tokens": str(NOT_TOLD if charged.output_tokens is None else charged.output_tokens),
        "epoch": str(charged.epoch),
        "booked_at": str(charged.booked_at),
    }
