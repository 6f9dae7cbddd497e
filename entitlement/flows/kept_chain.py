"""What is stored of the chain, as the comparison with a second node asks for it."""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.quorum import Cursor, Kept
from entitlement.core.blocks import Header
from entitlement.core.events import ChainEvent
from entitlement.store import chain as chain_rows


def kept_chain(sessions: sessionmaker[Session]) -> Kept:
    """Return readers of the cursor, a block and the events; each is a transaction of its own."""

    def cursor() -> Cursor | None:
        with sessions.begin() as session:
            known = chain_rows.followed(session)
        return None if known is None else Cursor(known.head, known.final)

    def block(number: int) -> Header | None:
        with sessions.begin() as session:
            return chain_rows.kept_block(session, number)

    def events(above: int, to: int) -> list[ChainEvent]:
        with sessions.begin() as session:
            return list(chain_rows.events_between(session, above=above, to=to))

    return Kept(cursor, block, events)
