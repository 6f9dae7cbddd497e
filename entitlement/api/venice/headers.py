"""The headers on every answer to somebody who is known, a refusal included: what is left, and how fast.

    x-venice-balance-diem, x-venice-balance-usd          dollars, before the request, within the key's limits
    x-ratelimit-limit-requests, -remaining-, -reset-     of the rate that is used up first; reset in Unix time

There are no limits by tokens here, and so no headers that speak of one.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from entitlement.api.auth import AnyCaller, TheService
from entitlement.api.venice.wire import dollars
from entitlement.core.limits import Currency
from entitlement.flows.read_standing import Standing

_STATE = "standing"


def standing(request: Request, flows: TheService, asking: AnyCaller) -> Standing:
    """Return how the caller stands; its headers go with the answer, whatever that will be."""
    found = flows.standing.standing(asking.account_id, asking.wallet, asking.key)
    setattr(request.state, _STATE, found)
    return found


TheStanding = Annotated[Standing, Depends(standing)]


class TellingRoute(APIRoute):
    """A route whose answers carry the standing that was read for them."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with headers where it became known who asks."""
        state: dict[str, Any] = scope.setdefault("state", {})

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start" and _STATE in state:
                told = [(name.encode(), value.encode()) for name, value in _headers(state[_STATE]).items()]
                message = {**message, "headers": [*message["headers"], *told]}
            await send(message)

        await super().handle(scope, receive, telling)


def _headers(found: Standing) -> Mapping[str, str]:
    return {
        "x-venice-balance-diem": f"{dollars(found.left(Currency.DIEM)):f}",
        "x-venice-balance-usd": f"{dollars(found.left(Currency.USD)):f}",
        "x-ratelimit-limit-requests": str(found.rate.rate.requests),
        "x-ratelimit-remaining-requests": str(found.rate.remaining),
        "x-ratelimit-reset-requests": str(found.rate.resets_at),
    }
