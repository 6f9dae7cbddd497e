"""Requests made up from openapi.json: whatever they are, the answer is one that the document allows."""

import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts import openapi
from tests.api.support import Person, assert_some_problem, bearer
from tests.api.world import World
from tests.support import assert_books_close

DOCUMENT: dict[str, Any] = json.loads(openapi.PATH.read_text())
OPERATIONS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
ODD_TEXTS = [
    "",
    "\0",
    "\ud800",
    "a\0b",
    "0x" + "0" * 40,
    "9" * 30,
    "%00",
    "../..",
    "ent_",
    "2026-02-30",
    "\u202e",
]
ODD_NUMBERS = [0, -1, 1, 1.5, -0.0, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**30, float("inf"), float("nan")]

odd = st.sampled_from([*ODD_TEXTS, *ODD_NUMBERS, None, True, False, [], {}, [[]], {"a": 1}])


CALL_OF_A_BATCH = {
    "op": {"enum": ["hold", "capture", "release", "extend", "charge", "open_lease", "renew_lease", "read"]},
    "id": {"type": "string"},
    "amount": {"type": "integer"},
    "request_id": {"type": "string"},
}
"""What the document leaves open."""


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return what the schema allows, and now and then what it does not."""
    return st.one_of(allowed(schema), allowed(schema), allowed(schema), odd)


def allowed(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return allowed(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of(*(allowed(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    plain: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(schema.get("minimum", 0), schema.get("maximum", 2**53 - 1)),
        "number": st.integers(0, 10**16).map(lambda nano_usd: nano_usd / 10**9),
        "null": st.none(),
        "boolean": st.booleans(),
        "string": st.text(max_size=schema.get("maxLength", 80)),
    }
    if schema["type"] == "array":
        return st.lists(values(schema["items"]), max_size=3)
    return objects(schema) if schema["type"] == "object" else plain[schema["type"]]


def objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    fields = {name: values(each) for name, each in schema.get("properties", CALL_OF_A_BATCH).items()}
    needed = {name: fields.pop(name) for name in schema.get("required", [])}
    return st.fixed_dictionaries(needed, optional=fields)


def segments(world: World) -> st.SearchStrategy[str]:
    """Return what may stand in a path: something real, or anything."""
    real = [world.rich.key_id, world.rich.wallet, world.person.address, "hold_unknown"]
    return st.one_of(st.sampled_from(real), st.text(min_size=1, max_size=80), st.sampled_from(ODD_TEXTS[1:]))


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="surrogatepass"))


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_request_that_follows_the_document_or_nearly_does_breaks_the_service(
    shared_world: World, data: st.DataObject
) -> None:
    world = shared_world
    path, method, operation = data.draw(st.sampled_from(OPERATIONS))
    # Sessions of their own for the routes that end one or all of a wallet's: the world's is shared.
    ending = {"/v1/sign-out": world.person, "/v1/wallet/sessions": Person(77)}
    session = ending[path].sign_in(world.client) if path in ending else world.signed_in
    right = world.gateway if operation["tags"] == ["gateways"] else session
    wrong = st.sampled_from([world.gateway, session, bearer(world.rich.secret), bearer("none"), {}])
    headers = data.draw(st.one_of(st.just(right), st.just(right), wrong))
    query: list[str] = []
    for parameter in operation.get("parameters", []):
        name, text = parameter["name"], data.draw(segments(world))
        match parameter["in"]:
            case "path":
                path = path.replace(f"{{{name}}}", quoted(text))
            case "query":
                query.append(f"{name}={quoted(text)}")
            case _:
                headers = headers | {name: data.draw(st.sampled_from([world.rich.secret, "none", ""]))}
    content = b""
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = data.draw(values(schema))
        if isinstance(body, dict) and "key" in body and data.draw(st.booleans()):
            body["key"] = world.rich.secret
        content = json.dumps(body).encode()
        headers = headers | {"Content-Type": "application/json"}
    url = httpx.URL(world.client.base_url, raw_path=f"{path}?{'&'.join(query)}".encode())
    answer = world.client.request(method, url, content=content, headers=headers)
    assert_allowed(answer, operation)


def test_the_books_still_close(shared_world: World) -> None:
    assert_books_close(shared_world.sessions)


def assert_allowed(answer: httpx.Response, operation: dict[str, Any]) -> None:
    documented = operation["responses"].get(str(answer.status_code))
    if documented is None:
        assert_some_problem(answer)
    elif "content" in documented:
        assert answer.headers["content-type"] in documented["content"]
        reference = documented["content"]["application/json"]["schema"]["$ref"]
        expected = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
        assert answer.json().keys() == expected["properties"].keys()
    else:
        assert answer.content == b""
