import contextlib
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.card_payments import CardEvent, check_signature, read_event
from entitlement.core.errors import InvalidRequest, NotAuthenticated
from entitlement.core.membership import Month
from entitlement.core.units import Wallet

SECRET = b"whsec_0123456789abcdef"
NOW = 1_800_000_000
DAY = 86_400
WALLET = Wallet("0x" + "ab" * 20)


def signed(body: bytes, at: int = NOW, secret: bytes = SECRET) -> str:
    return hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v1={signed(b'body')}",
        f"t={NOW}, v0=other, v1={'0' * 64}, v1={signed(b'body')}",
        f"t={NOW - 300},v1={signed(b'body', NOW - 300)}",
        f"t={NOW + 300},v1={signed(b'body', NOW + 300)}",
    ],
)
def test_a_body_is_believed_by_any_right_signature_of_its_time(header: str) -> None:
    check_signature(SECRET, header, b"body", NOW)


@pytest.mark.parametrize(
    ("case", "header"),
    [
        ("nothing", ""),
        ("no time", f"v1={signed(b'body')}"),
        ("two times", f"t={NOW},t={NOW},v1={signed(b'body')}"),
        ("a time that is no number", f"t=1e9,v1={signed(b'body')}"),
        ("digits of another script", f"t=\u0661,v1={signed(b'body')}"),
        ("no signature", f"t={NOW}"),
        ("of another scheme", f"t={NOW},v0={signed(b'body')}"),
        ("of another body", f"t={NOW},v1={signed(b'bodies')}"),
        ("of another secret", f"t={NOW},v1={signed(b'body', secret=b'other')}"),
        ("of another time", f"t={NOW + 1},v1={signed(b'body')}"),
        ("too old", f"t={NOW - 301},v1={signed(b'body', NOW - 301)}"),
        ("from the future", f"t={NOW + 301},v1={signed(b'body', NOW + 301)}"),
        ("no hex", f"t={NOW},v1=\u00e9"),
        ("too many", f"t={NOW}," + "v1=0," * 20 + f"v1={signed(b'body')}"),
    ],
)
def test_what_was_not_signed_by_the_provider_just_now_is_not_believed(case: str, header: str) -> None:
    with pytest.raises(NotAuthenticated):
        check_signature(SECRET, header, b"body", NOW)
    assert case


def event(**changes: object) -> bytes:
    """An event as the provider sends it, with parts of its invoice changed."""
    invoice = {
        "amount_paid": 1_800,
        "parent": {
            "subscription_details": {"metadata": {"wallet": WALLET.upper().replace("X", "x"), "tier": "1"}}
        },
        "lines": {
            "data": [
                {"period": {"start": NOW - DAY, "end": NOW + DAY}},
                {"period": {"start": NOW, "end": NOW + 31 * DAY}},
            ]
        },
    } | changes
    return json.dumps({"id": "evt_1", "type": "invoice.paid", "data": {"object": invoice}}).encode()


def test_a_paid_invoice_is_the_month_that_ends_last_for_the_wallet_in_the_metadata() -> None:
    paid = (WALLET, Month(1, NOW, NOW + 31 * DAY))
    assert read_event(event()) == CardEvent("evt_1", paid)
    about = {"wallet": WALLET, "tier": "1"}
    assert read_event(event(parent=None, subscription_details={"metadata": about})).paid == paid
    assert read_event(event(parent={}, metadata=about)).paid == paid


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "evt_2", "type": "customer.created", "data": {"object": {}}}',
        event(parent=None),
        event(amount_paid=0),
        event(amount_paid=None),
    ],
)
def test_what_is_about_something_else_pays_for_nothing(body: bytes) -> None:
    assert read_event(body).paid is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"type": "invoice.paid"}',
        b'{"id": 5, "type": "invoice.paid"}',
        json.dumps({"id": "e" * 256, "type": "invoice.paid"}).encode(),
        event(parent={"subscription_details": {"metadata": {"wallet": "0x1", "tier": "1"}}}),
        event(parent={"subscription_details": {"metadata": {"wallet": WALLET, "tier": "9"}}}),
        event(parent={"subscription_details": {"metadata": {"wallet": WALLET}}}),
        event(lines={"data": []}),
        event(lines=None),
        event(lines={"data": [{"period": {"start": NOW, "end": NOW}}]}),
        event(lines={"data": [{"period": {"start": NOW, "end": NOW + 365 * DAY}}]}),
        event(lines={"data": [{"period": {"start": True, "end": "x"}}]}),
    ],
)
def test_an_event_that_cannot_be_understood_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_event(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)
names = st.sampled_from(["amount_paid", "parent", "lines", "metadata", "subscription_details"])


@given(st.dictionaries(names, json_values))
def test_whatever_an_invoice_says_it_is_understood_or_refused(changes: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequest):
        assert read_event(event(**changes)).id == "evt_1"
