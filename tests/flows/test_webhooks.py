"""Webhooks to a real receiver that fails in every way: each event arrives, or is given up and said so."""

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import SECONDS_PER_EPOCH, epoch_at
from entitlement.core.errors import InvalidRequest
from entitlement.core.units import NanoUsd
from entitlement.core.webhooks import RETRY_SECONDS, SIGNATURE_HEADER, TRIES_MAX, CreditEvent, is_signed
from entitlement.flows.deliver_webhooks import (
    CLAIM_SECONDS,
    DELIVERIES_PER_RUN,
    EVENT_HEADER,
    DeliverWebhooks,
)
from entitlement.flows.manage_webhooks import ManageWebhooks
from entitlement.outgoing import post
from entitlement.outgoing.post import AT_ONCE_MAX, Message, NotAllowedThere, Poster
from entitlement.store import clock, outbox
from entitlement.store.clock import service_time
from entitlement.store.outbox import NewEvent
from entitlement.store.raw import cursor_of
from tests.crashes import Deaths, at_every_point
from tests.gateway.running import free_port
from tests.support import Holder, holder

Sessions = sessionmaker[Session]
SECRET = SecretStr("s" * 32)


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A server that answers as it is told, and remembers what it got."""

    answers: list[int] = field(default_factory=list)
    """The next statuses; then 200. Zero hangs up, and below zero it says nothing for a while."""
    got: list[Received] = field(default_factory=list)
    url: str = ""
    server: ThreadingHTTPServer = field(init=False)
    together: threading.Barrier | None = None
    """Nobody is answered before so many have asked."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append(Received(self.path, dict(self.headers.items()), body))
            if made.together is not None:
                made.together.wait()
            status = made.answers.pop(0) if made.answers else 200
            if status < 0:
                is_over.wait(30)
            if status <= 0:
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        # As many as knock at once: those beyond it would be left to try again, seconds later.
        request_queue_size = 2 * AT_ONCE_MAX

    server = Server(("127.0.0.1", 0), Handler)
    made.server = server
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    is_over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def managing(sessions: Sessions) -> ManageWebhooks:
    return ManageWebhooks(sessions, Poster(is_devnet=True), SECRET, is_devnet=True)


def delivering(sessions: Sessions, seconds: float = 30) -> DeliverWebhooks:
    return DeliverWebhooks(sessions, Poster(is_devnet=True, seconds=seconds), SECRET)


def happen(sessions: Sessions, who: Holder, kind: CreditEvent = CreditEvent.LOW) -> None:
    with sessions.begin() as session, cursor_of(session) as cursor:
        now = service_time(session)
        outbox.add(cursor, [NewEvent(who.account_id, kind, epoch_at(now), NanoUsd(20), NanoUsd(100), now)])


def later(sessions: Sessions, seconds: int) -> None:
    with sessions.begin() as session:
        clock.set_shift(session, clock.shift(session) + seconds)


