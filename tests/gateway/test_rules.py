"""The gateway's rules without a network: prices, bounds, counting, events, the price list, settings."""

import itertools
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from entitlement.core.errors import SetupError
from entitlement.core.units import NANO_USD_MAX, NanoUsd
from entitlement.gateway import chat_request, embedding_request, image_request, request_body
from entitlement.gateway.chat_request import quote_up, read_chat_request
from entitlement.gateway.models import PRICE_MAX, TOKENS_MAX
from entitlement.gateway.price_list import parse_price_list, read_price_list
from entitlement.gateway.pricing import (
    Price,
    cost_up,
    counted_tokens_up,
    output_tokens_paid_down,
    usd_fixed,
    usd_short,
)
from entitlement.gateway.settings import read_settings
from entitlement.gateway.sse import EVENT_BYTES_MAX, EventReader, event
from entitlement.gateway.usage import Tally, text_bytes
from tests.gateway.conftest import model

prices = st.integers(0, PRICE_MAX)
tokens = st.integers(0, TOKENS_MAX)


@pytest.mark.parametrize(
    ("input_tokens", "output_tokens", "cost"),
    [
        (0, 0, 0),
        (1, 0, 1),  # 0.1 nano-USD is rounded up
        (10, 0, 1),
        (11, 0, 2),
        (5, 1, 1),  # 0.5 + 0.4: rounded once, on the sum
        (1_000_000, 1_000_000, 500_000),
    ],
)
def test_a_cost_is_rounded_up_once(input_tokens: int, output_tokens: int, cost: int) -> None:
    price = Price(input=100_000, output=400_000)
    assert cost_up(price, input_tokens=input_tokens, output_tokens=output_tokens) == cost


@given(prices, prices, tokens, tokens, st.integers(0, NANO_USD_MAX))
def test_clamped_output_is_the_most_that_the_credit_pays(
    price_in: int, price_out: int, input_tokens: int, wanted: int, credit: int
) -> None:
    price = Price(price_in, price_out)
    paid = output_tokens_paid_down(price, credit=NanoUsd(credit), input_tokens=input_tokens, wanted=wanted)
    if cost_up(price, input_tokens=input_tokens, output_tokens=0) > credit:
        assert paid == 0
        return
    assert 0 <= paid <= wanted
    assert cost_up(price, input_tokens=input_tokens, output_tokens=paid) <= credit
    if paid < wanted:
        assert cost_up(price, input_tokens=input_tokens, output_tokens=paid + 1) > credit


def test_the_dearest_request_of_all_is_an_amount_of_the_protocol() -> None:
    most = cost_up(Price(PRICE_MAX, PRICE_MAX), input_tokens=TOKENS_MAX, output_tokens=TOKENS_MAX)
    assert most <= NANO_USD_MAX


@pytest.mark.parametrize(
    ("amount", "fixed", "short"),
    [
        (0, "0.000000000", "0"),
        (1, "0.000000001", "0.000000001"),
        (12_300, "0.000012300", "0.0000123"),
        (10**10, "10.000000000", "10"),
        (NANO_USD_MAX, "9007199.254740991", "9007199.254740991"),
    ],
)
def test_amounts_are_written_exactly(amount: int, fixed: str, short: str) -> None:
    assert usd_fixed(amount) == fixed
    assert usd_short(amount) == short


def body_of(text: str, **fields: object) -> bytes:
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields})


@given(text=st.text(), max_tokens=st.integers(1, 500), stream=st.booleans())
def test_the_quote_is_never_below_a_cost_with_a_token_for_every_byte(
    text: str, max_tokens: int, *, stream: bool
) -> None:
    priced = model("m", "echo")
    chat = read_chat_request(body_of(text, max_tokens=max_tokens, stream=stream), {"m": priced})
    quote = quote_up(chat)
    worst = len(text.encode()) + len("user")
    assert quote.amount >= cost_up(priced.price, input_tokens=worst, output_tokens=max_tokens)
    assert quote.minimum <= quote.amount
    assert len(chat.body(max_tokens, chat.model.upstream_model)) <= quote.input_tokens


def test_the_input_bound_stops_at_the_context() -> None:
    small = model("m", "echo", context_length=1_000, max_output_tokens=10)
    quote = quote_up(read_chat_request(body_of("x" * 50_000), {"m": small}))
    assert quote.input_tokens == 1_000


def test_every_field_is_forwarded_or_left_behind_but_never_both() -> None:
    for route in (chat_request, image_request, embedding_request):
        assert not route.FORWARDED & request_body.LEFT_BEHIND


