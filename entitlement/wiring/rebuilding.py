"""Rebuilding: what was followed a second time, from the chain or from the stored events alone."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Engine

from entitlement.chain.doubting import DoubtingReader
from entitlement.core.errors import SetupError
from entitlement.flows.rederive_positions import RederivePositions
from entitlement.flows.reindex_chain import ReindexChain
from entitlement.settings import Settings
from entitlement.store.leadership import Leadership, Role
from entitlement.store.session import session_factory
from entitlement.store.shadow import open_shadow
from entitlement.wiring.following import open_reader, open_second


@contextmanager
def open_reindexing(settings: Settings, made: Engine) -> Generator[ReindexChain]:
    """Hand out the rebuilding of what was followed of the deployment that the settings name.

    Raises SetupError while another process rebuilds.
    """
    with (
        _alone(made, Role.REINDEX),
        open_reader(settings) as (reader, deployment, network),
        open_second(settings, network, deployment) as second,
    ):
        yield ReindexChain(
            DoubtingReader(reader),
            session_factory(made),
            partial(open_shadow, made),
            blocks_per_step=network.blocks_per_request,
            start_block=deployment.start_block,
            second=second,
        )


@contextmanager
def open_rederivation(made: Engine) -> Generator[RederivePositions]:
    """Hand out the derivation of positions from the stored events. Raises as `open_reindexing` does."""
    with _alone(made, Role.REINDEX):
        yield RederivePositions(session_factory(made), partial(open_shadow, made))


@contextmanager
def _alone(made: Engine, role: Role) -> Generator[None]:
    leadership = Leadership(made, role)
    try:
        if not leadership.is_taken():
            raise SetupError(
                "Another process rebuilds what was followed.", remedy="Wait until it has ended, or end it."
            )
        yield
    finally:
        leadership.give_up()
