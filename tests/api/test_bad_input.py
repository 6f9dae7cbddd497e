"""Whatever is sent, the answer to a mistake is a 4xx with a code: never a 5xx, and never something done."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from entitlement.api.app import LARGEST_BODY
from tests.api.support import assert_problem, assert_some_problem
from tests.api.world import World

JSON = {"Content-Type": "application/json"}
MARK = "⬛"
"""Stands for the value under test in a request's text: what is no JSON goes over the wire as it is here."""

HOLD = {"key": "ent_unknown", "amount": 1, "request_id": "r", "ttl": 60, "model": "m", "minimum": 1}
CAPTURE = {"amount": 1, "usage": {"model": "m", "input_tokens": 1, "status": 200}}
KEY = {
    "description": "d",
    "type": "INFERENCE",
    "limits": {"diem": 1, "usd": 1, "period": "epoch"},
    "model_privacy": "ALL",
    "expires_at": 4_000_000_000,
}
SIGN_IN = {"message": "m", "signature": "0x"}
COMPATIBLE = {
    "apiKeyType": "INFERENCE",
    "description": "d",
    "consumptionLimit": {"usd": 1, "diem": 1},
    "limitPeriod": "EPOCH",
    "modelPrivacy": "ALL",
    "expiresAt": "2099-01-01",
}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/holds": HOLD,
    "/v1/holds/hold_unknown/capture": CAPTURE,
    "/v1/keys": KEY,
    "/v1/sign-in": SIGN_IN,
    "/api/v1/api_keys": COMPATIBLE,
    "/api/v1/api_keys/generate_web3_key": COMPATIBLE | {"address": "0x", "signature": "0x", "token": "t"},
}


