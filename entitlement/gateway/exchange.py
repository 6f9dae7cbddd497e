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
from dataclasses import dataclass

import structlog

from entitlement.client import Usage
from entitlement.core.units import NanoUsd
from entitlement.gateway.chat_request import ChatRequest
from entitlement.gateway.funding import Funds
from entitlement.gateway.pricing import cost_up
from entitlement.gateway.settlements import Settlements
from entitlement.gateway.usage import Tally, Tokens

STATUS_OK = 200
STATUS_CLIENT_LEFT = 499
"""What logs call a request whose client closed the connection; no client ever sees it."""

_log = structlog.get_logger("entitlement.gateway")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request cost."""

    tokens: Tokens
    cost: NanoUsd


class Exchange:
    """A request with its hold, or without one where the model costs nothing."""

    def __init__(
        self,
        request_id: str,
        chat: ChatRequest,
        funds: Funds | None,
        settlements: Settlements,
        price_version: str,
    ) -> None:
        self._request_id = request_id
        self._chat = chat
        self._funds = funds
        self._price_version = price_version
        self._settlements = settlements
        self._began_at = time.monotonic()
        self._ended = False
        self._settling: asyncio.Task[None] | None = None
        self.tally = Tally(chat.prompt_bytes)
        self._sent = False

    def note_sent(self) -> None:
        """Know that the upstream may have begun to work: from here on, leaving costs."""
        self._sent = True

    def begin_again(self) -> None:
        """Forget what came from an upstream that failed before its first byte: the next one is asked."""
        self.tally = Tally(self._chat.prompt_bytes)
        self._sent = False

    def capture(self, *, whole: bool, status: int = STATUS_OK, code: str | None = None) -> Charge:
        """End with a cost: of the whole answer, or of what there is of it."""
        tokens = self.tally.tokens(whole=whole)
        charge = Charge(tokens, self._capped(tokens))
        if not self._ended:
            self._ended = True
            self._log_end(status, code, charge)
            if self._funds is None:
                self._settlements.dismiss(self._request_id)
            else:
                usage = Usage(
                    model=self._chat.model.id,
                    input_tokens=tokens.input,
                    output_tokens=tokens.output,
                    latency_ms=self._latency_ms(),
                    status=status,
                    price_version=self._price_version,
                )
                self._settling = self._funds.capture(charge.cost, usage)
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

    async def settled(self, seconds: float) -> None:
        """Wait until the end is acknowledged, but not for long: it goes on in the background."""
        if self._settling is not None:
            await asyncio.wait({self._settling}, timeout=seconds)

    def _capped(self, tokens: Tokens) -> NanoUsd:
        """Return the cost, never above the hold: the bounds were ours, so an excess is not the client's."""
        cost = cost_up(self._chat.model.price, input_tokens=tokens.input, output_tokens=tokens.output)
        if self._funds is None or cost <= self._funds.amount:
            return cost
        _log.warning(
            "upstream_overran", hold=self._funds.name, cost_nano_usd=cost, held_nano_usd=self._funds.amount
        )
        return self._funds.amount

    def _latency_ms(self) -> int:
        return round((time.monotonic() - self._began_at) * 1000)

    def _log_end(self, status: int, code: str | None, charge: Charge | None) -> None:
        _log.info(
            "request",
            request_id=self._request_id,
            hold=None if self._funds is None else self._funds.name,
            model=self._chat.model.id,
            input_tokens=None if charge is None else charge.tokens.input,
            output_tokens=None if charge is None else charge.tokens.output,
            cost_nano_usd=None if charge is None else charge.cost,
            latency_ms=self._latency_ms(),
            status=status,
            code=code,
        )
