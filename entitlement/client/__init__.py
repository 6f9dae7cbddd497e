"""The client of the credit protocol (docs/protocol.md): what a gateway installs to hold and capture credit.

    with CreditClient("http://127.0.0.1:8500", token) as credit:
        with credit.hold(key, 1_000_000, request_id=request_id) as hold:
            answer = ask_the_model(max_cost=hold.amount)
            hold.capture(answer.cost)

`AsyncCreditClient` has the same calls to be awaited, and its blocks are entered by `async with`. `LeasePool`
and `AsyncLeasePool` decide in memory. A service that says no raises `CreditRefused`, one that does not answer
raises `CreditUnavailable`: a gateway that serves only after it has its hold fails closed.
"""

from entitlement.client.answers import Balance, Funding, Hold, HoldAnswer, Key, KeyAnswer
from entitlement.client.async_client import AsyncCreditClient
from entitlement.client.async_hold import AsyncOpenHold
from entitlement.client.async_lease_pool import AsyncLeasePool
from entitlement.client.credit_client import CreditClient
from entitlement.client.errors import (
    CreditError,
    CreditRefused,
    CreditUnavailable,
    GatewayNotAuthenticated,
    HoldAlreadyEnded,
    HoldExpired,
    InsufficientCredit,
    InvalidAnswer,
    KeyLimitReached,
    KeyRefused,
    RateLimited,
    UnknownHold,
    UnknownRequest,
)
from entitlement.client.explanations import BookedLine, BookedUsage, ExplainedHold, Explanation
from entitlement.client.lease_answers import Lease, LeaseAnswer
from entitlement.client.lease_pool import LeasePool
from entitlement.client.lease_terms import LeaseTerms
from entitlement.client.leased_hold import LeasedHold
from entitlement.client.open_hold import OpenHold
from entitlement.client.requests import ChargeRequest, HoldRequest, LeasedRequest, LeaseRequest, Usage
from entitlement.client.retries import RetryPolicy

__all__ = [
    "AsyncCreditClient",
    "AsyncLeasePool",
    "AsyncOpenHold",
    "Balance",
    "BookedLine",
    "BookedUsage",
    "ChargeRequest",
    "CreditClient",
    "CreditError",
    "CreditRefused",
    "CreditUnavailable",
    "ExplainedHold",
    "Explanation",
    "Funding",
    "GatewayNotAuthenticated",
    "Hold",
    "HoldAlreadyEnded",
    "HoldAnswer",
    "HoldExpired",
    "HoldRequest",
    "InsufficientCredit",
    "InvalidAnswer",
    "Key",
    "KeyAnswer",
    "KeyLimitReached",
    "KeyRefused",
    "Lease",
    "LeaseAnswer",
    "LeasePool",
    "LeaseRequest",
    "LeaseTerms",
    "LeasedHold",
    "LeasedRequest",
    "OpenHold",
    "RateLimited",
    "RetryPolicy",
    "UnknownHold",
    "UnknownRequest",
    "Usage",
]
