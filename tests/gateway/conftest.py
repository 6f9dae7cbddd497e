"""The parts around a gateway, all over real HTTP:

client of a test -> gateway -> faulty way -> credit service
                       `-> echo, or an upstream that misbehaves
"""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app as create_api
from entitlement.api.door_protocol import DoorProtocol
from entitlement.chain.networks import load_network
from entitlement.core.keys import KeyKind, ModelPrivacy, NewKey
from entitlement.gateway.app import create_app
from entitlement.gateway.echo import create_echo
from entitlement.gateway.models import EmbeddingModel, ImageModel, TextModel
from entitlement.gateway.settings import GatewaySettings, TimeOuts, Upstream
from entitlement.settings import read_settings
from entitlement.store.tables import Base
from entitlement.wiring.service import build_service
from tests.gateway import upstreams
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import Stand, free_port, running
from tests.support import UNHINDERED_ADDRESSES, holder

USD = 10**9
UNTOUCHED = {"available": USD, "held": 0, "captured": 0}
"""An account of one dollar that nothing was charged to."""


@dataclass(frozen=True)
class CreditService:
    """All that the tests know of the service behind a gateway."""

    url: str
    service_token: str
    make_key: Callable[[int], str]
    """Make a key whose account has so many nano-USD; returns its secret."""
    make_private_key: Callable[[int], str]
    """The same for a key that may call private models only."""
    make_admin_key: Callable[[int], str]
    """The same for a key that reads all of its account's history."""
    account_state: Callable[[str], dict[str, int]]
    """Return available, held and captured nano-USD of a key's account."""
    everything: Callable[[], str]
    """Return every row of every table of its database, as text."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def credit_service(
    new_database: Callable[[], AbstractContextManager[sessionmaker[Session]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CreditService]:
    """The real service on a database of its own."""
    given = read_settings(
        data_folder=tmp_path_factory.mktemp("service"), token_secret="0" * 64, **UNHINDERED_ADDRESSES
    )
    numbers = itertools.count(1)
    with new_database() as sessions:
        service = build_service(given, load_network("anvil"), sessions)
        token = service.gateways.issue_token("the gateway under test")

        def make_key(credit: int) -> str:
            return holder(sessions, diem=credit, number=next(numbers)).secret

        def make_private_key(credit: int) -> str:
            wish = NewKey("a private key", model_privacy=ModelPrivacy.PRIVATE_ONLY)
            return holder(sessions, diem=credit, number=next(numbers), wish=wish).secret

        def make_admin_key(credit: int) -> str:
            wish = NewKey("an admin key", kind=KeyKind.ADMIN)
            return holder(sessions, diem=credit, number=next(numbers), wish=wish).secret

        def account_state(secret: str) -> dict[str, int]:
            balance = service.keys.introspect(secret)[1]
            return {"available": balance.available, "held": balance.held, "captured": balance.spent}

        def everything() -> str:
            with sessions.begin() as session:
                return "\n".join(
                    str(tuple(row))
                    for table in Base.metadata.sorted_tables
                    for row in session.execute(select(table))
                )

        with running(create_api(service), http=DoorProtocol) as url:
            yield CreditService(
                url, token, make_key, make_private_key, make_admin_key, account_state, everything
            )


@pytest.fixture(scope="session")
def way_stand() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with running(stand) as url:
        yield stand, url


@pytest.fixture
def way(way_stand: tuple[Stand, str], credit_service: CreditService) -> FaultyWay:
    way_stand[0].app = FaultyWay(credit_service.url)
    return way_stand[0].app


@pytest.fixture
def way_url(way_stand: tuple[Stand, str], way: FaultyWay) -> str:
    del way
    return way_stand[1]


@pytest.fixture(scope="session")
def echo_url() -> Iterator[str]:
    with running(create_echo()) as url:
        yield f"{url}/v1"


@pytest.fixture(scope="session")
def upstream_stand() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with running(stand) as url:
        yield stand, f"{url}/v1"


@pytest.fixture
def upstream(upstream_stand: tuple[Stand, str]) -> upstreams.Upstream:
    upstream = upstreams.Upstream()
    upstream_stand[0].app = upstream.app
    return upstream


def model(name: str, upstream: str, **changes: object) -> TextModel:
    """A model at one dollar for a million tokens in and four for a million out."""
    fields: dict[str, object] = {
        "id": name,
        "upstream": upstream,
        "upstream_model": name,
        "input_nano_usd_per_million_tokens": 1 * USD,
        "output_nano_usd_per_million_tokens": 4 * USD,
        "context_length": 100_000,
        "max_output_tokens": 1_000,
        "privacy": "private",
    }
    return TextModel.model_validate({**fields, **changes})


def image_model(name: str, upstream: str, **changes: object) -> ImageModel:
    """A model at ten cents an image, and forty for a large one."""
    fields: dict[str, object] = {
        "id": name,
        "type": "image",
        "upstream": upstream,
        "upstream_model": name.removeprefix("image-"),
        "nano_usd_per_image": USD // 10,
        "nano_usd_per_image_of_size": {"64x64": USD // 10, "1024x1024": 4 * USD // 10},
        "max_images": 4,
        "privacy": "private",
    }
    return ImageModel.model_validate({**fields, **changes})


def embedding_model(name: str, upstream: str, **changes: object) -> EmbeddingModel:
    """A model at two dollars for a million tokens."""
    fields: dict[str, object] = {
        "id": name,
        "type": "embedding",
        "upstream": upstream,
        "upstream_model": name.removeprefix("embedding-"),
        "input_nano_usd_per_million_tokens": 2 * USD,
        "context_length": 1_000,
        "privacy": "private",
    }
    return EmbeddingModel.model_validate({**fields, **changes})


ODD_KINDS = [*upstreams.STREAMED, *upstreams.FIXED, *upstreams.BODIES, "endless", "hangs"]


@dataclass
class Gateway:
    """A gateway and a client at its door."""

    url: str
    http: httpx.Client

    def chat(self, key: str, model: str, text: str = "hello", **fields: object) -> httpx.Response:
        return self.http.post(
            "/api/v1/chat/completions",
            headers={"authorization": f"Bearer {key}"},
            json={"model": model, "messages": [{"role": "user", "content": text}], **fields},
        )

    def images(
        self, key: str, model: str, prompt: str = "a cat asleep", word: str = "", **fields: object
    ) -> httpx.Response:
        return self._ask(
            "/api/v1/images/generations", key, word, {"model": model, "prompt": prompt, **fields}
        )

    def embed(
        self, key: str, model: str, given: object = "a cat asleep", word: str = "", **fields: object
    ) -> httpx.Response:
        return self._ask("/api/v1/embeddings", key, word, {"model": model, "input": given, **fields})

    def _ask(self, path: str, key: str, word: str, body: dict[str, object]) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} | ({"idempotency-key": word} if word else {})
        return self.http.post(path, headers=headers, json=body)


@pytest.fixture(scope="session")
def settings(
    credit_service: CreditService,
    way_stand: tuple[Stand, str],
    echo_url: str,
    upstream_stand: tuple[Stand, str],
) -> GatewaySettings:
    return GatewaySettings(
        service_url=way_stand[1],
        service_token=SecretStr(credit_service.service_token),
        page_origins=frozenset({"https://page.example"}),
        upstreams={
            "echo": Upstream(url=echo_url),
            "odd": Upstream(url=upstream_stand[1], key=SecretStr("sk-operator")),
            "nobody": Upstream(url=f"http://127.0.0.1:{free_port()}/v1"),
        },
        models=(
            model("echo", "echo"),
            model(
                "free",
                "echo",
                input_nano_usd_per_million_tokens=0,
                output_nano_usd_per_million_tokens=0,
            ),
            model("unreachable", "nobody"),
            *(model(kind, "odd") for kind in ODD_KINDS),
        ),
        time_outs=TimeOuts(
            connect_seconds=2,
            first_byte_seconds=1,
            idle_seconds=1,
            total_seconds=10,
            service_seconds=2,
            settle_seconds=1,
            shutdown_seconds=2,
        ),
        request_bytes_max=64 * 1024,
        refusals_per_minute=60_000_000,
    )


@contextmanager
def gateway_with(settings: GatewaySettings) -> Iterator[Gateway]:
    with running(create_app(settings)) as url, httpx.Client(base_url=url, timeout=15) as http:
        yield Gateway(url, http)


@pytest.fixture
def start_gateway(
    way: FaultyWay, upstream: upstreams.Upstream
) -> Iterator[Callable[[GatewaySettings], Gateway]]:
    """Start a gateway with settings of the test's own."""
    del way, upstream
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(gateway_with(settings))


