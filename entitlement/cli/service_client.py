"""The API as a wallet holder uses it from a terminal: sign in with a private key, then ask."""

from collections.abc import Callable
from typing import Any, Self, cast

import httpx
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from siwe import ISO8601Datetime, SiweMessage  # pyright: ignore[reportMissingTypeStubs] - annotated, no marker

from entitlement.cli.show import moment
from entitlement.core.errors import EntitlementError, SetupError

ASK_SECONDS = 30.0


class Refused(EntitlementError):
    """The API answered with a problem."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('code', status)}: {problem.get('detail', 'no detail given')}")
        self.status = status
        self.problem = problem


class ServiceClient:
    """One wallet's session."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=ASK_SECONDS
        )

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    @classmethod
    def sign_in(cls, url: str, account: LocalAccount) -> "ServiceClient":
        """Sign in by an EIP-4361 message. Raises Refused, or SetupError where nobody answers."""
        with httpx.Client(base_url=url, timeout=ASK_SECONDS) as client:
            nonce = _answer(url, lambda: client.post("/v1/sign-in/nonce"))
            message = SiweMessage(
                domain=nonce["domains"][0],
                address=account.address,
                statement="Sign in to see your credit and to manage your API keys.",
                uri=url,
                version="1",  # pyright: ignore[reportArgumentType] - pydantic makes its enumeration of it
                chain_id=nonce["chain_id"],
                nonce=nonce["nonce"],
                issued_at=ISO8601Datetime(_iso(nonce["expires_at"] - 600)),
            ).prepare_message()
            signature = account.sign_message(encode_defunct(text=message)).signature.to_0x_hex()
            body = {"message": message, "signature": signature}
            session = _answer(url, lambda: client.post("/v1/sign-in", json=body))
        return cls(url, session["token"])

    def get(self, path: str) -> dict[str, Any]:
        """Ask. Raises Refused."""
        return _answer(str(self._client.base_url), lambda: self._client.get(path))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for something to be made. Raises Refused."""
        return _answer(str(self._client.base_url), lambda: self._client.post(path, json=body))

    def delete(self, path: str) -> dict[str, Any]:
        """Ask for something to be ended. Raises Refused."""
        return _answer(str(self._client.base_url), lambda: self._client.delete(path))


def _iso(timestamp: int) -> str:
    return moment(timestamp).replace(" UTC", "Z").replace(" ", "T")


def _answer(url: str, ask: Callable[[], httpx.Response]) -> dict[str, Any]:
    try:
        response = ask()
    except httpx.HTTPError as error:
        raise SetupError(
            f"The service at {url} does not answer ({type(error).__name__}).",
            remedy="Start it (`entitlement up`), or name another with --url.",
        ) from error
    said = _said(response)
    if not response.is_success:
        raise Refused(
            response.status_code, said or {"detail": f"status {response.status_code} without a reason"}
        )
    if said is None:
        raise SetupError(
            f"What answers at {url} is not the service: it says something else.",
            remedy="Name the service's own address with --url.",
        )
    return said


def _said(response: httpx.Response) -> dict[str, Any] | None:
    """Return the object of an answer; None for what is none: a page, or whatever a proxy says."""
    try:
        said = response.json()
    except ValueError:
        return None
    return cast("dict[str, Any]", said) if isinstance(said, dict) else None
