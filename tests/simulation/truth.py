"""What is stored, against what holds whatever has happened."""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.store import chain as chain_rows
from tests.simulation.living_chain import LivingChain
from tests.support import everybody

Sessions = sessionmaker[Session]


def assert_agrees_with_the_contracts(chain: LivingChain, sessions: Sessions) -> None:
    """Not a fold: what the stations themselves hold."""
    with sessions.begin() as session:
        found = chain_rows.followed(session)
        assert found is not None
        names = everybody(session)
        final = chain_rows.positions(session, names, pending=False)
        latest = final | chain_rows.positions(session, names, pending=True)
    for stored, stations in (
        (final, chain.state(found.final.number)),
        (latest, chain.state(found.head.number)),
    ):
        seen = {wallet: position for wallet, position in stored.items() if position != type(position)(wallet)}
        assert seen == stations.positions()