@pytest.fixture(scope="session")
def common_gateway(settings: GatewaySettings) -> Iterator[Gateway]:
    with gateway_with(settings) as gateway:
        yield gateway


@pytest.fixture
def gateway(common_gateway: Gateway, way: FaultyWay, upstream: upstreams.Upstream) -> Iterator[Gateway]:
    """The gateway with the common settings; it owes nothing when the test begins and ends."""
    del upstream
    yield common_gateway
    way.faults, way.down_for = [], None
    eventually(lambda: common_gateway.http.get("/healthz").json()["unsettled"], 0)


IMAGE_KINDS = ["good", "fewer", "more", "none", "filtered", "all-filtered", "addresses", "odd-entries"]
IMAGE_KINDS += ["revised", "large", "slow"]
EMBEDDING_KINDS = ["good", "fewer", "more", "none", "odd-entries", "no-usage", "zero-usage", "huge-usage"]
EMBEDDING_KINDS += ["odd-usage", "absurd-usage", "slow"]
BAD_KINDS = [*upstreams.FIXED, *upstreams.BODIES, "hangs"]


@pytest.fixture(scope="session")
def media_settings(settings: GatewaySettings) -> GatewaySettings:
    """Settings of a gateway that offers all three kinds of model."""
    free = {"nano_usd_per_image": 0, "nano_usd_per_image_of_size": {}}
    models = (
        model("echo", "echo"),
        image_model("image-echo", "echo"),
        image_model("image-free", "echo", **free),
        image_model("image-open", "echo", privacy="anonymized"),
        image_model("image-one-size", "odd", upstream_model="good", nano_usd_per_image_of_size={}),
        image_model("image-unreachable", "nobody"),
        *(image_model(f"image-{kind}", "odd") for kind in [*IMAGE_KINDS, *BAD_KINDS]),
        embedding_model("embedding-echo", "echo"),
        embedding_model("embedding-free", "echo", input_nano_usd_per_million_tokens=0),
        embedding_model("embedding-open", "echo", privacy="anonymized"),
        embedding_model("embedding-unreachable", "nobody"),
        *(embedding_model(f"embedding-{kind}", "odd") for kind in [*EMBEDDING_KINDS, *BAD_KINDS]),
    )
    return settings.model_copy(update={"models": models})


@pytest.fixture(scope="session")
def common_media(media_settings: GatewaySettings) -> Iterator[Gateway]:
    with gateway_with(media_settings) as gateway:
        yield gateway


@pytest.fixture
def media(common_media: Gateway, way: FaultyWay, upstream: upstreams.Upstream) -> Iterator[Gateway]:
    """A gateway with images and embeddings; it owes nothing when the test begins and ends."""
    del upstream
    yield common_media
    way.faults, way.down_for = [], None
    eventually(lambda: common_media.http.get("/healthz").json()["unsettled"], 0)


def charged(cost: int) -> dict[str, int]:
    """Return such an account after a charge."""
    return {"available": USD - cost, "held": 0, "captured": cost}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def eventually(look: Callable[[], object], expected: object, seconds: float = 8.0) -> None:
    """Wait until `look()` is what is expected."""
    give_up_at = time.monotonic() + seconds
    while (seen := look()) != expected and time.monotonic() < give_up_at:
        time.sleep(0.02)
    assert seen == expected
