"""The upstreams of a model, asked one after the other until the client has something from one of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog

from entitlement.gateway.failures import UpstreamFailed, upstream_timed_out
from entitlement.gateway.models import Model
from entitlement.gateway.reply import Reply
from entitlement.gateway.upstream import UpstreamServer

T = TypeVar("T")

_log = structlog.get_logger("entitlement.gateway")


@dataclass(frozen=True, slots=True)
class Ways:
    """Every upstream, and how long it is waited for."""

    upstreams: Mapping[str, UpstreamServer]
    total_seconds: float
    """For a whole answer, over all upstreams that are asked for it."""

    async def ask(self, model: Model, reply: Reply, ask: Callable[[UpstreamServer, str], Awaitable[T]]) -> T:
        """Return what `ask` returns for the first upstream, and its name of the model, that does not fail.

        Raises `UpstreamFailed`: the last one's, one that is about the request, or one after which the client
        has a part of an answer.
        """
        try:
            async with asyncio.timeout(self.total_seconds):
                *first, last = model.ways
                for way in first:
                    try:
                        return await ask(self.upstreams[way.upstream], way.upstream_model)
                    except UpstreamFailed as failure:
                        if reply.begun or not failure.is_about_the_upstream:
                            raise
                        _log.warning("next_upstream", model=model.id, failed=way.upstream, code=failure.code)
                return await ask(self.upstreams[last.upstream], last.upstream_model)
        except TimeoutError:
            raise upstream_timed_out() from None
