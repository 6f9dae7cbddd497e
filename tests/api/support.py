"""What the tests of the API share: people with wallets, and what every refusal looks like."""

from dataclasses import dataclass, field
from typing import Any, cast

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from siwe import ISO8601Datetime, SiweMessage

from entitlement.core.units import Wallet, wallet

DOMAIN = "127.0.0.1:8500"
URL = f"http://{DOMAIN}"
PROBLEM = "application/problem+json"
WHEN = "2026-01-01T00:00:00Z"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Person:
    """Somebody with a wallet."""

    number: int = 1
    account: LocalAccount = field(init=False)

    def __post_init__(self) -> None:
        self.account = cast("LocalAccount", Account.from_key(self.number.to_bytes(32, "big")))

    @property
    def address(self) -> str:
        return str(self.account.address)

    @property
    def wallet(self) -> Wallet:
        return wallet(self.address)

    def sign(self, text: str) -> str:
        return str(self.account.sign_message(encode_defunct(text=text)).signature.to_0x_hex())

    def message(self, nonce: str, **changes: object) -> str:
        plain: dict[str, Any] = {
            "domain": DOMAIN,
            "address": self.address,
            "uri": URL,
            "version": "1",
            "chain_id": 31_337,
            "nonce": nonce,
            "issued_at": ISO8601Datetime(WHEN),
        }
        return SiweMessage(**(plain | changes)).prepare_message()

    def sign_in(self, client: httpx.Client, **changes: object) -> dict[str, str]:
        """Return the headers of a new session; `changes` are to the message that is signed."""
        nonce = client.post("/v1/sign-in/nonce").json()["nonce"]
        message = self.message(nonce, **changes)
        answer = client.post("/v1/sign-in", json={"message": message, "signature": self.sign(message)})
        assert answer.status_code == 201, answer.text
        return bearer(answer.json()["token"])


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that `response` is the problem that is expected, and return it."""
    assert response.status_code == status, response.text
    body = assert_some_problem(response)
    assert body["code"] == code, body
    return body


def assert_some_problem(response: httpx.Response) -> dict[str, Any]:
    """Check that `response` is a well-formed refusal of the 4xx kind or a 503."""
    assert 400 <= response.status_code < 500 or response.status_code == 503, response.text
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:entitlement:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    assert body["code"].replace("_", "").isalnum()
    if response.request.url.path.startswith("/api/v1"):
        assert body["error"] == body["detail"]
    else:
        assert "error" not in body
    if response.status_code == 401:
        assert response.headers["www-authenticate"] == "Bearer"
    if response.status_code == 503:
        assert response.headers["retry-after"]
    return cast("dict[str, Any]", body)
