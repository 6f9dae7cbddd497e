"""Sign in: a wallet shows who it is by signing a message, and gets a session.

    nonce  ->  the wallet signs an EIP-4361 message that carries it  ->  session token

A nonce works once, and within ten minutes. What is verified is the text that was signed, to the letter. Where
the wallet's own key did not sign it, the chain is asked whether the wallet is a contract that says it did.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import NotAuthenticated, SignInRefused
from entitlement.core.keys import hash_secret
from entitlement.core.units import Wallet, wallet
from entitlement.flows.wallet_signatures import WalletSignatures
from entitlement.store import access
from entitlement.store.clock import service_time

if TYPE_CHECKING:
    from siwe import SiweMessage  # pyright: ignore[reportMissingTypeStubs] - it has annotations, no marker

NONCE_SECONDS = 600
SESSION_SECONDS = 24 * 3_600
CLOCK_TOLERANCE_SECONDS = 60
"""How far ahead of ours the wallet's clock may be."""
LONGEST_MESSAGE = 1_024
"""Wallets show a few hundred characters. Parsing takes time with the square of the length, 0.2 s for this
many and seconds for 4,096, and anybody may ask for it."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session belongs to."""

    account_id: int
    wallet: Wallet
    expires_at: int


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A new session; the token is shown this once."""

    token: str
    signed_in: SignedIn


@dataclass(frozen=True, slots=True)
class Audience:
    """What a message must be addressed to: the host of our page or API, and the chain."""

    domains: frozenset[str]
    chain_id: int


class SignIn:
    """Sessions of wallets."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        audience: Audience,
        signatures: WalletSignatures | None = None,
    ) -> None:
        """Without `signatures` a wallet signs with its own key, and no contract is asked."""
        self._sessions = sessions
        self._audience = audience
        self._signatures = signatures or WalletSignatures()

    def nonce(self) -> tuple[str, int]:
        """Return a fresh nonce and the Unix time at which it expires."""
        with self._sessions.begin() as session:
            expires_at = service_time(session) + NONCE_SECONDS
            nonce = secrets.token_hex(16)
            access.add_nonce(session, nonce, expires_at)
            return nonce, expires_at

    def sign_in(self, message: str, signature: str) -> SessionToken:
        """Open a session for the wallet that signed `message`.

        Raises SignInRefused with a stable kind, and RateLimited where too many contracts are asked.
        """
        parsed = _parse(message)
        signer = wallet(parsed.address)

        def check_before_the_chain_is_asked() -> None:
            with self._sessions.begin() as session:
                now = service_time(session)
                self._check(parsed, now)
                if not access.is_nonce_usable(session, parsed.nonce, now):
                    raise _nonce_refused()

        self._signatures.check(signer, message, signature, check_before_the_chain_is_asked)
        token = "ses_" + secrets.token_urlsafe(32)
        with self._sessions.begin() as session:
            now = service_time(session)
            self._check(parsed, now)
            if not access.use_nonce(session, parsed.nonce, now):
                raise _nonce_refused()
            account_id = access.open_account(session, signer, now)
            expires_at = now + SESSION_SECONDS
            access.add_session(
                session, token_hash=hash_secret(token), account_id=account_id, now=now, expires_at=expires_at
            )
        return SessionToken(token, SignedIn(account_id, signer, expires_at))

    def authenticate(self, token: str) -> SignedIn:
        """Return who a session token belongs to. Raises NotAuthenticated."""
        with self._sessions.begin() as session:
            found = access.session_wallet(session, hash_secret(token))
            now = service_time(session)
        if found is None:
            raise NotAuthenticated("no session like this one is known: sign in")
        if found[2] <= now:
            raise NotAuthenticated("the session has expired: sign in again")
        return SignedIn(*found)

    def sign_out(self, token: str) -> None:
        """End a session; one that is not known has ended already."""
        with self._sessions.begin() as session:
            access.end_session(session, hash_secret(token))

    def sign_out_everywhere(self, account_id: int) -> int:
        """End all sessions of an account, and return how many; its keys go on.

        One that is being opened at the same moment may stay: it was signed for just now.
        """
        with self._sessions.begin() as session:
            return access.end_sessions(session, account_id)

    def _check(self, message: "SiweMessage", now: int) -> None:
        if message.domain not in self._audience.domains:
            expected = " or ".join(sorted(self._audience.domains))
            raise SignInRefused(
                kind="wrong_domain", reason=f"the message is for {message.domain}, this service is {expected}"
            )
        if message.chain_id != self._audience.chain_id:
            raise SignInRefused(
                kind="wrong_chain",
                reason=f"the message is for chain {message.chain_id}, this is {self._audience.chain_id}",
            )
        if _seconds(message.issued_at) > now + CLOCK_TOLERANCE_SECONDS:
            raise SignInRefused(kind="not_yet_valid", reason="the message is issued in the future")
        if message.not_before is not None and _seconds(message.not_before) > now:
            raise SignInRefused(kind="not_yet_valid", reason="the message is not valid yet")
        if message.expiration_time is not None and _seconds(message.expiration_time) <= now:
            raise SignInRefused(kind="expired", reason="the message has expired: sign a new one")


def _nonce_refused() -> SignInRefused:
    return SignInRefused(
        kind="nonce_used_or_unknown",
        reason="the nonce is not ours, has expired or was used before: ask for a new one",
    )


def _parse(message: str) -> "SiweMessage":
    # It loads web3, which nothing else of the API needs: it starts sooner, and has less in memory.
    from siwe import SiweMessage  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - as above

    try:
        if len(message) > LONGEST_MESSAGE:
            raise ValueError(f"longer than {LONGEST_MESSAGE} characters")  # noqa: TRY301 - one refusal for all
        return SiweMessage.from_message(message)
    except ValueError as error:
        raise SignInRefused(
            kind="malformed_message", reason="the message is not an EIP-4361 sign-in message"
        ) from error


def _seconds(stamp: str) -> int:
    return int(datetime.fromisoformat(str(stamp)).timestamp())
