"""Suspend an API key: the operator refuses it for a time, and says why; its owner's revoking is for ever."""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import ActKind, Because
from entitlement.core.errors import InvalidRequest, UnknownApiKeyId
from entitlement.core.keys import ApiKey
from entitlement.store import access, acts
from entitlement.store.clock import service_time


class SuspendKeys:
    """What an operator does to somebody's key; what was held with it before is charged or given back."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def suspend(self, key_id: str, because: Because) -> ApiKey:
        """Refuse a key until it is restored. Raises UnknownApiKeyId, InvalidRequest where it is refused."""
        return self._set(key_id, because, ActKind.KEY_SUSPEND)

    def restore(self, key_id: str, because: Because) -> ApiKey:
        """Let a key be used again. Raises UnknownApiKeyId, InvalidRequest where it is not suspended."""
        return self._set(key_id, because, ActKind.KEY_RESTORE)

    def _set(self, key_id: str, because: Because, kind: ActKind) -> ApiKey:
        because.check()
        with self._sessions.begin() as session:
            # PostgreSQL's text cannot even be asked for some characters; none of them is in an id of ours.
            found = access.key_by_id(session, key_id) if key_id.isprintable() else None
            if found is None:
                raise UnknownApiKeyId(key_id=key_id)
            # Under the account's lock: a hold either was made before this, or sees it.
            access.lock_account(session, found.account_id)
            now = service_time(session)
            suspends = kind is ActKind.KEY_SUSPEND
            if not access.suspend_key(session, key_id, now if suspends else None):
                raise InvalidRequest(f"{key_id} is {'suspended already' if suspends else 'not suspended'}")
            acts.add(session, kind, because, now=now, subject=key_id)
            known = access.key_by_id(session, key_id)
        assert known is not None, "keys are never deleted"
        return known