def test_counting_is_a_token_for_every_four_bytes_begun_of_every_text() -> None:
    assert [counted_tokens_up(size) for size in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]
    message = {"role": "user", "content": [{"type": "text", "text": "añb"}], "name": "x"}
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert text_bytes([message, {"tool_calls": [call]}, {"tool_call_id": "9"}]) == 4 + 1 + 1 + 2


def test_an_answer_that_broke_off_counts_the_larger_of_reported_and_counted() -> None:
    tally = Tally(prompt_bytes=40)
    chunk: dict[str, object] = {
        "choices": [{"delta": {"content": "x" * 400}}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 1},
    }
    assert tally.add(chunk, "delta")
    broken, whole = tally.tokens(whole=False), tally.tokens(whole=True)
    assert (broken.input, broken.output, broken.counted_by) == (50, 100, "gateway")
    assert (whole.input, whole.output, whole.counted_by) == (50, 1, "upstream")


def test_an_empty_reason_for_the_end_is_none() -> None:
    tally = Tally(prompt_bytes=1)
    for reason, finished in [(None, False), ("", False), ("stop", True)]:
        assert tally.add({"choices": [{"delta": {}, "finish_reason": reason}]}, "delta")
        assert tally.finished is finished


@pytest.mark.parametrize("cut", range(8))
def test_a_mark_of_the_byte_order_hides_no_event(cut: int) -> None:
    reader, stream = EventReader(), b"\xef\xbb\xbfdata: one\n\ndata: two\n\n"
    assert [*reader.feed(stream[:cut]), *reader.feed(stream[cut:])] == [b"one", b"two"]


STREAM = b": hello\r\n\r\ndata: one\r\ndata:two\r\rid: 7\nevent: x\n\ndata:  three\n\n\ndata\n\ndata: [DONE]"


def read_in_pieces(edges: list[int]) -> list[bytes]:
    reader, seen = EventReader(), []
    for first, last in itertools.pairwise([0, *edges, len(STREAM)]):
        seen += reader.feed(STREAM[first:last])
    return [*seen, *reader.finish()]


def test_events_are_the_same_wherever_the_stream_is_cut() -> None:
    events = [b"one\ntwo", b" three", b"", b"[DONE]"]
    assert read_in_pieces(list(range(len(STREAM)))) == events
    for first, second in itertools.combinations_with_replacement(range(len(STREAM)), 2):
        assert read_in_pieces([first, second]) == events, (first, second)


@given(st.lists(st.binary(max_size=20).filter(lambda data: not {10, 13} & set(data)), max_size=5))
def test_what_is_written_as_an_event_is_read_as_the_same(payloads: list[bytes]) -> None:
    assert EventReader().feed(b"".join(event(each) for each in payloads)) == payloads


