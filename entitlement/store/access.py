"""Rows of who may do what: accounts, API keys, gateways, sessions, nonces."""

from collections.abc import Collection

from sqlalchemy import Select, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.keys import ApiKey, KeyKind, ModelPrivacy, NewKey
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.units import NanoUsd, Wallet
from entitlement.store.bulk import any_number
from entitlement.store.session import fresh
from entitlement.store.tables import (
    AccountRow,
    ApiKeyRow,
    GatewayRow,
    NonceRow,
    RetiredSecretRow,
    SessionRow,
)

# --- accounts ------------------------------------------------------------------------------------------


def account_of(session: Session, wallet: Wallet) -> int | None:
    """Return the account of a wallet, if it has one."""
    return session.scalars(select(AccountRow.id).where(AccountRow.wallet == wallet)).one_or_none()


def open_account(session: Session, wallet: Wallet, now: int) -> int:
    """Return the account of a wallet; make it if there is none."""
    known = account_of(session, wallet)
    if known is not None:
        return known
    session.execute(
        insert(AccountRow).values(wallet=wallet, created_at=now, rate_until=0).on_conflict_do_nothing()
    )
    return session.scalars(select(AccountRow.id).where(AccountRow.wallet == wallet)).one()


def lock_account(session: Session, account_id: int) -> Wallet:
    """Take the lock under which the account's credit moves, and return its wallet."""
    query = select(AccountRow.wallet).where(AccountRow.id == account_id).with_for_update()
    return Wallet(session.scalars(query).one())


def lock_accounts(session: Session, account_ids: Collection[int]) -> dict[int, Wallet]:
    """Take the locks of several accounts, in one order for all who do, and return their wallets."""
    query = select(AccountRow.id, AccountRow.wallet).where(AccountRow.id == any_number(account_ids))
    rows = session.execute(query.order_by(AccountRow.id).with_for_update())
    return {row[0]: Wallet(row[1]) for row in rows}


# --- API keys ------------------------------------------------------------------------------------------


def _keys() -> Select[ApiKeyRow, str]:
    return fresh(select(ApiKeyRow, AccountRow.wallet).join(AccountRow, AccountRow.id == ApiKeyRow.account_id))


def key_by_hash(session: Session, secret_hash: bytes) -> ApiKey | None:
    """Return the key with this secret, also when it is revoked or expired."""
    found = session.execute(_keys().where(ApiKeyRow.secret_hash == secret_hash)).one_or_none()
    return None if found is None else _key(*found)


def retired_at(session: Session, secret_hash: bytes) -> int | None:
    """Return when a key that had this secret was given another; None for what was never one."""
    query = select(RetiredSecretRow.retired_at).where(RetiredSecretRow.secret_hash == secret_hash)
    return session.scalars(query).one_or_none()


def count_retired(session: Session, key_id: str) -> int:
    """Return how many secrets a key has had before the one that it has."""
    query = select(func.count()).select_from(RetiredSecretRow)
    return session.scalars(query.where(RetiredSecretRow.key_id == key_id)).one()


def key_by_id(session: Session, key_id: str) -> ApiKey | None:
    """Return a key, whoever's it is."""
    found = session.execute(_keys().where(ApiKeyRow.id == key_id)).one_or_none()
    return None if found is None else _key(*found)


def key_of_account(session: Session, account_id: int, key_id: str) -> ApiKey | None:
    """Return one of the account's keys."""
    query = _keys().where(ApiKeyRow.account_id == account_id, ApiKeyRow.id == key_id)
    found = session.execute(query).one_or_none()
    return None if found is None else _key(*found)


def keys_of_account(session: Session, account_id: int) -> list[ApiKey]:
    """Return the account's keys that are not revoked, oldest first."""
    query = _keys().where(ApiKeyRow.account_id == account_id, ApiKeyRow.revoked_at.is_(None))
    rows = session.execute(query.order_by(ApiKeyRow.created_at, ApiKeyRow.id))
    return [_key(*row) for row in rows]


