"""A process that follows until it is killed. Forked from a server that has everything loaded."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from entitlement.chain.client import RpcChainReader
from entitlement.chain.rpc import RpcLimits
from entitlement.core.errors import EntitlementError
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.store.server import engine
from entitlement.store.session import session_factory
from tests.simulation.node_world import artifacts, deployment_on, network_of

BLOCKS_PER_STEP = 7
IMPATIENT = RpcLimits(connect_seconds=1, answer_seconds=5, tries=2, first_wait_seconds=0.01)


@contextmanager
def following(url: str, database: URL, first: str, finality_depth: int) -> Iterator[FollowChain]:
    """Hand out a follower on connections of its own; `first` is the hash of the chain's block 1."""
    made = engine(database)
    reader = RpcChainReader(url, network_of(finality_depth), deployment_on(first), artifacts(), IMPATIENT)
    try:
        limits = FollowLimits(blocks_per_step=BLOCKS_PER_STEP)
        yield FollowChain(reader, session_factory(made), limits, start_block=1)
    finally:
        reader.close()
        made.dispose()


def follow_until_killed(url: str, database: URL, first: str, finality_depth: int) -> None:
    with following(url, database, first, finality_depth) as follower:
        while True:
            try:
                follower.step()
            except (EntitlementError, DBAPIError):
                # Another follower was faster, the chain turned, or the database is away.
                continue


def started(url: str, database: URL, first: str, finality_depth: int) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(
        target=follow_until_killed, args=(url, database, first, finality_depth), daemon=True
    )
    process.start()
    return process
