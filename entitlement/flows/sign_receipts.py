"""Sign receipts: what was charged for a request, for its owner to hold against what it should cost."""

from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.attest import Attester
from entitlement.core.attested import RECEIPT, SOURCES, Document
from entitlement.core.errors import InvalidRequest, UnknownHold
from entitlement.core.holds import HoldKind
from entitlement.store import receipts
from entitlement.store.receipts import Charge

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

    def of_account(self, hold_id: str, account_id: int, *, key_id: str | None = None) -> Document:
        """Return the receipt of an account's hold, or of one of a key's alone.

        Raises UnknownHold, InvalidRequest where it was not charged, and what `attester` raises.
        """
        return self._signed(
            hold_id, lambda held: held.account_id == account_id and key_id in (None, held.key_id)
        )

    def of_gateway(self, hold_id: str, gateway_id: int) -> Document:
        """Return the receipt of a gateway's hold. Raises what `of_account` raises."""
        return self._signed(hold_id, lambda held: held.gateway_id == gateway_id)

    def _signed(self, hold_id: str, may_see: Callable[[receipts.HeldBy], bool]) -> Document:
        with self._sessions.begin() as session:
            # PostgreSQL's text cannot even be asked for some characters; none of them is in an id of ours.
            held = receipts.held_by(session, hold_id) if hold_id.isprintable() else None
            if held is None or not may_see(held):
                raise UnknownHold(hold=hold_id)
            if held.kind == HoldKind.LEASE:
                raise InvalidRequest("a lease charges many requests in one entry: it has no receipt of each")
            charge = None if held.charged_at is None else receipts.charge_of(session, hold_id)
        if charge is None:
            raise InvalidRequest(f"{hold_id[:64]} was not charged")
        return self._attester().sign(RECEIPT, _message(hold_id, charge))


def _message(hold_id: str, charge: Charge) -> dict[str, object]:
    return {
        "account": charge.wallet,
        "key_id": charge.key_id,
        "gateway": charge.gateway,
        "request_id": charge.request_id,
        "hold_id": hold_id,
        **{source: str(charge.paid.get(source, 0)) for source in SOURCES},
        "shortfall": str(charge.shortfall),
        "model": charge.model or "",
        "price_version": charge.price_version or "",
        "input_tokens": str(NOT_TOLD if charge.input_tokens is None else charge.input_tokens),
        "output_tokens": str(NOT_TOLD if charge.output_tokens is None else charge.output_tokens),
        "epoch": str(charge.epoch),
        "booked_at": str(charge.booked_at),
        "entry_id": str(charge.entry_id),
        "lane": str(charge.lane),
        "batch": str(charge.batch),
        "batch_hash": f"0x{charge.batch_hash.hex()}",
    }
