"""A node's word that it has a new block: followed at once, and never needed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs
from websockets.sync.server import Server, ServerConnection, serve

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.networks import load_network
from entitlement.chain.new_heads import NewHeads
from entitlement.chain.rpc import JsonRpc
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.jobs import Configured, Jobs
from entitlement.settings import read_settings
from entitlement.store.leadership import Leadership, Role
from entitlement.wiring.service import build_service
from tests.chain.system import deployed
from tests.stack.processes import until

NEVER = 3_600.0
"""A poll that does not come again while a test lasts."""


@contextmanager
def listening(url: str) -> Iterator[list[int]]:
    """Listen; yields one entry for each look."""
    looks: list[int] = []
    heads = NewHeads(url)
    heads.start(lambda: looks.append(len(looks)))
    try:
        yield looks
    finally:
        heads.stop()


@contextmanager
def node(*said: str | bytes) -> Iterator[tuple[str, list[ServerConnection]]]:
    """A WebSocket that says these things to whoever has subscribed, and then nothing."""
    lines: list[ServerConnection] = []

    def speak(line: ServerConnection) -> None:
        line.recv()
        lines.append(line)
        for each in said:
            line.send(each)
        for _ in line:
            pass

    server: Server = serve(speak, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/a-secret-key", lines
    finally:
        server.shutdown()
        for line in lines:
            line.close()
        thread.join()


def test_a_new_block_is_followed_without_a_poll(database: Engine, sessions: sessionmaker[Session]) -> None:
    network = load_network("anvil")
    with deployed(network, load_artifacts()) as system:
        settings = read_settings(token_secret="0123456789abcdef" * 4)
        service = build_service(settings, replace(network, rpc_url=system.anvil.url), sessions)
        limits = FollowLimits(may_undo_final=True)
        follower = FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)
        heads = NewHeads(system.anvil.url.replace("http://", "ws://"))
        jobs = Jobs(service, follower, Leadership(database, Role.JOBS), NEVER, Configured(heads=heads))
        thread = threading.Thread(target=jobs.run)
        thread.start()
        try:
            for _ in range(3):
                head = system.devnet.mine().number
                until(lambda head=head: follower.reached() == head)  # type: ignore[misc]
        finally:
            jobs.stop()
            thread.join(30)
        assert not thread.is_alive()


def test_whatever_is_said_is_a_reason_to_look_and_no_more() -> None:
    with (
        node("{", b"\x00\xff", '{"method": "eth_subscription", "params": null}') as (url, _),
        listening(url) as looks,
    ):
        until(lambda: len(looks) >= 2)


def test_a_line_that_breaks_is_taken_up_again_and_looked_for_what_came_meanwhile() -> None:
    with node() as (url, lines), listening(url) as looks:
        until(lambda: looks)
        lines[0].close()
        until(lambda: len(lines) == 2 and len(looks) == 2)


def test_a_node_that_begins_to_answer_later_is_found() -> None:
    with AnvilProcess(AnvilSettings()) as anvil:
        port = anvil.port
    with capture_logs() as logs, listening(f"ws://127.0.0.1:{port}/?key=a-secret") as looks:
        until(lambda: logs)
        assert logs[0]["event"] == "not_listening"
        assert "secret" not in str(logs)
        assert not looks
        with AnvilProcess(AnvilSettings(port=port)) as anvil, JsonRpc(anvil.url) as rpc:
            until(lambda: looks)
            seen = len(looks)
            rpc.call("anvil_mine", "0x1")
            until(lambda: len(looks) > seen)
    assert [each["event"] for each in logs].count("not_listening") <= 2, "told once for each time it is down"
