"""API keys of an account: make, list, change, pause, give another secret, revoke, look up."""

import builtins
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.balance import Balance
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import InvalidRequest, KeyRotated, TooManyKeys, UnknownApiKeyId, UnknownKey
from entitlement.core.keys import (
    MOST_KEYS_OF_AN_ACCOUNT,
    MOST_ROTATIONS_OF_A_KEY,
    SECRET_PREFIX,
    ApiKey,
    KeyChange,
    NewKey,
    hash_secret,
)
from entitlement.flows.grant_allowances import grant_up_to_allowance
from entitlement.flows.read_balance import read_balance
from entitlement.flows.spend_credit import give_back_due
from entitlement.store import access, standing
from entitlement.store.clock import service_time
from entitlement.store.standing import KeyUse

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key with its secret, which is shown this once."""

    key: ApiKey
    secret: str


class ManageKeys:
    """What an account's owner does with its keys."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def create(self, account_id: int, wish: NewKey) -> MadeKey:
        """Make a key. Raises InvalidRequest, InvalidAmount, TooManyKeys."""
        secret = _new_secret()
        key_id = f"key_{secrets.token_hex(12)}"
        with self._sessions.begin() as session:
            access.lock_account(session, account_id)
            now = service_time(session)
            wish.check(now)
            if access.count_keys(session, account_id) >= MOST_KEYS_OF_AN_ACCOUNT:
                raise TooManyKeys(largest=MOST_KEYS_OF_AN_ACCOUNT)
            access.add_key(
                session,
                key_id=key_id,
                account_id=account_id,
                secret_hash=hash_secret(secret),
                last_six=secret[-6:],
                wish=wish,
                now=now,
            )
            key = access.key_of_account(session, account_id, key_id)
        assert key is not None
        return MadeKey(key, secret)

    def list(self, account_id: int) -> list[ApiKey]:
        """Return the account's keys that are not revoked."""
        with self._sessions.begin() as session:
            return access.keys_of_account(session, account_id)

    def all_named(self, account_id: int, ids: Collection[str]) -> builtins.list[ApiKey]:
        """Return those of the account's keys that have these ids, revoked ones too."""
        with self._sessions.begin() as session:
            return access.keys_with_ids(session, account_id, ids)

    def read(self, account_id: int, key_id: str) -> ApiKey:
        """Return one of the account's keys. Raises UnknownApiKeyId."""
        with self._sessions.begin() as session:
            return self._known(session, account_id, key_id)

    def live(self, account_id: int, key_id: str) -> ApiKey:
        """Return one of the account's keys that is not revoked. Raises UnknownApiKeyId."""
        with self._sessions.begin() as session:
            return self._live(session, account_id, key_id)

    def uses(self, keys: Collection[ApiKey]) -> dict[str, KeyUse]:
        """Return what each of these keys has spent, and when it was last used."""
        with self._sessions.begin() as session:
            today = epoch_at(service_time(session))
            return standing.uses_of_keys(session, [(key.id, key.limits.period) for key in keys], today)

    def change(self, account_id: int, key_id: str, change: KeyChange) -> ApiKey:
        """Change a key that is not revoked. Raises UnknownApiKeyId, InvalidRequest, InvalidAmount."""
        with self._sessions.begin() as session:
            self._known(session, account_id, key_id)
            # Under the account's lock: a hold either was made before this, or by what it says now.
            access.lock_account(session, account_id)
            key = self._live(session, account_id, key_id)
            now = service_time(session)
            access.change_key(session, key_id, change.of(key, now), paused_at=change.paused_at(key, now))
            return self._live(session, account_id, key_id)

    def rotate(self, account_id: int, key_id: str) -> MadeKey:
        """Give a key that is not revoked another secret; the old one is refused from the next question on.

        Id, limits and history stay. A lease of the old secret is charged at its renewal and gets no more.
        Raises UnknownApiKeyId, and InvalidRequest where the key has had too many.
        """
        secret = _new_secret()
        with self._sessions.begin() as session:
            self._known(session, account_id, key_id)
            # Under the account's lock: a hold either was made before this, or sees it.
            access.lock_account(session, account_id)
            self._live(session, account_id, key_id)
            if access.count_retired(session, key_id) >= MOST_ROTATIONS_OF_A_KEY:
                raise InvalidRequest(
                    f"{key_id} was given a new secret {MOST_ROTATIONS_OF_A_KEY} times: make a new key"
                )
            access.rotate_key(
                session,
                key_id,
                secret_hash=hash_secret(secret),
                last_six=secret[-6:],
                now=service_time(session),
            )
            return MadeKey(self._live(session, account_id, key_id), secret)

    def revoke(self, account_id: int, key_id: str) -> ApiKey:
        """Refuse a key from now on; repeating it changes nothing. Raises UnknownApiKeyId."""
        with self._sessions.begin() as session:
            self._known(session, account_id, key_id)
            # Under the account's lock: a hold either was made before this, or sees it.
            access.lock_account(session, account_id)
            access.revoke_key(session, key_id, service_time(session))
            return self._known(session, account_id, key_id)

    def authenticate(self, secret: str) -> ApiKey:
        """Return a usable key by its secret. Raises UnknownKey, KeyRotated and what `check_usable` does."""
        with self._sessions.begin() as session:
            key = self._by_secret(session, secret)
            now = service_time(session)
        key.check_usable(now)
        return key

    def introspect(self, secret: str) -> tuple[ApiKey, Balance]:
        """Return a usable key by its secret, and its account's balance.

        The account is touched by this: holds that ran out are given back, and its allowance of the day is
        granted if it was not yet. Raises as `authenticate` does.
        """
        with self._sessions.begin() as session:
            access.lock_account(session, self._by_secret(session, secret).account_id)
            # Again under the lock: who had it before may have paused the key or changed its secret.
            key = self._by_secret(session, secret)
            now = service_time(session)
            key.check_usable(now)
            give_back_due(session, [key.account_id])
            grant_up_to_allowance(session, key.account_id, key.wallet, now)
            return key, read_balance(session, key.account_id, now)

    @staticmethod
    def _by_secret(session: Session, secret: str) -> ApiKey:
        secret_hash = hash_secret(secret)
        key = access.key_by_hash(session, secret_hash)
        if key is None:
            retired_at = access.retired_at(session, secret_hash)
            raise UnknownKey if retired_at is None else KeyRotated(rotated_at=retired_at)
        return key

    @staticmethod
    def _live(session: Session, account_id: int, key_id: str) -> ApiKey:
        key = ManageKeys._known(session, account_id, key_id)
        if key.revoked_at is not None:
            raise UnknownApiKeyId(key_id=key_id)
        return key

    @staticmethod
    def _known(session: Session, account_id: int, key_id: str) -> ApiKey:
        # PostgreSQL's text cannot even be asked for some characters; none of them is in an id of ours.
        key = access.key_of_account(session, account_id, key_id) if key_id.isprintable() else None
        if key is None:
            raise UnknownApiKeyId(key_id=key_id)
        return key


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
