"""What an account's owner is shown over the wire: nano-USD integers, Unix seconds, days as epochs."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import StringConstraints

from entitlement.api.schemas import FundingOut, Wire
from entitlement.core.usage import Analytics, Sums, UsageRecord
from entitlement.core.webhooks import LONGEST_URL
from entitlement.flows.explain_request import Explanation
from entitlement.store.explain import AskedFor, JournalLine
from entitlement.store.outbox import Delivery, Webhook

Refusal = dict[str, str | int | None]


class UsageOut(Wire):
    """A request that was charged."""

    request_id: str
    hold_id: str
    number: int
    """Of the requests that a lease pays for; a hold pays for number 1."""
    key_id: str
    model: str | None
    at: int
    epoch: int
    """The day whose credit paid."""
    input_tokens: int | None
    output_tokens: int | None
    images: int | None
    """How many were made; null where the gateway told none."""
    latency_ms: int | None
    status: int | None
    price_version: str | None
    diem: int
    usd: int
    shortfall: int
    """What the operator bore of the cost."""

    @classmethod
    def of(cls, record: UsageRecord) -> "UsageOut":
        """Return it as it goes over the wire."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class UsagePageOut(Wire):
    """A page of charged requests, oldest first; `next_cursor` is null at the end."""

    requests: list[UsageOut]
    next_cursor: str | None


class SumsOut(Wire):
    """What some requests come to: those of a day (`epoch`), or of a model or key (`name`)."""

    name: str | None = None
    epoch: int | None = None
    diem: int
    usd: int
    shortfall: int
    requests: int
    input_tokens: int
    output_tokens: int
    images: int

    @classmethod
    def of(cls, sums: Sums, *, name: str | None = None, epoch: int | None = None) -> "SumsOut":
        """Return it as it goes over the wire."""
        return cls(
            name=name,
            epoch=epoch,
            diem=sums.diem,
            usd=sums.usd,
            shortfall=sums.shortfall,
            requests=sums.requests,
            input_tokens=sums.input_tokens,
            output_tokens=sums.output_tokens,
            images=sums.images,
        )


class AnalyticsOut(Wire):
    """Sums of the days from `first_epoch` to `last_epoch`; each way of summing comes to the same."""

    first_epoch: int
    last_epoch: int
    by_day: list[SumsOut]
    by_model: list[SumsOut]
    by_key: list[SumsOut]

    @classmethod
    def of(cls, found: Analytics) -> "AnalyticsOut":
        """Return it as it goes over the wire."""
        return cls(
            first_epoch=found.first,
            last_epoch=found.after_last - 1,
            by_day=[SumsOut.of(found.by_day[day], epoch=day) for day in sorted(found.by_day)],
            by_model=_by_cost(found.by_model.items()),
            by_key=_by_cost(found.by_key.items()),
        )


def _by_cost(sums: Iterable[tuple[str | None, Sums]]) -> list[SumsOut]:
    dearest_first = sorted(sums, key=lambda each: (-each[1].charged, each[0] or ""))
    return [SumsOut.of(summed, name=name) for name, summed in dearest_first]


# --- one request ----------------------------------------------------------------------------------------


class AskedForOut(Wire):
    """The hold of a request, or its refusal."""

    hold_id: str
    gateway_id: int
    key_id: str
    kind: str
    state: str
    epoch: int
    amount: int
    captured: int
    shortfall: int
    model: str | None
    created_at: int
    expires_at: int
    ended_at: int | None
    charged_at: int | None
    funded_by: list[FundingOut]
    refusal: Refusal | None
    """Why it was refused: the reason's name and its figures at that time."""

    @classmethod
    def of(cls, asked: AskedFor) -> "AskedForOut":
        """Return it as it goes over the wire."""
        plain = {name: getattr(asked, name) for name in cls.model_fields if name != "funded_by"}
        funding = [FundingOut(source=part.source, amount=part.amount) for part in asked.parts]
        return cls(funded_by=funding, **plain)


class JournalLineOut(Wire):
    """A line of the journal: `amount` from `source` to `target`."""

    entry: str
    kind: str
    at: int
    bucket_id: int | None
    source: str
    target: str
    amount: int

    @classmethod
    def of(cls, line: JournalLine) -> "JournalLineOut":
        """Return it as it goes over the wire."""
        return cls(**{name: getattr(line, name) for name in cls.model_fields})


class ExplanationOut(Wire):
    """What is known of a request at one gateway."""

    hold: AskedForOut | None
    """Null where a lease paid for it."""
    journal: list[JournalLineOut]
    usage: list[UsageOut]

    @classmethod
    def of(cls, found: Explanation) -> "ExplanationOut":
        """Return it as it goes over the wire."""
        return cls(
            hold=None if found.asked is None else AskedForOut.of(found.asked),
            journal=[JournalLineOut.of(line) for line in found.journal],
            usage=[UsageOut.of(record) for record in found.usage],
        )


class ExplanationsOut(Wire):
    """What is known of a request id: one explanation for each gateway that held or charged by it.

    Where none did, what leases paid for by it.
    """

    request_id: str
    found: list[ExplanationOut]


# --- webhooks -------------------------------------------------------------------------------------------


class WebhookIn(Wire):
    """Where to tell."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]


class WebhookOut(Wire):
    """Where an account's owner is told that credit runs low."""

    url: str
    created_at: int

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookOut":
        """Return it as it goes over the wire."""
        return cls(url=webhook.url, created_at=webhook.created_at)


class MadeWebhookOut(Wire):
    """A webhook and the secret that signs what it gets."""

    webhook: WebhookOut
    secret: str
    """Shown this once; setting the webhook again makes another."""


class DeliveryOut(Wire):
    """An event, and how its delivery stands."""

    event_id: str
    type: str
    created_at: int
    state: Literal["pending", "delivered", "given_up"]
    tries: int
    last_try_at: int | None
    next_try_at: int | None
    outcome: str | None
    """What came of the last try."""

    @classmethod
    def of(cls, found: Delivery) -> "DeliveryOut":
        """Return it as it goes over the wire."""
        return cls(
            event_id=found.event_id,
            type=found.kind,
            created_at=found.created_at,
            state="delivered" if found.delivered_at else "given_up" if found.due_at is None else "pending",
            tries=found.tries,
            last_try_at=found.last_try_at,
            next_try_at=found.due_at,
            outcome=found.outcome,
        )


class WebhookStateOut(Wire):
    """The account's webhook, if it has one, and its newest deliveries, newest first."""

    webhook: WebhookOut | None
    deliveries: list[DeliveryOut]
