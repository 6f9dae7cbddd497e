"""The real app over the real flows, behind a real server."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.orm import Session, sessionmaker
from starlette.types import Receive, Scope, Send

from entitlement.api.app import Api, create_app
from entitlement.api.door import Door
from entitlement.api.door_protocol import DoorProtocol
from entitlement.chain.networks import load_network
from entitlement.settings import read_settings
from entitlement.store.server import engine
from entitlement.store.session import session_factory
from entitlement.wiring.service import build_service
from tests.api.world import World, make_world
from tests.gateway.running import running
from tests.support import UNHINDERED_ADDRESSES

TOKEN_SECRET = "0123456789abcdef" * 4


class Front:
    """What the one server of a session serves: each test puts its own app here."""

    def __init__(self) -> None:
        self.app: Api = create_app(None)
        self.url = ""

    @property
    def door(self) -> Door | None:
        return self.app.door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def front() -> Iterator[Front]:
    made = Front()
    with running(made, http=DoorProtocol) as made.url:
        yield made


def world_on(front: Front, sessions: sessionmaker[Session], folder: Path) -> Iterator[World]:
    settings = read_settings(data_folder=folder, token_secret=TOKEN_SECRET, **UNHINDERED_ADDRESSES)
    service = build_service(settings, load_network("anvil"), sessions)
    front.app = create_app(service)
    with httpx.Client(base_url=front.url, timeout=30) as client:
        yield make_world(service, sessions, client)


@pytest.fixture
def world(front: Front, sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[World]:
    yield from world_on(front, sessions, tmp_path)


@pytest.fixture(scope="session")
def shared_database(postgres: URL) -> Iterator[sessionmaker[Session]]:
    name = "shared_by_tests"
    administrator = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_of_tests STRATEGY FILE_COPY"))
    made = engine(postgres.set(database=name))
    yield session_factory(made)
    made.dispose()
    administrator.dispose()


@pytest.fixture(scope="session")
def _shared(
    front: Front, shared_database: sessionmaker[Session], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Api, World]]:
    for made in world_on(front, shared_database, tmp_path_factory.mktemp("shared")):
        yield front.app, made


@pytest.fixture
def shared_world(front: Front, _shared: tuple[Api, World]) -> World:
    """A world for tests that leave nothing which another one would see: a refusal changes nothing."""
    front.app, made = _shared
    return made


@pytest.fixture
def bare(front: Front) -> Iterator[httpx.Client]:
    """A client of an app without a service: for what no flow is asked about."""
    front.app = create_app(None)
    with httpx.Client(base_url=front.url, timeout=30) as client:
        yield client