def fields(body: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Return every field of a body, of its inner objects too, with its value there."""
    for name, value in body.items():
        if isinstance(value, dict):
            yield from fields(value, (*before, name))
        yield (*before, name), value


def with_value(body: dict[str, Any], field: tuple[str, ...], literal: str) -> bytes:
    """Return the JSON of `body` with `literal`, which may be no JSON, in the place of a field's value."""
    changed = json.loads(json.dumps(body))
    inner = changed
    for name in field[:-1]:
        inner = inner[name]
    inner[field[-1]] = MARK
    return json.dumps(changed, ensure_ascii=False).replace(f'"{MARK}"', literal).encode()


def places(of: type) -> list[tuple[str, tuple[str, ...]]]:
    """Return (path, field) of every field that is a text, or a number, or an object."""
    return [
        (path, field) for path, body in BODIES.items() for field, value in fields(body) if type(value) is of
    ]


def post(world: World, path: str, content: bytes, **headers: str) -> httpx.Response:
    authority = world.gateway if path.startswith("/v1/holds") else world.signed_in
    return world.client.post(path, content=content, headers=authority | JSON | headers)


NO_AMOUNTS = [
    "-1",
    "1.0",
    "1.5",
    "1e2",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "true",
    "false",
    '"1"',
    "[1]",
    "{}",
]
NO_AMOUNTS += [
    str(2**53),
    str(2**63),
    str(-(2**63)),
    "9" * 4_000,
    "9" * 5_000,
    "0x1",
    "01",
    "+1",
    "1_000",
    "\u0661",  # a digit, in Arabic
]
NO_DOLLARS = ["-1", "-0.1", "1e400", "NaN", "Infinity", "true", '"1"', '"NaN"', '"1e-999999999"', "[1]", "{}"]
NO_DOLLARS += [str(2**53), str(2**63), "9" * 5_000, "1e-10", "0.1234567891", "9007199.1", "01"]


@pytest.mark.parametrize("literal", NO_AMOUNTS, ids=lambda literal: literal[:20])
def test_what_is_no_amount_is_refused_in_every_field_that_counts(literal: str, shared_world: World) -> None:
    for path, field in places(int):
        if path.startswith("/v1"):
            assert_some_problem(post(shared_world, path, with_value(BODIES[path], field, literal)))


@pytest.mark.parametrize("literal", NO_DOLLARS, ids=lambda literal: literal[:20])
def test_what_is_no_amount_of_dollars_is_refused_by_the_compatible_routes(
    literal: str, shared_world: World
) -> None:
    for path, field in places(int):
        if path.startswith("/api/v1"):
            answer = post(shared_world, path, with_value(BODIES[path], field, literal))
            assert assert_some_problem(answer)["code"] in {"invalid_request", "bad_request"}


def test_a_hold_of_nothing_is_refused(shared_world: World) -> None:
    for field in ("amount", "minimum", "ttl"):
        body = with_value(HOLD, (field,), "0")
        assert_problem(post(shared_world, "/v1/holds", body), 400, "invalid_request")


NO_TEXTS = [
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u0007"',
    '"\\u202e"',
    '""',
    "1",
    "true",
]
NO_TEXTS += ["[]", '{"a": 1}', f'"{"x" * 5_000}"', '"\\', '"\x00"', "'x'"]


@pytest.mark.parametrize("literal", NO_TEXTS, ids=lambda literal: ascii(literal[:12]))
def test_a_text_that_cannot_be_kept_is_refused_in_every_field(literal: str, shared_world: World) -> None:
    may_be_anything = {("/v1/holds", ("key",)), ("/api/v1/api_keys", ("expiresAt",))}
    for path, field in places(str):
        answer = post(shared_world, path, with_value(BODIES[path], field, literal))
        problem = assert_some_problem(answer) if (path, field) not in may_be_anything else None
        assert answer.status_code < 500
        assert problem is None or problem["code"] != "unknown_hold", (path, field)


@pytest.mark.parametrize("path", BODIES)
def test_an_unknown_field_is_refused_by_its_name_but_not_all_of_it(path: str, shared_world: World) -> None:
    for name in ("amonut", "prompt", "x" * 60_000):
        body = BODIES[path] | {name: "telltale"}
        answer = post(shared_world, path, json.dumps(body).encode())
        problem = assert_problem(answer, 400, "invalid_request")
        assert name[:64] in {each["field"] for each in problem["errors"]}
        assert len(answer.content) < 4_000
        assert "telltale" not in answer.text


NEEDED = {
    "/v1/holds": ["key", "amount", "request_id"],
    "/v1/holds/hold_unknown/capture": ["amount"],
    "/v1/keys": ["description"],
    "/v1/sign-in": ["message", "signature"],
    "/api/v1/api_keys": ["apiKeyType", "description"],
    "/api/v1/api_keys/generate_web3_key": ["apiKeyType", "address", "signature", "token"],
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path in NEEDED for name in NEEDED[path]])
def test_a_field_that_is_needed_is_missed_by_name(path: str, name: str, shared_world: World) -> None:
    body = {key: value for key, value in BODIES[path].items() if key != name}
    problem = assert_problem(post(shared_world, path, json.dumps(body).encode()), 400, "invalid_request")
    assert problem["errors"] == [{"field": name, "message": "Field required"}]


NO_BODIES = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b"{",
    b"{}",
    b"{]",
    b"\xff\xfe",
    b"\x00",
    b"[" * 60_000,
    b'{"a":1}x',
]
NO_BODIES += [
    '{"a": "\ud800"}'.encode(errors="surrogatepass"),
    b'{"\\ud800": 1}',
    b'{"a":1,"a":' + b"9" * 5_000 + b"}",
]


@pytest.mark.parametrize("body", NO_BODIES, ids=lambda body: ascii(body[:12]))
@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_no_object_of_json_is_refused(path: str, body: bytes, shared_world: World) -> None:
    answer = post(shared_world, path, body)
    assert assert_some_problem(answer)["code"] in {"invalid_request", "bad_request"}
    assert answer.status_code == 400