def test_an_event_arrives_once_signed_with_the_secret_that_its_owner_was_shown(
    sessions: Sessions, receiver: Receiver
) -> None:
    who = holder(sessions)
    secret = managing(sessions).put(who.account_id, f"{receiver.url}/hook?a=b").secret
    happen(sessions, who)
    happen(sessions, who)
    assert delivering(sessions).deliver() == 1
    assert delivering(sessions).deliver() == 0
    (got,) = receiver.got
    with sessions.begin() as session:
        now = service_time(session)
        stored = session.execute(
            text("SELECT concat_ws(' ', w.*, o.*) FROM webhooks w, outbox o")
        ).scalar_one()
    assert got.path == "/hook?a=b"
    assert got.headers["Host"] == receiver.url.removeprefix("http://")
    assert is_signed(secret, got.body, got.headers[SIGNATURE_HEADER], now)
    assert secret not in stored
    event = json.loads(got.body)
    assert event["id"] == got.headers[EVENT_HEADER]
    assert {name: event[name] for name in ("type", "wallet", "available", "granted")} == {
        "type": "credit.low",
        "wallet": who.wallet,
        "available": 20,
        "granted": 100,
    }
    assert event["resets_at"] == (event["epoch"] + 1) * SECONDS_PER_EPOCH
    _, (delivery,) = managing(sessions).read(who.account_id)
    assert (delivery.tries, delivery.outcome, delivery.due_at) == (1, "answered 200", None)
    assert delivery.delivered_at


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (302, "answered 302"),
        (0, "no answer: RemoteProtocolError"),
    ],
)
def test_what_a_receiver_does_not_take_comes_again_with_the_same_id(
    answer: int, outcome: str, sessions: Sessions, receiver: Receiver
) -> None:
    who = holder(sessions)
    managing(sessions).put(who.account_id, receiver.url)
    happen(sessions, who)
    receiver.answers = [answer]
    assert delivering(sessions).deliver() == 0
    _, (failed,) = managing(sessions).read(who.account_id)
    assert (failed.tries, failed.outcome, failed.delivered_at) == (1, outcome, None)
    assert delivering(sessions).deliver() == 0
    later(sessions, RETRY_SECONDS[0])
    assert delivering(sessions).deliver() == 1
    assert [got.path for got in receiver.got] == ["/", "/"]
    assert len({got.headers[EVENT_HEADER] for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1


def test_a_receiver_that_says_nothing_keeps_no_other_from_its_event(
    sessions: Sessions, receiver: Receiver
) -> None:
    slow, quick = holder(sessions, number=1), holder(sessions, number=2)
    managing(sessions).put(slow.account_id, receiver.url)
    managing(sessions).put(quick.account_id, receiver.url)
    receiver.answers = [-1, 200]
    happen(sessions, slow)
    happen(sessions, quick)
    assert delivering(sessions, seconds=4).deliver() == 1
    outcomes = {managing(sessions).read(who.account_id)[1][0].outcome for who in (slow, quick)}
    assert outcomes == {"it took too long", "answered 200"}


def test_after_the_last_try_it_is_given_up_and_its_owner_sees_why(
    sessions: Sessions, receiver: Receiver
) -> None:
    who = holder(sessions)
    managing(sessions).put(who.account_id, f"http://127.0.0.1:{free_port()}")
    happen(sessions, who)
    for tries in range(1, TRIES_MAX + 1):
        assert delivering(sessions).deliver() == 0
        _, (delivery,) = managing(sessions).read(who.account_id)
        assert (delivery.tries, delivery.outcome) == (tries, "no answer: ConnectError")
        if tries < TRIES_MAX:
            later(sessions, RETRY_SECONDS[tries - 1] - 2)
            assert delivering(sessions).deliver() == 0
            assert managing(sessions).read(who.account_id)[1][0].tries == tries
            later(sessions, 2)
    assert (delivery.due_at, delivery.delivered_at) == (None, None)
    later(sessions, 10 * SECONDS_PER_EPOCH)
    managing(sessions).put(who.account_id, receiver.url)
    assert delivering(sessions).deliver() == 0
    assert receiver.got == []


def test_whoever_has_no_webhook_is_told_nothing_and_leaves_no_row(sessions: Sessions) -> None:
    who = holder(sessions)
    happen(sessions, who)
    with sessions.begin() as session:
        assert session.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 0


def test_each_kind_is_told_once_a_day(sessions: Sessions, receiver: Receiver) -> None:
    who = holder(sessions)
    managing(sessions).put(who.account_id, receiver.url)
    for _ in range(2):
        for kind in (CreditEvent.LOW, CreditEvent.EXHAUSTED, CreditEvent.LOW):
            happen(sessions, who, kind)
        delivering(sessions).deliver()
        later(sessions, SECONDS_PER_EPOCH)
    assert [json.loads(got.body)["type"] for got in receiver.got].count("credit.low") == 2
    assert [json.loads(got.body)["type"] for got in receiver.got].count("credit.exhausted") == 2


def test_a_deleted_webhook_gets_nothing_more_and_one_set_anew_has_another_secret(
    sessions: Sessions, receiver: Receiver
) -> None:
    who = holder(sessions)
    first = managing(sessions).put(who.account_id, receiver.url)
    happen(sessions, who)
    managing(sessions).delete(who.account_id)
    managing(sessions).delete(who.account_id)
    assert managing(sessions).read(who.account_id)[0] is None
    second = managing(sessions).put(who.account_id, receiver.url)
    assert second.secret != first.secret
    later(sessions, CLAIM_SECONDS)
    assert delivering(sessions).deliver() == 0
    assert receiver.got == []


@pytest.mark.parametrize("by_the_server", [False, True])
def test_whoever_dies_while_delivering_anywhere_leaves_an_event_that_still_arrives(
    sessions: Sessions, receiver: Receiver, *, by_the_server: bool
) -> None:
    who = holder(sessions)
    managing(sessions).put(who.account_id, receiver.url)
    delivery = delivering(sessions)

    def prepare(_: int) -> Callable[[], object]:
        later(sessions, SECONDS_PER_EPOCH)
        receiver.got.clear()
        happen(sessions, who)
        return delivery.deliver

    points = 0
    for point in at_every_point(Deaths(sessions, by_the_server), prepare):
        points += 1
        later(sessions, CLAIM_SECONDS)
        delivery.deliver()
        assert receiver.got, point
        assert len({got.headers[EVENT_HEADER] for got in receiver.got}) == 1
        assert managing(sessions).read(who.account_id)[1][0].delivered_at, point
    assert points > 3


def test_two_jobs_at_once_do_not_send_the_same_event(sessions: Sessions, receiver: Receiver) -> None:
    who = holder(sessions)
    managing(sessions).put(who.account_id, receiver.url)
    happen(sessions, who)
    happen(sessions, who, CreditEvent.EXHAUSTED)
    with sessions.begin() as session:
        now = service_time(session)
        taken = outbox.claim(session, now, until=now + 60, limit=1)
        assert delivering(sessions).deliver() == 1
    assert len(taken) == 1
    assert json.loads(receiver.got[0].body)["id"] != taken[0].delivery.event_id
    assert outbox_claims(sessions) == []


def outbox_claims(sessions: Sessions) -> list[outbox.Claimed]:
    with sessions.begin() as session:
        now = service_time(session)
        return outbox.claim(session, now, until=now + 60, limit=DELIVERIES_PER_RUN)


# --- where it may go ----------------------------------------------------------------------------------------


PRIVATE = [
    "https://127.0.0.1/",
    "https://localhost/",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_an_address_that_leads_into_our_own_network_is_not_set(url: str, sessions: Sessions) -> None:
    who = holder(sessions)
    real = ManageWebhooks(sessions, Poster(is_devnet=False), SECRET, is_devnet=False)
    with pytest.raises(InvalidRequest, match="cannot be used"):
        real.put(who.account_id, url)
    assert real.read(who.account_id)[0] is None


def test_a_name_that_leads_elsewhere_by_the_time_of_sending_is_not_called(
    sessions: Sessions, receiver: Receiver
) -> None:
    who = holder(sessions)
    managing(sessions).put(who.account_id, receiver.url)
    happen(sessions, who)
    real = DeliverWebhooks(sessions, Poster(is_devnet=False), SECRET)
    assert real.deliver() == 0
    assert receiver.got == []
    _, (delivery,) = managing(sessions).read(who.account_id)
    assert delivery.outcome == "its name leads to an address that is not public"


def test_a_name_is_looked_up_once_and_the_address_that_was_looked_at_is_the_one_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(receiver.url.rpartition(":")[2])
    asked: list[str] = []

    async def addresses(_: Poster, url: str) -> list[str]:
        asked.append(url)
        return ["127.0.0.1"]

    monkeypatch.setattr(Poster, "_addresses", addresses)
    (outcome,) = Poster(is_devnet=False).send_all([Message(f"http://rebinding.invalid:{port}/x", b"{}", {})])
    assert outcome.said == "answered 200"
    assert asked == [f"http://rebinding.invalid:{port}/x"]
    assert receiver.got[0].headers["Host"] == f"rebinding.invalid:{port}"


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(addresses: list[str]) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (address, 443)) for address in addresses]

    for addresses, is_allowed in ((["1.1.1.1", "10.0.0.1"], False), (["1.1.1.1"], True)):
        monkeypatch.setattr(post.socket, "getaddrinfo", lambda *_, these=addresses, **__: found(these))
        if is_allowed:
            Poster(is_devnet=False).check("https://example.com")
        else:
            with pytest.raises(NotAllowedThere):
                Poster(is_devnet=False).check("https://example.com")


def test_names_whose_lookup_hangs_hold_up_neither_who_sets_them_nor_the_other_deliveries(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over, look_up = threading.Event(), post.socket.getaddrinfo

    def looked_up(name: str, *more: object, **named: object) -> object:
        if name.startswith("hanging"):
            is_over.wait(10)
        return look_up(name, *more, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(post.socket, "getaddrinfo", looked_up)
    # Freed in any case, so that nobody waits for it at the end.
    timer = threading.Timer(8, is_over.set)
    timer.start()
    try:
        poster = Poster(is_devnet=True, seconds=1)
        with pytest.raises(NotAllowedThere, match="took too long"):
            poster.check("https://hanging.invalid")
        others = [
            Message(f"http://hanging-{number}.invalid/", b"{}", {}) for number in range(AT_ONCE_MAX - 2)
        ]
        *hung, taken = poster.send_all([*others, Message(receiver.url, b"{}", {})])
        assert not is_over.is_set()
        assert {each.said for each in hung} == {"it took too long"}
        assert taken.is_taken
    finally:
        is_over.set()
        timer.cancel()


def test_no_proxy_of_ours_is_told(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    (outcome,) = Poster(is_devnet=True).send_all([Message(receiver.url, b"{}", {})])
    assert outcome.is_taken


def test_many_are_sent_at_once(receiver: Receiver) -> None:
    receiver.together = threading.Barrier(AT_ONCE_MAX, timeout=30)
    sent = [Message(receiver.url, b"{}", {})] * AT_ONCE_MAX
    assert all(outcome.is_taken for outcome in Poster(is_devnet=True, seconds=60).send_all(sent))


@pytest.mark.parametrize(("name", "is_taken"), [("hooks.example", True), ("other.example", False)])
def test_over_tls_the_name_is_what_the_certificate_must_be_for_though_an_address_is_called(
    name: str, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hooks"]
    request += ["-addext", "subjectAltName=DNS:hooks.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(request, check=True, capture_output=True)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key)
    receiver.server.socket = ours.wrap_socket(receiver.server.socket, server_side=True)
    port = receiver.url.rpartition(":")[2]

    async def addresses(*_: object) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(Poster, "_addresses", addresses)
    trusting = Poster(is_devnet=False, tls=ssl.create_default_context(cafile=str(certificate)))
    (outcome,) = trusting.send_all([Message(f"https://{name}:{port}/", b"{}", {})])
    assert outcome.is_taken is is_taken, outcome
    assert len(receiver.got) == is_taken
    (stranger,) = Poster(is_devnet=False).send_all([Message(f"https://{name}:{port}/", b"{}", {})])
    assert not stranger.is_taken
