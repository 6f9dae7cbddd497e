"""When an owner is told, how it is signed, how it is retried, and where it may go."""

import hashlib
import hmac
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.errors import InvalidRequest
from entitlement.core.units import NanoUsd
from entitlement.core.webhooks import (
    LONGEST_URL,
    RETRY_SECONDS,
    TRIES_MAX,
    CreditEvent,
    check_url,
    crossed,
    is_public,
    is_signed,
    retry_after,
    sign,
    signing_secret,
)

amounts = st.integers(0, 10**12).map(NanoUsd)


@pytest.mark.parametrize(
    ("before", "after", "granted", "told"),
    [
        (100, 21, 100, None),
        (100, 20, 100, CreditEvent.LOW),
        (21, 20, 100, CreditEvent.LOW),
        (20, 19, 100, None),
        (20, 0, 100, CreditEvent.EXHAUSTED),
        (100, 0, 100, CreditEvent.EXHAUSTED),
        (0, 0, 100, None),
        (0, 20, 100, None),
        (1_000, 200, 100, None),
        (5, 1, 0, None),
        (1, 0, 0, CreditEvent.EXHAUSTED),
    ],
)
def test_an_owner_is_told_when_a_fifth_is_left_and_when_nothing_is(
    before: int, after: int, granted: int, told: CreditEvent | None
) -> None:
    assert crossed(NanoUsd(before), NanoUsd(after), NanoUsd(granted)) is told


@given(st.lists(amounts, min_size=2, max_size=20), amounts)
def test_however_credit_is_spent_down_each_threshold_is_told_once_at_most(
    left: list[NanoUsd], granted: NanoUsd
) -> None:
    falling = sorted(left, reverse=True)
    told = [crossed(before, after, granted) for before, after in pairwise(falling)]
    assert told.count(CreditEvent.LOW) <= 1
    assert told.count(CreditEvent.EXHAUSTED) == (falling[0] > 0 == falling[-1])


@given(st.binary(max_size=200), st.integers(0, 10**10))
def test_a_signature_is_an_hmac_of_the_time_and_the_body_and_holds_for_five_minutes(
    body: bytes, now: int
) -> None:
    header = sign("whsec_x", body, now)
    expected = hmac.new(b"whsec_x", str(now).encode() + b"." + body, hashlib.sha256).hexdigest()
    assert header == f"t={now},v1={expected}"
    assert is_signed("whsec_x", body, header, now + 300)
    assert not is_signed("whsec_x", body, header, now + 301)
    assert not is_signed("whsec_x", body, header, now - 301)
    assert not is_signed("whsec_y", body, header, now)
    assert not is_signed("whsec_x", body + b" ", header, now)
    assert not is_signed("whsec_x", body, header.replace(f"t={now}", f"t={now + 1}"), now)


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=" + "0" * 64, "t=1,v1=" + "0" * 63, f"t=1,v1={'0' * 64},v2=1"]
)
def test_what_is_no_signature_signs_nothing(header: str) -> None:
    assert not is_signed("whsec_x", b"", header, 1)


def test_each_webhook_has_a_secret_of_its_own_that_needs_the_services_to_be_known() -> None:
    secret = signing_secret("s" * 32, "wh_1")
    assert secret.startswith("whsec_")
    assert secret == signing_secret("s" * 32, "wh_1")
    assert len({secret, signing_secret("s" * 32, "wh_2"), signing_secret("t" * 32, "wh_1")}) == 3


def test_retries_come_ever_more_seldom_and_end() -> None:
    waits = [retry_after(tries) for tries in range(1, TRIES_MAX + 1)]
    assert waits == [*RETRY_SECONDS, None]
    assert list(RETRY_SECONDS) == sorted(RETRY_SECONDS)
    assert retry_after(TRIES_MAX + 5) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a?b=c%20d",
        "https://[2606:4700::1111]/",
        "https://xn--p1ai.example/",
    ],
)
def test_an_https_address_may_be_named(url: str) -> None:
    check_url(url, is_devnet=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "//example.com",
        "https://",
        "https:///path",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://@example.com",
        "https://example.com#fragment",
        "https://example.com:0",
        "https://example.com:99999",
        "https://example.com:x",
        "https://exa mple.com",
        "https://example.com\\@internal",
        "https://ex\u00e4mple.com",
        "https://example.com/\r\nX: y",
        "https://[::1",
        "https://example.com/" + "x" * LONGEST_URL,
    ],
)
def test_what_is_no_plain_https_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        check_url(url, is_devnet=False)


def test_http_is_for_development_networks() -> None:
    check_url("http://127.0.0.1:9000/hook", is_devnet=True)
    with pytest.raises(InvalidRequest):
        check_url("ftp://127.0.0.1", is_devnet=True)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - nobody binds to it here
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_an_address_of_the_network_that_we_are_in_is_not_however_it_is_written(address: str) -> None:
    assert not is_public(address)
