"""Routes that clients of the live system know, under /api/v1: the same names, types and status codes.

Here: API keys, their limits, and billing. Chat and models are the gateway's, which passes these paths on: a
client needs one base URL. Where the live system's own words leave a question open, ours is the answer of
docs/compatible.md.
"""

from fastapi import APIRouter

from entitlement.api.venice import billing, keys, limits

router = APIRouter()
# Before the keys' own routes: `rate_limits` is no id of a key.
for part in (limits.router, keys.router, billing.router):
    router.include_router(part)