def keys_with_ids(session: Session, account_id: int, ids: Collection[str]) -> list[ApiKey]:
    """Return those of the account's keys that have these ids, revoked ones too."""
    query = _keys().where(ApiKeyRow.account_id == account_id, ApiKeyRow.id.in_(ids))
    return [_key(*row) for row in session.execute(query)]


def add_key(
    session: Session,
    *,
    key_id: str,
    account_id: int,
    secret_hash: bytes,
    last_six: str,
    wish: NewKey,
    now: int,
) -> None:
    """Keep a new key under the hash of its secret."""
    session.execute(
        insert(ApiKeyRow).values(
            id=key_id,
            account_id=account_id,
            secret_hash=secret_hash,
            last_six=last_six,
            kind=wish.kind,
            description=wish.description,
            limit_diem=wish.limits.diem,
            limit_usd=wish.limits.usd,
            limit_period=wish.limits.period,
            model_privacy=wish.model_privacy,
            created_at=now,
            expires_at=wish.expires_at,
            revoked_at=None,
        )
    )


def change_key(session: Session, key_id: str, becomes: NewKey, *, paused_at: int | None) -> None:
    """Write what a key's owner may change of it."""
    session.execute(
        update(ApiKeyRow)
        .where(ApiKeyRow.id == key_id)
        .values(
            description=becomes.description,
            limit_diem=becomes.limits.diem,
            limit_usd=becomes.limits.usd,
            limit_period=becomes.limits.period,
            model_privacy=becomes.model_privacy,
            expires_at=becomes.expires_at,
            paused_at=paused_at,
        )
    )


def rotate_key(session: Session, key_id: str, *, secret_hash: bytes, last_six: str, now: int) -> None:
    """Give a key another secret; the one that it had is kept among the retired."""
    old = select(ApiKeyRow.secret_hash, ApiKeyRow.id, literal(now)).where(ApiKeyRow.id == key_id)
    session.execute(insert(RetiredSecretRow).from_select(["secret_hash", "key_id", "retired_at"], old))
    session.execute(
        update(ApiKeyRow)
        .where(ApiKeyRow.id == key_id)
        .values(secret_hash=secret_hash, last_six=last_six, rotated_at=now)
    )


def revoke_key(session: Session, key_id: str, now: int) -> None:
    """Mark a key as revoked; the first time stays."""
    session.execute(
        update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None)).values(revoked_at=now)
    )


def suspend_key(session: Session, key_id: str, at: int | None) -> bool:
    """Mark a key as suspended, or with None as no longer; tell whether it was not so before."""
    before = ApiKeyRow.suspended_at.is_(None) if at is not None else ApiKeyRow.suspended_at.is_not(None)
    query = update(ApiKeyRow).where(ApiKeyRow.id == key_id, before).values(suspended_at=at)
    return session.scalars(query.returning(ApiKeyRow.id)).one_or_none() is not None


def _key(row: ApiKeyRow, wallet: str) -> ApiKey:
    return ApiKey(
        id=row.id,
        account_id=row.account_id,
        wallet=Wallet(wallet),
        last_six=row.last_six,
        kind=KeyKind(row.kind),
        description=row.description,
        limits=KeyLimits(
            diem=None if row.limit_diem is None else NanoUsd(row.limit_diem),
            usd=None if row.limit_usd is None else NanoUsd(row.limit_usd),
            period=LimitPeriod(row.limit_period),
        ),
        model_privacy=ModelPrivacy(row.model_privacy),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
        paused_at=row.paused_at,
        rotated_at=row.rotated_at,
    )


# --- gateways ------------------------------------------------------------------------------------------


