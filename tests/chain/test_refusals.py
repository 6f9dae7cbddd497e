"""What providers really say when a range of logs is too large, or questions come too fast."""

from pathlib import Path

import pytest

from entitlement.chain.envelope import refused_by_status
from entitlement.chain.range_hints import hint_in
from entitlement.chain.refusals import (
    REST_SECONDS_MAX,
    RefusedByNode,
    Throttled,
    refusal_of,
    seconds_to_wait,
)

ASKED = 20_000
"""Blocks that were refused."""

TOO_LARGE = [
    line.split(" | ")
    for line in Path(__file__).with_name("range_refusals.txt").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("who", "code", "blocks", "where", "words"), TOO_LARGE)
def test_a_range_that_is_too_large_is_understood_in_every_wording(
    who: str, code: str, blocks: str, where: str, words: str
) -> None:
    refusal = refusal_of("eth_getLogs", {"code": int(code), "message": words})
    assert refusal.is_about_size, who
    assert not isinstance(refusal, Throttled), who
    hint = hint_in(refusal.words, ASKED)
    assert hint.blocks == (None if blocks == "half" else int(blocks)), who
    assert hint.is_lasting == (where == "everywhere"), who


def test_the_sentence_that_helps_may_stand_beside_the_message() -> None:
    data = {"error_id": "4ed94073", "payload": "range 9009594 is bigger than range limit 2000"}
    refusal = refusal_of("eth_getLogs", {"code": -32602, "message": "invalid params", "data": data})
    assert refusal.is_about_size
    assert hint_in(refusal.words, 9_009_594).blocks == 2_000


def test_advice_that_is_no_less_than_what_was_refused_is_none() -> None:
    for words in ("exceed maximum block range: 5000", "this block range should work: [0x0, 0x1387]"):
        assert hint_in(words, 5_000).blocks is None
        assert hint_in(words, 5_001).blocks == 5_000


def test_a_text_that_never_ends_is_read_in_its_first_thousand_characters() -> None:
    message = "range " * 1_000_000 + "limit 5"
    refusal = refusal_of("eth_getLogs", {"code": 1, "message": message})
    assert len(refusal.words) == 1_000
    assert len(refusal.reason) < 300
    assert hint_in("9" * 1_000, ASKED).blocks is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-32005, "project ID request rate exceeded"),
        (-32005, "daily request count exceeded, request rate limited"),
        (-32005, "exceeded project rate limit"),
        (-32007, "50/second request limit reached - reduce calls per second or upgrade your account"),
        (429, "Your app has exceeded its compute units per second capacity."),
        (-32016, "over rate limit"),
        (-32029, "Too many requests, please slow down"),
        (-32090, "Too many requests, reason: call rate limit exhausted, retry in 10s"),
        (-32000, "Requests per second limit exceeded"),
        (-32005, "too many requests"),
    ],
)
@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
def test_a_limit_of_the_rate_is_told_from_one_of_the_range(code: int, words: str, method: str) -> None:
    assert isinstance(refusal_of(method, {"code": code, "message": words}), Throttled)


def test_a_limit_without_a_name_is_one_of_the_range_only_for_logs() -> None:
    nameless = {"code": -32005, "message": "limit exceeded"}
    assert not isinstance(refusal_of("eth_getLogs", nameless), Throttled)
    assert isinstance(refusal_of("eth_chainId", nameless), Throttled)
    assert isinstance(refusal_of("eth_chainId", {"code": 429, "message": "slow"}), Throttled)


@pytest.mark.parametrize("words", ["execution reverted", "missing trie node 0xabc", "method not found"])
def test_other_refusals_are_neither(words: str) -> None:
    refusal = refusal_of("eth_getLogs", {"code": -32000, "message": words})
    assert not refusal.is_about_size
    assert not isinstance(refusal, Throttled)


def test_a_node_that_names_its_back_off_is_left_alone_for_it() -> None:
    rate = {"rate": {"allowed_rps": 5, "backoff_seconds": 30, "current_rps": 5.2}}
    told = refusal_of("eth_call", {"code": -32005, "message": "exceeded project rate limit", "data": rate})
    assert isinstance(told, Throttled)
    assert told.retry_after == 30


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("nan", 0.0),
        ("inf", REST_SECONDS_MAX),
        ("soon", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37.0),
        ("Sun, 06 Nov 1994 08:48:37 GMT", 0.0),
    ],
)
def test_a_header_tells_how_long_to_wait(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, now=784_111_740.0) == seconds


def test_a_status_is_told_apart_by_what_stands_under_it() -> None:
    large = b'{"id":1,"error":{"code":-32614,"message":"eth_getLogs is limited to a 10,000 range"}}'
    for status in (400, 413, 500, 503):
        refusal = refused_by_status("eth_getLogs", status, None, large)
        assert isinstance(refusal, RefusedByNode)
        assert refusal.is_about_size
    assert isinstance(refused_by_status("eth_call", 429, "3", b"slow down"), Throttled)
    busy = refused_by_status("eth_call", 503, "3", b"")
    assert isinstance(busy, Throttled)
    assert busy.retry_after == 3
    assert not isinstance(refused_by_status("eth_call", 503, None, large), RefusedByNode)
    denied = refused_by_status("eth_call", 401, None, b"[]")
    assert isinstance(denied, RefusedByNode)
    assert not denied.passing
