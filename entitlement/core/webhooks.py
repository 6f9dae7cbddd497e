r"""Webhooks: when an account's owner is told that credit runs low, how that is signed, and how it is retried.

    available
       granted |--\
               |   \__                    low: a fifth of the day's grants is left, or less
       1/5 ----|------\------------------
               |       \____             exhausted: nothing is left
             0 |____________\___________

Each is told once a day, however often credit comes back and goes again. What a receiver gets is signed:

    Entitlement-Signature: t=<Unix time of sending>,v1=<HMAC-SHA256 of "<t>.<body>", in hex>

A receiver that wants no replays refuses a `t` that is old, and event ids that it has had: a delivery whose
answer was lost comes again.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
from enum import StrEnum
from urllib.parse import urlsplit

from entitlement.core.errors import InvalidRequest
from entitlement.core.units import NanoUsd

SIGNATURE_HEADER = "Entitlement-Signature"
SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, so that a leaked secret is recognised
LONGEST_URL = 500
TOLERANCE_SECONDS = 300
"""How old a signature may be for a receiver that follows our example."""
LOW_PARTS = 5
"""Low is one part in so many of the day's grants, or less."""
RETRY_SECONDS = (10, 60, 300, 1_800, 7_200, 21_600, 43_200)
"""After each try that failed, how long until the next; after the last of them it is given up, a day later."""
TRIES_MAX = len(RETRY_SECONDS) + 1

_PLAIN = re.compile(r"[!-\[\]-~]+")
"""No blank, and no backslash, which some read as a slash."""
_SIGNATURE = re.compile(r"t=(?P<time>[0-9]{1,12}),v1=(?P<digest>[0-9a-f]{64})")


class CreditEvent(StrEnum):
    """What an owner is told."""

    LOW = "credit.low"
    EXHAUSTED = "credit.exhausted"


def crossed(before: NanoUsd, after: NanoUsd, granted: NanoUsd) -> CreditEvent | None:
    """Return what a change of the account's available credit is to be told as, if anything.

    `before` and `after` are all that can be spent; `granted` is what the running day gave. Credit that was
    paid for and is far above a day's grant is never low. Only a fall is told.
    """
    if after >= before:
        return None
    if after == 0:
        return CreditEvent.EXHAUSTED
    if after * LOW_PARTS <= granted < before * LOW_PARTS:
        return CreditEvent.LOW
    return None


def retry_after(tries: int) -> int | None:
    """Return the seconds until the next try after `tries` that failed; None where it is given up."""
    assert tries > 0
    return RETRY_SECONDS[tries - 1] if tries <= len(RETRY_SECONDS) else None


def signing_secret(service_secret: str, webhook_id: str) -> str:
    """Return the secret of a webhook: derived, so that the database has none to lose."""
    digest = hmac.digest(service_secret.encode(), f"webhook:{webhook_id}".encode(), hashlib.sha256)
    return SECRET_PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def sign(secret: str, body: bytes, now: int) -> str:
    """Return the header that signs `body` as sent at `now`."""
    return f"t={now},v1={_digest(secret, body, now)}"


def is_signed(secret: str, body: bytes, header: str, now: int) -> bool:
    """Tell whether `header` signs `body` and was made within five minutes of `now`: a receiver's check."""
    found = _SIGNATURE.fullmatch(header)
    if found is None or abs(now - int(found["time"])) > TOLERANCE_SECONDS:
        return False
    return hmac.compare_digest(found["digest"], _digest(secret, body, int(found["time"])))


def _digest(secret: str, body: bytes, now: int) -> str:
    return hmac.new(secret.encode(), b"%d.%s" % (now, body), hashlib.sha256).hexdigest()


# --- where it goes --------------------------------------------------------------------------------------


def check_url(url: str, *, is_devnet: bool) -> None:
    """Raise `InvalidRequest` for an address that is none for a webhook, as far as its text alone says.

    Only https, and no credentials in it; on a development network http too. What its name resolves to is
    looked at when it is set, and again each time it is sent to.
    """
    reason = _problem(url, is_devnet=is_devnet)
    if reason is not None:
        raise InvalidRequest(f"the webhook's address {reason}", field="url")


def _problem(url: str, *, is_devnet: bool) -> str | None:
    if not 0 < len(url) <= LONGEST_URL or not _PLAIN.fullmatch(url):
        return f"must be 1 to {LONGEST_URL} printable characters of ASCII"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address"
    if not parts.hostname or port == 0:
        return "is no address"
    if parts.scheme != "https" and not (is_devnet and parts.scheme == "http"):
        return "must begin with https://"
    if "@" in parts.netloc or parts.fragment:
        return "must hold no credentials and no fragment"
    return None


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet, and not of the network that we are in.

    What is written in one kind of address inside another counts as what is written inside.
    """
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