@pytest.mark.parametrize("piece", [b"x" * 70_000, b"data: " + b"x" * 70_000 + b"\n", b"data\n" * 14_000])
def test_an_event_without_end_is_refused(piece: bytes) -> None:
    reader = EventReader()
    for _ in range(EVENT_BYTES_MAX // 70_000):
        assert reader.feed(piece) == []
    with pytest.raises(ValueError, match="an event of more than"):
        reader.feed(piece)


def test_the_price_list_that_is_shipped_can_be_read() -> None:
    models = read_price_list(Path(__file__).parents[2] / "models.toml")
    assert "echo" in [each.id for each in models.models]


GOOD = """
[[model]]
id = "m"
upstream = "echo"
upstream_model = "echo"
input_nano_usd_per_million_tokens = 1
output_nano_usd_per_million_tokens = 2
context_length = 10
max_output_tokens = 5
privacy = "private"
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("= 1\n", "= -1\n"), "input_nano_usd_per_million_tokens: Input should be greater than or equal"),
        (("= 2\n", "= 2.5\n"), "output_nano_usd_per_million_tokens: Input should be a valid integer"),
        (("= 2\n", '= "2"\n'), "output_nano_usd_per_million_tokens: Input should be a valid integer"),
        (("= 2\n", "= true\n"), "output_nano_usd_per_million_tokens: Input should be a valid integer"),
        (('privacy = "private"', 'privacy = "secret"'), "privacy: Input should be"),
        (('privacy = "private"', ""), "privacy: Field required"),
        (('privacy = "private"', 'privacy = "private"\ndiscount = 5'), "discount: Extra inputs"),
        (("max_output_tokens = 5", "max_output_tokens = 11"), "exceeds context_length"),
        (("[[model]]", "[[models]]"), "models: Extra inputs"),
        (("[[model]]", "[[model"), "not TOML"),
        (('id = "m"', 'id = "m n"'), "id: String should match"),
        (("= 5\n", "= 5\n" + GOOD.replace("[[model]]", "").split("max_")[0]), "not TOML"),
    ],
)
def test_a_price_list_with_a_fault_is_refused_saying_where(change: tuple[str, str], told: str) -> None:
    assert len(parse_price_list(GOOD, name="prices").models) == 1
    with pytest.raises(SetupError, match="prices") as refused:
        parse_price_list(GOOD.replace(*change), name="prices")
    assert told in str(refused.value)


def test_a_price_list_is_called_what_it_says_or_by_its_prices() -> None:
    dear = GOOD.replace("= 2\n", "= 3\n")
    renamed = GOOD.replace('upstream = "echo"', 'upstream = "other"')
    other = GOOD.replace('id = "m"', 'id = "n"')
    assert parse_price_list('version = "2026-09"\n' + GOOD, name="p").version == "2026-09"
    version = parse_price_list(GOOD, name="p").version
    assert version != parse_price_list(dear, name="p").version
    assert version == parse_price_list(renamed, name="p").version
    assert (
        parse_price_list(GOOD + other, name="p").version == parse_price_list(other + GOOD, name="p").version
    )
    with pytest.raises(SetupError, match="version"):
        parse_price_list('version = ""\n' + GOOD, name="p")


def test_a_model_names_its_further_upstreams_in_their_order() -> None:
    further = 'fallbacks = [{upstream = "b", upstream_model = "m2"}, {upstream = "c", upstream_model = "m3"}]'
    listed = parse_price_list(GOOD + further, name="p").models[0]
    assert [way.upstream for way in listed.ways] == ["echo", "b", "c"]
    with pytest.raises(SetupError, match="upstream_model: Field required"):
        parse_price_list(GOOD + 'fallbacks = [{upstream = "b"}]', name="p")


def test_a_model_listed_twice_is_refused() -> None:
    with pytest.raises(SetupError, match="has twice: m"):
        parse_price_list(GOOD + GOOD, name="prices")


def test_a_missing_price_list_says_which_variable_names_one() -> None:
    with pytest.raises(SetupError, match="ENTITLEMENT_GATEWAY_PRICE_LIST"):
        read_price_list(Path("nowhere.toml"))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    (tmp_path / "prices.toml").write_text(GOOD)
    for name, value in {
        "SERVICE_URL": "http://127.0.0.1:8500/",
        "SERVICE_TOKEN": "very-secret",
        "UPSTREAMS": '{"echo": {"url": "http://127.0.0.1:8502/v1", "key": "sk-operator"}}',
        "PRICE_LIST": str(tmp_path / "prices.toml"),
        "TIME_OUTS__IDLE_SECONDS": "7",
    }.items():
        monkeypatch.setenv(f"ENTITLEMENT_GATEWAY_{name}", value)
    return monkeypatch


def test_settings_come_from_the_environment_and_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    del environment
    settings = read_settings()
    assert settings.service_url == "http://127.0.0.1:8500"
    assert settings.service_token == SecretStr("very-secret")
    assert settings.time_outs.idle_seconds == 7
    assert settings.upstreams["echo"].key == SecretStr("sk-operator")
    assert "secret" not in repr(settings)
    assert "sk-operator" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SERVICE_URL", "localhost", "ENTITLEMENT_GATEWAY_SERVICE_URL"),
        ("SERVICE_URL", None, "ENTITLEMENT_GATEWAY_SERVICE_URL"),
        ("UPSTREAMS", '{"other": {"url": "http://x"}}', "upstreams that are not configured: echo"),
        ("TIME_OUTS__TOTAL_SECONDS", "3600", "ENTITLEMENT_GATEWAY_TIME_OUTS__TOTAL_SECONDS"),
        ("TIME_OUTS__TOTAL", "3", "ENTITLEMENT_GATEWAY_TIME_OUTS__TOTAL"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    environment: pytest.MonkeyPatch, name: str, value: str | None, told: str
) -> None:
    if value is None:
        environment.delenv(f"ENTITLEMENT_GATEWAY_{name}")
    else:
        environment.setenv(f"ENTITLEMENT_GATEWAY_{name}", value)
    with pytest.raises(SetupError) as refused:
        read_settings()
    assert told in str(refused.value)
    assert "very-secret" not in str(refused.value)
