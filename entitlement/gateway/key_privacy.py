"""Which models a key may call: its `modelPrivacy`, asked of the service and kept for a moment.

A private model may be called with every key, so nothing is asked for it. For the others the answer is kept,
since asking costs as much as a hold does; whether the key may spend at all is never decided here.
"""

import time

from entitlement.client import AsyncCreditClient
from entitlement.gateway.failures import GatewayError
from entitlement.gateway.models import Model

KEPT_SECONDS = 10.0
"""How long a change of a key's `modelPrivacy` may take to be noticed."""
KEPT_MAX = 10_000


class KeyPrivacy:
    """What is known of the keys that asked for models which are not private."""

    def __init__(self, credit: AsyncCreditClient) -> None:
        self._credit = credit
        self._kept: dict[str, tuple[float, str]] = {}

    async def check(self, key: str, model: Model) -> None:
        """Raise `GatewayError` 403 where the key is for private models only, and `CreditError`."""
        if model.allows(""):
            return
        until, privacy = self._kept.get(key, (0.0, ""))
        now = time.monotonic()
        if now >= until:
            privacy = (await self._credit.introspect(key)).key.model_privacy
            self._keep(key, now + KEPT_SECONDS, privacy)
        if not model.allows(privacy):
            message = "This API key may call private models only: GET /api/v1/models?type=all says which are."
            raise GatewayError(403, "MODEL_NOT_ALLOWED", message, figures={"model_privacy": privacy})

    def _keep(self, key: str, until: float, privacy: str) -> None:
        self._kept.pop(key, None)
        self._kept[key] = until, privacy
        while len(self._kept) > KEPT_MAX:
            # A dict keeps its order: the first one was asked about longest ago.
            del self._kept[next(iter(self._kept))]
