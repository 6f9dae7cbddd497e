"""One request between its hold and its end. It ends exactly once, whoever ends it first.

what happened                               the hold is        for
the answer was given                        captured           what it cost
the upstream failed before the first byte   released
the upstream broke off after it             captured           what was produced until then
the client left                             captured           what was sent to the upstream and produced
the client left before anything was sent    released
"""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Protocol

import orjson
import structlog

from entitlement.client import Usage
from entitlement.core.units import NanoUsd
from entitlement.gateway.funding import Funds
from entitlement.gateway.models import Model
from entitlement.gateway.pricing import usd_short
from entitlement.gateway.settlements import Settlements
from entitlement.gateway.usage import Tokens

STATUS_OK = 200
STATUS_CLIENT_LEFT = 499
"""What logs call a request whose client closed the connection; no client ever sees it."""

_log = structlog.get_logger("entitlement.gateway")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request cost."""

    tokens: Tokens
    """None of either kind where it is not tokens that are paid for."""
    cost: NanoUsd
    images: int | None = None
    """How many came, where it is images that are paid for."""

    def told(self) -> dict[str, object]:
        """Return the cost in each unit; one DIEM of credit is one dollar, so the figures agree."""
        exact = orjson.Fragment(usd_short(self.cost).encode())
        return {
            "usd": exact,
            "diem": exact,
            "nano_usd": self.cost,
            "counted_by": self.tokens.counted_by,
        }


class Meter(Protocol):
    """Keeps count of one upstream's answer while it comes."""

    def charge(self, *, whole: bool) -> Charge:
        """Return what is charged if nothing more comes; `whole` says that nothing more was to come."""
        ...


class Exchange:
    """A request with its hold, or without one where the model costs nothing."""

    def __init__(
        self,
        request_id: str,
        model: Model,
        funds: Funds | None,
        settlements: Settlements,
        price_version: str,
        settle_seconds: float,
    ) -> None:
        self._request_id = request_id
        self._model = model
        self._funds = funds
        self._price_version = price_version
        self._settlements = settlements
        self._settle_seconds = settle_seconds
        self._began_at = time.monotonic()
        self._ended = False
        self._settling: asyncio.Task[None] | None = None
        self._meter: Meter | None = None
        self._sent = False

    @property
    def credit(self) -> NanoUsd | None:
        """The most that the request may cost; None where it costs nothing."""
        return None if self._funds is None else self._funds.amount

    def begin(self, meter: Meter) -> None:
        """Know that an upstream is asked, and forget what came from one that failed before its first byte."""
        self._meter = meter
        self._sent = False

    def note_sent(self) -> None:
        """Know that the upstream may have begun to work: from here on, leaving costs."""
        self._sent = True

    def capture(self, *, whole: bool, status: int = STATUS_OK, code: str | None = None) -> Charge:
        """End with a cost: of the whole answer, or of what there is of it."""
        assert self._meter is not None, "what was not begun costs nothing: it is released"
        charge = self._capped(self._meter.charge(whole=whole))
        if not self._ended:
            self._ended = True
            self._log_end(status, code, charge)
            if self._funds is None:
                self._settlements.dismiss(self._request_id)
            else:
                usage = Usage(
                    model=self._model.id,
                    input_tokens=charge.tokens.input,
                    output_tokens=charge.tokens.output,
                    latency_ms=self._latency_ms(),
                    status=status,
                    price_version=self._price_version,
                    images=charge.images,
                )
                self._settling = self._funds.capture(charge.cost, usage)
        return charge

    async def finish(self) -> Charge:
        """End with the cost of the whole answer, which is about to be given."""
        charge = self.capture(whole=True)
        await self.settled()
        return charge

    def release(self, *, status: int, code: str) -> None:
        """End without a cost."""
        if self._ended:
            return
        self._ended = True
        self._log_end(status, code, None)
        if self._funds is None:
            self._settlements.dismiss(self._request_id)
        else:
            self._settling = self._funds.release()

    def abandon(self) -> None:
        """End, if it has not, because nobody waits for it: the client left, or the gateway shuts down."""
        if self._ended:
            return
        if self._sent:
            self.capture(whole=False, status=STATUS_CLIENT_LEFT, code="client_left")
        else:
            self.release(status=STATUS_CLIENT_LEFT, code="client_left")

    async def settled(self) -> None:
        """Wait until the end is acknowledged, but not for long: it goes on in the background."""
        if self._settling is not None:
            await asyncio.wait({self._settling}, timeout=self._settle_seconds)

    def _capped(self, charge: Charge) -> Charge:
        """Return the charge, never above the hold: the bounds were ours, so an excess is not the client's."""
        if self._funds is None or charge.cost <= self._funds.amount:
            return charge
        held = self._funds.amount
        _log.warning("upstream_overran", hold=self._funds.name, cost_nano_usd=charge.cost, held_nano_usd=held)
        return replace(charge, cost=held)

    def _latency_ms(self) -> int:
        return round((time.monotonic() - self._began_at) * 1000)

    def _log_end(self, status: int, code: str | None, charge: Charge | None) -> None:
        _log.info(
            "request",
            request_id=self._request_id,
            hold=None if self._funds is None else self._funds.name,
            model=self._model.id,
            input_tokens=None if charge is None else charge.tokens.input,
            output_tokens=None if charge is None else charge.tokens.output,
            images=None if charge is None else charge.images,
            cost_nano_usd=None if charge is None else charge.cost,
            latency_ms=self._latency_ms(),
            status=status,
            code=code,
        )