TYPES = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "image/png",
]


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("path", BODIES)
def test_a_body_of_another_content_type_is_refused_with_a_hint(
    path: str, content_type: str, shared_world: World
) -> None:
    headers = {"Content-Type": content_type}
    answer = post(shared_world, path, json.dumps(BODIES[path]).encode(), **headers)
    assert "application/json" in assert_problem(answer, 400, "invalid_request")["detail"]


def in_pieces(size: int) -> Iterator[bytes]:
    """Return a body whose length is told by nobody."""
    for _ in range(0, size, 1_024):
        yield b" " * 1_024


@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_too_large_is_not_read_to_its_end(path: str, shared_world: World) -> None:
    too_large = LARGEST_BODY + 1_024
    announced = post(shared_world, path, b" " * too_large)
    assert_problem(announced, 413, "body_too_large")
    streamed = shared_world.client.post(
        path, content=in_pieces(too_large), headers=shared_world.signed_in | shared_world.gateway | JSON
    )
    assert_problem(streamed, 413, "body_too_large")


def test_the_largest_body_is_still_read(shared_world: World) -> None:
    body = json.dumps(HOLD).encode()
    padded = body + b" " * (LARGEST_BODY - len(body))
    assert_problem(post(shared_world, "/v1/holds", padded), 401, "unknown_key")


SEGMENTS = [
    "%00",
    "%0a",
    "%ed%a0%80",
    "%ff",
    "a%00b",
    "%20",
    "%c3%a9",
    "x" * 65,
    "x" * 5_000,
    "..",
    "%2e%2e",
    "{}",
    "%",
]


@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda segment: segment[:10])
def test_a_path_that_names_nothing_is_refused(segment: str, shared_world: World) -> None:
    client = shared_world.client
    for path in (f"/v1/holds/{segment}", f"/v1/keys/{segment}", f"/v1/accounts/{segment}"):
        method = "DELETE" if "keys" in path else "GET"
        authority = shared_world.gateway if "holds" in path else shared_world.signed_in
        assert_some_problem(
            client.request(method, httpx.URL(client.base_url, raw_path=path.encode()), headers=authority)
        )
    for end in ("capture", "release"):
        body = CAPTURE if end == "capture" else None
        answer = client.post(f"/v1/holds/{segment}/{end}", json=body, headers=shared_world.gateway)
        assert_some_problem(answer)
    answer = client.delete(f"/api/v1/api_keys?id={segment}", headers=shared_world.signed_in)
    assert_some_problem(answer)


NO_CREDENTIALS = [b"x" * 60_000, b"\xff\xfe", b"ent_\xff", b"gw_", b"ent_", b"ses_" + b"x" * 9_000, b"a b"]


@pytest.mark.parametrize("secret", NO_CREDENTIALS, ids=lambda secret: ascii(secret[:8]))
def test_a_credential_that_is_none_is_a_401(secret: bytes, shared_world: World) -> None:
    client = shared_world.client
    for path in ("/v1/keys", "/v1/holds/hold_unknown", "/api/v1/api_keys"):
        answer = client.get(path, headers={"Authorization": b"Bearer " + secret})
        assert answer.status_code == 401
        assert assert_some_problem(answer)["code"] in {"not_authenticated", "unknown_key"}
    gateway = {"Authorization": shared_world.gateway["Authorization"].encode()}
    asked = client.get("/v1/keys/introspect", headers=gateway | {"X-Api-Key": secret})
    assert_problem(asked, 401, "unknown_key")


@pytest.mark.parametrize("header", ["Bearer", "Basic YTpi", "bearer", "Digest x", "ent_", "Bearer\tx", ""])
def test_a_header_that_carries_no_credential_is_a_401(header: str, shared_world: World) -> None:
    for path in ("/v1/keys", "/v1/holds/hold_unknown", "/api/v1/api_keys", "/v1/keys/introspect"):
        asked = shared_world.client.get(path, headers={"Authorization": header, "X-Api-Key": "k"})
        assert_problem(asked, 401, "not_authenticated")
