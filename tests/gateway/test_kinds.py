"""Three kinds of model in one price list: what it may say, how it is listed, which route serves which."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.errors import SetupError
from entitlement.core.units import NANO_USD_MAX, mul_div_up
from entitlement.gateway.embedding_request import read_embedding_request
from entitlement.gateway.embeddings import _EmbeddingMeter
from entitlement.gateway.image_request import read_image_request
from entitlement.gateway.images import _ImageMeter, _images
from entitlement.gateway.models import IMAGE_PRICE_MAX, IMAGES_MAX, PRICE_MAX, ROUTES, ImageModel
from entitlement.gateway.price_list import parse_price_list, read_price_list
from entitlement.gateway.pricing import images_cost
from entitlement.gateway.settings import GatewaySettings
from tests.gateway.conftest import USD, CreditService, Gateway, embedding_model, image_model
from tests.gateway.test_rules import GOOD
from tests.gateway.upstreams import Upstream

IMAGE = """
[[model]]
id = "i"
type = "image"
upstream = "echo"
upstream_model = "echo"
nano_usd_per_image = 7
nano_usd_per_image_of_size = { "64x64" = 8, "1024x1024" = 9 }
max_images = 4
privacy = "private"
"""
EMBEDDING = """
[[model]]
id = "e"
type = "embedding"
upstream = "echo"
upstream_model = "echo"
input_nano_usd_per_million_tokens = 5
context_length = 10
privacy = "anonymized"
"""

# --- the list --------------------------------------------------------------------------------------------


def test_a_list_has_models_of_all_kinds_and_one_that_names_none_is_for_chats() -> None:
    listed = parse_price_list(GOOD + IMAGE + EMBEDDING, name="p").models
    assert [(each.id, each.type) for each in listed] == [("m", "text"), ("i", "image"), ("e", "embedding")]
    assert parse_price_list(GOOD + 'type = "text"', name="p").models == listed[:1]
    image = listed[1]
    assert isinstance(image, ImageModel)
    assert [image.price(size) for size in (None, "64x64", "1024x1024")] == [7, 8, 9]


@pytest.mark.parametrize(
    ("text", "change", "told"),
    [
        (IMAGE, ('"image"', '"video"'), "type must be text, image or embedding"),
        (IMAGE, ('"image"', "3"), "type must be text, image or embedding"),
        (GOOD, ('id = "m"', 'id = "m"\nmax_images = 2'), "max_images: Extra inputs"),
        (IMAGE, ('id = "i"', 'id = "i"\ncontext_length = 2'), "context_length: Extra inputs"),
        (EMBEDDING, ('id = "e"', 'id = "e"\nmax_output_tokens = 2'), "max_output_tokens: Extra inputs"),
        (
            EMBEDDING,
            ('id = "e"', 'id = "e"\noutput_nano_usd_per_million_tokens = 2'),
            "output_nano_usd_per_million_tokens: Extra inputs",
        ),
        (IMAGE, ("nano_usd_per_image = 7\n", ""), "nano_usd_per_image: Field required"),
        (IMAGE, ("max_images = 4\n", ""), "max_images: Field required"),
        (IMAGE, ("= 7\n", "= 7.5\n"), "nano_usd_per_image: Input should be a valid integer"),
        (IMAGE, ("= 7\n", f"= {IMAGE_PRICE_MAX + 1}\n"), "nano_usd_per_image: Input should be less"),
        (IMAGE, ("= 8,", "= -8,"), "64x64: Input should be greater"),
        (IMAGE, ('"64x64"', '"64 x 64"'), "String should match"),
        (IMAGE, ('"64x64"', '"large"'), "String should match"),
        (IMAGE, ("max_images = 4", f"max_images = {IMAGES_MAX + 1}"), "max_images: Input should be less"),
        (EMBEDDING, ("= 5\n", '= "5"\n'), "input_nano_usd_per_million_tokens: Input should be a valid"),
    ],
)
def test_a_field_of_another_kind_or_out_of_bounds_is_refused_by_its_name(
    text: str, change: tuple[str, str], told: str
) -> None:
    assert len(parse_price_list(text, name="p").models) == 1
    assert change[0] in text
    with pytest.raises(SetupError) as refused:
        parse_price_list(text.replace(*change), name="p")
    assert told in str(refused.value)


def test_a_list_of_chats_alone_is_called_what_it_was_called_before_there_were_other_kinds() -> None:
    other = GOOD.replace('"m"', '"a"')
    assert parse_price_list(GOOD, name="p").version == "sha256:bc0d5f8ea5aec4f0"
    assert (
        parse_price_list(GOOD + other, name="p").version == parse_price_list(other + GOOD, name="p").version
    )
    two = GOOD.replace('"m"', '"b"') + other
    assert parse_price_list(two, name="p").version == "sha256:3334a0020273c7d3"


@pytest.mark.parametrize(
    "change",
    [
        ("nano_usd_per_image = 7", "nano_usd_per_image = 6"),
        ('"64x64" = 8', '"64x64" = 6'),
        ('"64x64"', '"65x65"'),
        ('{ "64x64" = 8, "1024x1024" = 9 }', "{}"),
        ("= 5\n", "= 6\n"),
    ],
)
def test_every_price_of_every_kind_is_in_the_name_of_the_list(change: tuple[str, str]) -> None:
    text = GOOD + IMAGE + EMBEDDING
    assert change[0] in text
    before = parse_price_list(text, name="p").version
    assert parse_price_list(text.replace(*change), name="p").version != before
    # What is no price is not in it, nor is an order.
    assert parse_price_list(text.replace("max_images = 4", "max_images = 3"), name="p").version == before
    turned = text.replace('"64x64" = 8, "1024x1024" = 9', '"1024x1024" = 9, "64x64" = 8')
    assert parse_price_list(turned, name="p").version == before
    assert parse_price_list(EMBEDDING + IMAGE + GOOD, name="p").version == before


# --- what a request costs --------------------------------------------------------------------------------


@given(
    price=st.integers(0, IMAGE_PRICE_MAX),
    wanted=st.integers(1, IMAGES_MAX),
    came=st.lists(st.sampled_from(["image", "", None]), max_size=2 * IMAGES_MAX),
)
def test_images_never_cost_more_than_their_hold_and_each_that_is_given_costs_its_price(
    price: int, wanted: int, came: list[str | None]
) -> None:
    model = image_model("m", "echo", nano_usd_per_image=price, max_images=IMAGES_MAX)
    asked = read_image_request(orjson.dumps({"model": "m", "prompt": "x", "n": wanted}), {"m": model})
    held = asked.quote().amount
    assert held == wanted * price <= NANO_USD_MAX
    meter = _ImageMeter(asked)
    if any(came):
        meter.made = len(_images({"data": [{"b64_json": each} for each in came]}, asked))
        assert meter.made == min(wanted, came.count("image"))
    assert meter.charge(whole=True).cost == meter.made * price <= held


@given(
    price=st.integers(0, PRICE_MAX),
    texts=st.lists(st.text(min_size=1), min_size=1, max_size=20),
    context=st.integers(1, 1_000),
)
def test_the_bound_of_embeddings_is_never_below_a_token_for_every_byte_that_a_context_takes(
    price: int, texts: list[str], context: int
) -> None:
    fields = {"input_nano_usd_per_million_tokens": price, "context_length": context}
    model = embedding_model("m", "echo", **fields)
    asked = read_embedding_request(orjson.dumps({"model": "m", "input": texts}), {"m": model})
    worst = sum(min(context, len(text.encode())) for text in texts)
    assert mul_div_up(worst, price, 1_000_000) <= asked.quote().amount <= NANO_USD_MAX
    counted = _EmbeddingMeter(asked).charge(whole=True)
    assert counted.tokens.input == -(-sum(len(text.encode()) for text in texts) // 4)
    assert (counted.cost == 0) is (price == 0)


def test_the_dearest_images_of_all_are_an_amount_of_the_protocol() -> None:
    assert images_cost(IMAGE_PRICE_MAX, number=IMAGES_MAX) <= NANO_USD_MAX


# --- the routes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "image", "embedding"])
@pytest.mark.parametrize(
    ("model", "own"), [("echo", "text"), ("image-echo", "image"), ("embedding-echo", "embedding")]
)
def test_a_model_is_served_at_its_own_route_and_names_it_at_the_others(
    media: Gateway, credit_service: CreditService, upstream: Upstream, kind: str, model: str, own: str
) -> None:
    key = credit_service.make_key(USD)
    ask = {"text": media.chat, "image": media.images, "embedding": media.embed}[kind]
    answer = ask(key, model)
    if kind == own:
        assert answer.status_code == 200, answer.text
        return
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "INVALID_REQUEST", "model")
    assert error["route"] == ROUTES[own]
    assert f"of type '{own}': ask it at POST {ROUTES[own]}" in error["message"]
    assert not upstream.bodies
    assert credit_service.account_state(key) == {"available": USD, "held": 0, "captured": 0}


@pytest.mark.parametrize("kind", ["text", "image", "embedding"])
def test_an_unknown_model_is_not_found_at_any_route(
    media: Gateway, credit_service: CreditService, kind: str
) -> None:
    ask = {"text": media.chat, "image": media.images, "embedding": media.embed}[kind]
    answer = ask(credit_service.make_key(USD), "gpt-unheard-of")
    assert (answer.status_code, answer.json()["code"]) == (404, "MODEL_NOT_FOUND")


def listed(media: Gateway, kind: str | None) -> tuple[str, set[str]]:
    params = {} if kind is None else {"type": kind}
    body = media.http.get("/api/v1/models", params=params).json()
    assert body["object"] == "list"
    return body["type"], {each["type"] for each in body["data"]}


def test_the_list_has_the_kind_that_is_asked_for_and_chats_for_who_does_not_ask(media: Gateway) -> None:
    assert listed(media, None) == listed(media, "text") == ("text", {"text"})
    assert listed(media, "image") == ("image", {"image"})
    assert listed(media, "embedding") == ("embedding", {"embedding"})
    assert listed(media, "all") == ("all", {"text", "image", "embedding"})
    assert listed(media, "video") == ("video", set())


def test_each_kind_is_listed_with_its_prices(media: Gateway) -> None:
    image = media.http.get("/api/v1/models/image-good").json()
    assert (image["type"], image["object"]) == ("image", "model")
    ten, forty = ({"usd": each, "diem": each, "nano_usd": round(each * USD)} for each in (0.1, 0.4))
    assert image["model_spec"]["pricing"] == {
        "generation": ten,
        "resolutions": {"64x64": ten, "1024x1024": forty},
    }
    assert image["model_spec"]["constraints"] == {"maxImages": 4, "sizes": ["64x64", "1024x1024"]}
    plain = media.http.get("/api/v1/models/image-one-size").json()["model_spec"]
    assert plain["pricing"] == {"generation": ten}
    embedding = media.http.get("/api/v1/models/embedding-good").json()
    assert embedding["type"] == "embedding"
    assert embedding["model_spec"]["availableContextTokens"] == 1_000
    assert embedding["model_spec"]["pricing"] == {
        "input": {"usd": 2, "diem": 2, "nano_usd": 2 * USD},
        "output": {"usd": 0, "diem": 0, "nano_usd": 0},
    }


def test_the_shipped_list_serves_an_image_and_an_embedding_at_its_prices(
    start_gateway: Callable[[GatewaySettings], Gateway],
    media_settings: GatewaySettings,
    credit_service: CreditService,
) -> None:
    shipped = read_price_list(Path(__file__).parents[2] / "models.toml")
    gateway = start_gateway(media_settings.model_copy(update={"models": shipped.models}))
    key = credit_service.make_key(USD)
    image = gateway.images(key, "echo-image", n=2, size="1024x1024")
    embedding = gateway.embed(key, "echo-embedding", "to be or not")
    assert [each.status_code for each in (image, embedding)] == [200, 200]
    # Two large images at 4 cents; 4 tokens at 2 cents for a million.
    assert [each.json()["cost"]["nano_usd"] for each in (image, embedding)] == [80_000_000, 80]
