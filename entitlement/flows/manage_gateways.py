"""Gateways: who may ask and charge, by a service token each."""

import secrets

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import BY_PROGRAM, ActKind, Because
from entitlement.core.errors import InvalidRequest, NotAuthenticated
from entitlement.core.keys import hash_secret
from entitlement.store import access, acts
from entitlement.store.clock import service_time

LONGEST_NAME = 64


class ManageGateways:
    """Service tokens."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def issue_token(self, name: str, because: Because = BY_PROGRAM) -> str:
        """Return a new service token for the gateway `name`; the one it had ends. Shown this once."""
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
            raise InvalidRequest(
                f"a gateway's name is 1 to {LONGEST_NAME} printable characters", field="name"
            )
        because.check()
        token = "gw_" + secrets.token_urlsafe(32)
        with self._sessions.begin() as session:
            now = service_time(session)
            access.put_gateway(session, name=name, token_hash=hash_secret(token), now=now)
            acts.add(session, ActKind.GATEWAY_TOKEN, because, now=now, subject=name)
        return token

    def revoke(self, name: str, because: Because = BY_PROGRAM) -> None:
        """Refuse a gateway's token from now on. Raises InvalidRequest where there is no such gateway."""
        because.check()
        with self._sessions.begin() as session:
            now = service_time(session)
            if not name.isprintable() or not access.revoke_gateway(session, name, now):
                raise InvalidRequest(f"no gateway is called {name!r}", field="name")
            acts.add(session, ActKind.GATEWAY_REVOKE, because, now=now, subject=name)

    def authenticate(self, token: str) -> int:
        """Return the id of the gateway with this token. Raises NotAuthenticated."""
        with self._sessions.begin() as session:
            gateway_id = access.gateway_by_hash(session, hash_secret(token))
        if gateway_id is None:
            raise NotAuthenticated("the service token is not known or was revoked")
        return gateway_id
