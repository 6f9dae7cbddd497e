"""Read the daily statements, as they were signed."""

import json
from typing import cast

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.attested import Document
from entitlement.core.epochs import Epoch
from entitlement.core.errors import UnknownStatement
from entitlement.store import statements


class ReadStatements:
    """Answers anybody."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def made(self) -> list[tuple[Epoch, int]]:
        """Return the days that have statements, and when they were made, newest first."""
        with self._sessions.begin() as session:
            return statements.made(session)

    def of(self, epoch: Epoch) -> Document:
        """Return the statement of a day. Raises UnknownStatement."""
        with self._sessions.begin() as session:
            found = statements.document_of(session, epoch)
        if found is None:
            raise UnknownStatement(epoch=epoch)
        return cast("Document", json.loads(found))

    def newest(self, limit: int) -> list[Document]:
        """Return the statements of the last days that have one, newest first."""
        with self._sessions.begin() as session:
            found = statements.newest_documents(session, limit)
        return [cast("Document", json.loads(each)) for each in found]