def gateway_by_hash(session: Session, token_hash: bytes) -> int | None:
    """Return the gateway with this service token, unless it was revoked."""
    query = select(GatewayRow.id).where(GatewayRow.token_hash == token_hash, GatewayRow.revoked_at.is_(None))
    return session.scalars(query).one_or_none()


def put_gateway(session: Session, *, name: str, token_hash: bytes, now: int) -> None:
    """Make a gateway, or give the one of this name another token, which ends the old one."""
    session.execute(
        insert(GatewayRow)
        .values(name=name, token_hash=token_hash, created_at=now, revoked_at=None)
        .on_conflict_do_update(
            index_elements=[GatewayRow.name], set_={"token_hash": token_hash, "revoked_at": None}
        )
    )


def revoke_gateway(session: Session, name: str, now: int) -> bool:
    """Refuse a gateway's token from now on; tell whether there was such a gateway."""
    query = update(GatewayRow).where(GatewayRow.name == name).values(revoked_at=now).returning(GatewayRow.id)
    return session.scalars(query).one_or_none() is not None


# --- sessions and nonces -------------------------------------------------------------------------------


def add_session(session: Session, *, token_hash: bytes, account_id: int, now: int, expires_at: int) -> None:
    """Keep a sign-in."""
    session.execute(
        insert(SessionRow).values(
            token_hash=token_hash, account_id=account_id, created_at=now, expires_at=expires_at
        )
    )


def session_wallet(session: Session, token_hash: bytes) -> tuple[int, Wallet, int] | None:
    """Return (account, wallet, expiry) of a sign-in, also when it has expired."""
    query = (
        select(AccountRow.id, AccountRow.wallet, SessionRow.expires_at)
        .join(AccountRow, AccountRow.id == SessionRow.account_id)
        .where(SessionRow.token_hash == token_hash)
    )
    found = session.execute(query).one_or_none()
    return None if found is None else (found[0], Wallet(found[1]), found[2])


def end_session(session: Session, token_hash: bytes) -> None:
    """Forget a sign-in."""
    session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


def end_sessions(session: Session, account_id: int) -> int:
    """Forget all sign-ins of an account; return how many there were, those that had expired among them."""
    ended = delete(SessionRow).where(SessionRow.account_id == account_id).returning(SessionRow.token_hash)
    return len(session.scalars(ended).all())


def add_nonce(session: Session, nonce: str, expires_at: int) -> None:
    """Keep a number that was handed out for one sign-in."""
    session.execute(insert(NonceRow).values(nonce=nonce, expires_at=expires_at, used_at=None))


def is_nonce_usable(session: Session, nonce: str, now: int) -> bool:
    """Tell whether a nonce is ours, fresh and unused. It may be used by another one the next moment."""
    query = select(NonceRow.nonce).where(
        NonceRow.nonce == nonce, NonceRow.used_at.is_(None), NonceRow.expires_at > now
    )
    return session.scalars(query).one_or_none() is not None


def use_nonce(session: Session, nonce: str, now: int) -> bool:
    """Mark a nonce as used; tell whether it was ours, fresh and unused. Two at once: one of them wins."""
    query = (
        update(NonceRow)
        .where(NonceRow.nonce == nonce, NonceRow.used_at.is_(None), NonceRow.expires_at > now)
        .values(used_at=now)
        .returning(NonceRow.nonce)
    )
    return session.scalars(query).one_or_none() is not None


def forget_stale(session: Session, now: int) -> int:
    """Drop sessions and nonces that have expired; return how many."""
    gone = 0
    for table in (SessionRow, NonceRow):
        result = session.execute(delete(table).where(table.expires_at <= now).returning(table.expires_at))
        gone += len(result.all())
    return gone


def count_keys(session: Session, account_id: int) -> int:
    """Return how many keys of the account are not revoked."""
    query = select(func.count()).select_from(ApiKeyRow)
    return session.scalars(
        query.where(ApiKeyRow.account_id == account_id, ApiKeyRow.revoked_at.is_(None))
    ).one()
