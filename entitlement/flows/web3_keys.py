"""Keys by wallet in two calls, as clients of the live system make them (`generate_web3_key`).

    token (a JWT, 15 minutes)  ->  the wallet signs it by personal_sign  ->  an API key

The token names a nonce, so it works once. The wallet must have VVV staked, unlocked or locked.
"""

import secrets
from collections.abc import Callable

import jwt
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import MalformedAddress, SignInRefused
from entitlement.core.keys import NewKey
from entitlement.core.units import Wallet, wallet
from entitlement.flows.manage_keys import MadeKey, ManageKeys
from entitlement.flows.wallet_signatures import WalletSignatures
from entitlement.store import access, chain
from entitlement.store.clock import service_time

TOKEN_SECONDS = 15 * 60
PURPOSE = "generate_web3_key"


class Web3Keys:
    """Makes a key for whoever can sign for a wallet that stakes."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        keys: ManageKeys,
        secret: SecretStr,
        signatures: WalletSignatures | None = None,
    ) -> None:
        """Without `signatures` a wallet signs with its own key, and no contract is asked."""
        self._signatures = signatures or WalletSignatures()
        self._sessions = sessions
        self._keys = keys
        self._secret = secret.get_secret_value()

    def token(self) -> str:
        """Return a token to sign, valid for 15 minutes and for one key."""
        with self._sessions.begin() as session:
            now = service_time(session)
            nonce = secrets.token_hex(16)
            access.add_nonce(session, nonce, now + TOKEN_SECONDS)
        claims = {"jti": nonce, "iat": now, "exp": now + TOKEN_SECONDS, "aud": PURPOSE}
        return jwt.encode(claims, self._secret, algorithm="HS256")  # pyright: ignore[reportUnknownMemberType] - its key type names an optional library

    def create(self, *, address: str, signature: str, token: str, wish: NewKey) -> MadeKey:
        """Make a key for the wallet at `address`, which signed `token`.

        Raises SignInRefused with the live system's messages; InvalidRequest, InvalidAmount, TooManyKeys;
        RateLimited where too many contracts are asked.
        """
        try:
            owner = wallet(address)
        except MalformedAddress as error:
            raise SignInRefused(kind="invalid_address", reason="Invalid wallet address") from error
        nonce, expires_at = self._verify(token)

        def check(session: Session) -> int:
            now = service_time(session)
            if expires_at <= now:
                raise SignInRefused(kind="token_expired", reason="JWT has expired")
            wish.check(now)
            _, latest = chain.position_pair(session, owner)
            if latest.vvv_unlocked + latest.vvv_locked == 0:
                raise SignInRefused(kind="no_stake", reason="Wallet has no staked VVV")
            return now

        def check_before_the_chain_is_asked() -> None:
            with self._sessions.begin() as session:
                if not access.is_nonce_usable(session, nonce, check(session)):
                    raise _token_used()

        self._check_signature(owner, signature, token, check_before_the_chain_is_asked)
        with self._sessions.begin() as session:
            now = check(session)
            if not access.use_nonce(session, nonce, now):
                raise _token_used()
            account_id = access.open_account(session, owner, now)
        return self._keys.create(account_id, wish)

    def _verify(self, token: str) -> tuple[str, int]:
        """Return a token's nonce and expiry; its time is judged by the service's clock, not the machine's."""
        options = {"verify_exp": False, "verify_iat": False, "require": ["jti", "exp", "iat", "aud"]}
        try:
            claims = jwt.decode(token, self._secret, algorithms=["HS256"], audience=PURPOSE, options=options)  # pyright: ignore[reportArgumentType, reportUnknownMemberType] - likewise; PyJWT's own option names
        except jwt.InvalidSignatureError as error:
            raise SignInRefused(kind="token_signature", reason="JWT signature is invalid") from error
        except (jwt.MissingRequiredClaimError, jwt.InvalidAudienceError) as error:
            raise SignInRefused(kind="token_claims", reason="JWT claims are invalid") from error
        except jwt.InvalidTokenError as error:
            raise SignInRefused(kind="token_malformed", reason="JWT is malformed") from error
        return str(claims["jti"]), int(claims["exp"])

    def _check_signature(
        self, owner: Wallet, signature: str, token: str, before_asking: Callable[[], None]
    ) -> None:
        try:
            self._signatures.check(owner, token, signature, before_asking)
        except SignInRefused as error:
            if error.kind == "malformed_signature":
                raise SignInRefused(
                    kind="signature_malformed", reason="Could not verify wallet signature"
                ) from error
            if error.kind == "wrong_signer":
                raise SignInRefused(kind="wrong_signer", reason="Wallet signature does not match") from error
            raise


def _token_used() -> SignInRefused:
    return SignInRefused(kind="token_used", reason="JWT claims are invalid: it was used before")
