"""Calls that are answered at the connection: the same answers as by ASGI, in whatever pieces they come."""

import json
import socket
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from entitlement.api.app import Api, create_app
from entitlement.api.door_protocol import DoorProtocol
from tests.api.world import World
from tests.gateway.running import running
from tests.support import USD, assert_books_close

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Told:
    """An answer as it was written."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - as it is written
        return json.loads(self.body)


class Wire:
    """One connection, with nothing between the test and the bytes."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        assert place.hostname is not None
        self.socket = socket.create_connection((place.hostname, place.port or 80), PATIENCE_SECONDS)
        self._read = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._read.close()
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)
            if len(pieces) > 1:
                time.sleep(0.02)

    def hear(self) -> Told:
        line = self._read.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        headers: dict[str, str] = {}
        while (header := self._read.readline()) != b"\r\n":
            name, _, value = header.decode().partition(": ")
            assert name not in headers, f"{name} came twice"
            headers[name] = value.rstrip()
        body = self._read.read(int(headers.get("content-length", "0")))
        return Told(int(line.split()[1]), headers, body)

    def is_ended(self) -> bool:
        """Whether the server has closed it, with nothing left to say, and before it loses patience."""
        self.socket.settimeout(2)
        return self._read.read(1) == b""


@pytest.fixture
def asgi_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that became ASGI requests, once the gateway is known."""
    assert world.client.get("/v1/holds/none", headers=world.gateway).status_code == 404
    paths: list[str] = []
    passed_on = Api.__call__

    async def noted(self: Api, scope: dict[str, object], receive: object, send: object) -> None:
        paths.append(str(scope.get("path")))
        await passed_on(self, scope, receive, send)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Api, "__call__", noted)
    return paths


def wired(world: World) -> Wire:
    return Wire(str(world.client.base_url))


def written(
    world: World, path: str, body: object = None, *, method: str = "POST", more: Sequence[str] = ()
) -> bytes:
    """Return a call as a client writes it."""
    sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: here", f"Authorization: {world.gateway['Authorization']}"]
    if body is not None:
        lines += ["Content-Type: application/json"]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in more):
        lines += [f"Content-Length: {len(sent)}"]
    return "\r\n".join([*lines, *more, "", ""]).encode() + sent


def chunked(world: World, path: str, body: bytes, *, method: str = "POST", kind: str) -> bytes:
    """Return the same call in the way that leaves it to ASGI."""
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: here",
        f"Authorization: {world.gateway['Authorization']}",
        f"Content-Type: {kind}",
        "Transfer-Encoding: chunked",
    ]
    parts = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    return "\r\n".join([*head, "", ""]).encode() + parts + b"0\r\n\r\n"


def hold(world: World, name: str, amount: int = 1_000) -> dict[str, object]:
    return {"key": world.rich.secret, "amount": amount, "request_id": name}


def is_held(world: World, name: str) -> bool:
    with world.sessions.begin() as session:
        found = session.execute(text("SELECT count(*) FROM holds WHERE request_id = :name"), {"name": name})
        return bool(found.scalar_one())


def test_a_call_of_a_known_gateway_is_no_asgi_request(world: World, asgi_requests: list[str]) -> None:
    with wired(world) as wire:
        wire.send(written(world, "/v1/holds", hold(world, "one")))
        told = wire.hear()
        assert told.status == 201
        assert told.headers["content-type"] == "application/json"
        assert told.headers["date"]
        hold_id = told.json()["hold"]["id"]
        wire.send(written(world, f"/v1/holds/{hold_id}/capture", {"amount": 400}))
        assert wire.hear().status == 200
        wire.send(written(world, f"/v1/holds/{hold_id}", method="GET"))
        assert wire.hear().status == 200
        assert asgi_requests == []
        wire.send(written(world, "/health/live", method="GET"))
        assert wire.hear().status == 200
        assert asgi_requests == ["/health/live"]


ODD: dict[str, tuple[str, bytes | dict[str, object]]] = {
    "refused": ("/v1/holds", {"amount": 9_000_000 * USD}),
    "repeated": ("/v1/holds", {}),
    "not json": ("/v1/holds", b"{"),
    "nothing": ("/v1/holds", b""),
    "a list": ("/v1/holds", b"[]"),
    "a wrong field": ("/v1/holds", {"amount": "much"}),
    "an unknown key": ("/v1/holds", {"key": "ent_nobody"}),
    "an unknown hold": ("/v1/holds/hold_none/capture", {"amount": 1}),
    "a long id": (f"/v1/holds/{'x' * 65}/release", b""),
    "no body wanted": ("/v1/holds/hold_none/release", b"whatever"),
    "a batch": ("/v1/batch", b'{"operations": [{"op": "read", "id": "hold_none"}, 7]}'),
    "an empty batch": ("/v1/batch", b'{"operations": []}'),
    "a batch that is none": ("/v1/batch", b'"operations"'),
    "a wrong method": ("/v1/holds/hold_none/nonsense", b"{}"),
}


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
@pytest.mark.parametrize("odd", ODD)
def test_the_answer_is_the_one_that_asgi_gives(
    world: World, asgi_requests: list[str], odd: str, kind: str
) -> None:
    path, changes = ODD[odd]
    sent = changes if isinstance(changes, bytes) else json.dumps({**hold(world, "same"), **changes}).encode()
    if odd in ("refused", "repeated"):
        # So that both are told what was answered before.
        as_json = {"Content-Type": "application/json"}
        world.client.post(path, headers=world.gateway | as_json, content=sent)
    asgi_requests.clear()
    head = written(world, path, more=[f"Content-Type: {kind}", f"Content-Length: {len(sent)}"])
    with wired(world) as wire:
        wire.send(head + sent)
        here = wire.hear()
        known = len(asgi_requests)
        wire.send(chunked(world, path, sent, kind=kind))
        there = wire.hear()
    assert (known, len(asgi_requests)) == ((1, 2) if odd == "a wrong method" else (0, 1))
    assert (here.status, without_date(here)) == (there.status, without_date(there))
    assert here.body == there.body


def without_date(told: Told) -> dict[str, str]:
    return {name: value for name, value in told.headers.items() if name != "date"}


def test_a_call_in_pieces_is_one_call(world: World, asgi_requests: list[str]) -> None:
    whole = written(world, "/v1/holds", hold(world, "in pieces"))
    with wired(world) as wire:
        wire.send(whole[:9], whole[9:40], whole[40:-30], whole[-30:-1], whole[-1:])
        assert wire.hear().status == 201
    assert asgi_requests == []


@pytest.mark.usefixtures("asgi_requests")
def test_calls_that_come_together_are_answered_in_their_order(world: World) -> None:
    names = [f"r{number}" for number in range(5)]
    calls = [written(world, "/v1/holds", hold(world, name)) for name in names]
    with wired(world) as wire:
        wire.send(b"".join([*calls, written(world, "/health/live", method="GET"), calls[0]]))
        told = [wire.hear() for _ in names]
        assert [each.json()["hold"]["request_id"] for each in told] == names
        assert wire.hear().body == world.client.get("/health/live").content
        assert wire.hear().headers["idempotency-replayed"] == "true"
        # The connection is as good as before.
        wire.send(calls[1])
        assert wire.hear().headers["idempotency-replayed"] == "true"
    assert_books_close(world.sessions)


def test_a_batch_of_a_million_bytes_is_read_whole(world: World, asgi_requests: list[str]) -> None:
    call = {"op": "read", "id": "hold_none"}
    sent = json.dumps({"operations": [call]}).encode().ljust(1_000_000)
    with wired(world) as wire:
        wire.send(written(world, "/v1/batch", sent))
        assert wire.hear().status == 200
    assert asgi_requests == []


@pytest.mark.parametrize(("path", "most"), [("/v1/holds", 64 * 1024), ("/v1/batch", 1024 * 1024)])
def test_a_body_that_is_too_large_is_refused_by_the_server_as_before(
    world: World, asgi_requests: list[str], path: str, most: int
) -> None:
    with wired(world) as wire:
        wire.send(written(world, path, b" " * (most + 1)))
        told = wire.hear()
        assert (told.status, told.json()["code"]) == (413, "body_too_large")
        assert asgi_requests == [path]


def test_lengths_that_are_none_are_refused_by_the_parser(world: World) -> None:
    for length in ("-1", "1e3", "0x10", "12,12", "", "+2", "2 2", "9" * 30):
        with wired(world) as wire:
            wire.send(written(world, "/v1/holds", b"{}", more=[f"Content-Length: {length}"]))
            assert wire.hear().status == 400
            assert wire.is_ended()


@pytest.mark.parametrize(
    "more", [["Expect: 100-continue"], ["Transfer-Encoding: chunked"]], ids=["expected", "chunked"]
)
def test_what_needs_more_than_a_look_is_left_to_the_server(
    world: World, asgi_requests: list[str], more: list[str]
) -> None:
    sent = json.dumps(hold(world, "later")).encode()
    if more == ["Expect: 100-continue"]:
        pieces = [written(world, "/v1/holds", more=[*more, f"Content-Length: {len(sent)}"]), sent]
        pieces[0] = pieces[0].replace(b"\r\n\r\n", b"\r\nContent-Type: application/json\r\n\r\n")
    else:
        pieces = [chunked(world, "/v1/holds", sent, kind="application/json")]
    with wired(world) as wire:
        wire.send(pieces[0])
        if len(pieces) > 1:
            assert wire.hear().status == 100
            wire.send(pieces[1])
        assert wire.hear().status == 201
    assert asgi_requests == ["/v1/holds"]


@pytest.mark.parametrize("path", ["/v1/holds/hold_none?a=b", "/v1/holds/hold%5Fnone", "//v1/holds/hold_none"])
def test_an_address_with_more_in_it_is_the_servers(world: World, asgi_requests: list[str], path: str) -> None:
    with wired(world) as wire:
        wire.send(written(world, path, method="GET"))
        assert wire.hear().status == 404
    assert len(asgi_requests) == 1


def test_a_client_that_wants_no_more_is_told_and_left(world: World, asgi_requests: list[str]) -> None:
    with wired(world) as wire:
        wire.send(written(world, "/v1/holds", hold(world, "last"), more=["Connection: close"]))
        told = wire.hear()
        assert (told.status, told.headers["connection"]) == (201, "close")
        assert wire.is_ended()
    assert asgi_requests == []
    with wired(world) as wire:
        wire.send(written(world, "/v1/holds", hold(world, "last")).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert wire.hear().headers["idempotency-replayed"] == "true"
        assert wire.is_ended()
    assert asgi_requests == ["/v1/holds"]


def test_what_a_client_asked_that_left_is_answered_in_the_journal(
    world: World, asgi_requests: list[str]
) -> None:
    with wired(world) as wire:
        wire.send(written(world, "/v1/holds", hold(world, "gone")))
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_held(world, "gone"):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    again = world.client.post("/v1/holds", headers=world.gateway, json=hold(world, "gone"))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert asgi_requests == []
    assert_books_close(world.sessions)


def test_half_a_call_of_a_client_that_left_asks_nothing(world: World, asgi_requests: list[str]) -> None:
    whole = written(world, "/v1/holds", hold(world, "half"))
    with wired(world) as wire:
        wire.send(whole[:-1])
    with wired(world) as wire:
        wire.send(written(world, "/v1/holds/hold_none", method="GET"))
        assert wire.hear().status == 404
    assert not is_held(world, "half")
    assert asgi_requests == []


def test_a_server_that_ends_answers_what_it_was_asked_and_closes(world: World) -> None:
    with (
        nobody_else_may_ask(world) as let_go,
        running(create_app(world.service), http=DoorProtocol, shutdown_seconds=PATIENCE_SECONDS) as url,
    ):
        wire = Wire(url)
        # The first look makes the gateway known.
        wire.send(written(world, "/v1/holds/hold_none", method="GET"))
        assert wire.hear().status == 404
        wire.send(written(world, "/v1/holds", hold(world, "at the end")))
        time.sleep(0.2)
        threading.Timer(0.3, let_go.set).start()
    with wire:
        told = wire.hear()
        assert (told.status, told.headers["connection"]) == (201, "close")
        assert wire.is_ended()


def test_a_server_that_ends_sees_to_what_a_client_asked_that_left(world: World) -> None:
    with (
        nobody_else_may_ask(world) as let_go,
        running(create_app(world.service), http=DoorProtocol, shutdown_seconds=PATIENCE_SECONDS) as url,
    ):
        with Wire(url) as wire:
            wire.send(written(world, "/v1/holds/hold_none", method="GET"))
            assert wire.hear().status == 404
            wire.send(written(world, "/v1/holds", hold(world, "at the end")))
            time.sleep(0.2)
        threading.Timer(0.3, let_go.set).start()
    assert is_held(world, "at the end")


def test_a_server_that_has_waited_for_long_enough_leaves_who_asked(world: World) -> None:
    with nobody_else_may_ask(world):
        with running(create_app(world.service), http=DoorProtocol, shutdown_seconds=1) as url:
            wire = Wire(url)
            wire.send(written(world, "/v1/holds/hold_none", method="GET"))
            assert wire.hear().status == 404
            wire.send(written(world, "/v1/holds", hold(world, "never answered")))
            time.sleep(0.2)
        with wire:
            assert wire.is_ended()


@contextmanager
def nobody_else_may_ask(world: World) -> Generator[threading.Event]:
    """Hold every account, so that whoever asks about one waits until the event is set."""
    held, let_go = threading.Event(), threading.Event()

    def hold_them() -> None:
        with world.sessions.begin() as session:
            session.execute(text("SELECT id FROM accounts FOR UPDATE"))
            held.set()
            let_go.wait(PATIENCE_SECONDS)

    holding = threading.Thread(target=hold_them)
    holding.start()
    assert held.wait(PATIENCE_SECONDS)
    try:
        yield let_go
    finally:
        let_go.set()
        holding.join()
