"""What a gateway is told of a request of its own: as its owner is, less what ties keys to one account."""

from entitlement.api.owner_schemas import AskedForOut, UsageOut
from entitlement.api.schemas import Wire
from entitlement.flows.explain_request import Explanation
from entitlement.store.explain import JournalLine


class BookedOut(Wire):
    """A line of the journal: `amount` from `source` to `target`.

    Without its bucket: by the buckets of two keys a gateway would learn that one wallet has both.
    """

    entry: str
    kind: str
    at: int
    source: str
    target: str
    amount: int

    @classmethod
    def of(cls, line: JournalLine) -> "BookedOut":
        """Return it as it goes over the wire."""
        return cls(**{name: getattr(line, name) for name in cls.model_fields})


class OwnExplanationOut(Wire):
    """What is known of a request."""

    hold: AskedForOut | None
    """Null where a lease paid for it."""
    journal: list[BookedOut]
    usage: list[UsageOut]

    @classmethod
    def of(cls, found: Explanation) -> "OwnExplanationOut":
        """Return it as it goes over the wire."""
        return cls(
            hold=None if found.asked is None else AskedForOut.of(found.asked),
            journal=[BookedOut.of(line) for line in found.journal],
            usage=[UsageOut.of(record) for record in found.usage],
        )


class OwnExplanationsOut(Wire):
    """What is known of a request id of the gateway that asks: one explanation, or one for each time that
    leases paid for it.
    """

    request_id: str
    found: list[OwnExplanationOut]
