"""The client of the credit protocol (docs/protocol.md): what a gateway installs to hold and capture credit.

    async with CreditClient("http://127.0.0.1:8500", token) as credit:
        async with credit.hold(key, 1_000_000, request_id=request_id) as hold:
            answer = await ask_the_model(max_cost=hold.amount)
            await hold.capture(answer.cost)

A service that says no raises `CreditRefused`, one that does not answer raises `CreditUnavailable`: a gateway
that serves only after it has its hold fails closed.
"""

from entitlement.client.answers import Balance, Funding, Hold, HoldAnswer, Key, KeyAnswer
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
    UnknownHold,
)
from entitlement.client.open_hold import OpenHold
from entitlement.client.retries import RetryPolicy
from entitlement.client.wire import HoldRequest, Usage

__all__ = [
    "Balance",
    "CreditClient",
    "CreditError",
    "CreditRefused",
    "CreditUnavailable",
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
    "OpenHold",
    "RetryPolicy",
    "UnknownHold",
    "Usage",
]
