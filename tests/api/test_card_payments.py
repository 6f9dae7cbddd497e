"""Card payments over HTTP: signed, once, and only where they are configured."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.networks import load_network
from entitlement.core.membership import Terms
from entitlement.core.units import NanoUsd
from entitlement.settings import read_settings
from entitlement.store import memberships
from entitlement.store.tables import BucketRow
from entitlement.wiring.service import build_service
from tests.api.conftest import TOKEN_SECRET, Front
from tests.api.support import assert_problem
from tests.api.world import World, make_world
from tests.core.test_card_payments import DAY, SECRET, event, signed
from tests.support import USD, assert_books_close

PATH = "/v1/webhooks/stripe"


@pytest.fixture
def paying(front: Front, sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[World]:
    settings = read_settings(
        data_folder=tmp_path, token_secret=TOKEN_SECRET, stripe_webhook_secret=SECRET.decode()
    )
    service = build_service(settings, load_network("anvil"), sessions)
    front.app = create_app(service)
    with httpx.Client(base_url=front.url, timeout=30) as client:
        made = make_world(service, sessions, client)
        made.service.terms.set(1, Terms(NanoUsd(10 * USD), NanoUsd(USD)))
        yield made


def send(world: World, body: bytes, signature: str | None = None) -> httpx.Response:
    now = world.service.clock.now()
    header = f"t={now},v1={signed(body, now)}" if signature is None else signature
    return world.client.post(PATH, content=body, headers={"Stripe-Signature": header})


def month_from(world: World, start: int, wallet: str | None = None) -> bytes:
    about = {"wallet": wallet or world.person.address, "tier": "1"}
    return event(
        parent={"subscription_details": {"metadata": about}},
        lines={"data": [{"period": {"start": start, "end": start + 30 * DAY}}]},
    )


def test_a_paid_month_makes_its_owner_pro_and_brings_its_credit_once(paying: World) -> None:
    now = paying.service.clock.now()
    path = f"/v1/accounts/{paying.person.address}"
    assert paying.client.get(path, headers=paying.signed_in).json()["tier"]["name"] == "free"
    body = month_from(paying, now - 5)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(paying, body).json()["effect"], range(4)))
    assert sorted(answers) == ["paid", "repeated", "repeated", "repeated"]
    other = json.loads(body) | {"id": "evt_another_of_the_same_invoice"}
    assert send(paying, json.dumps(other).encode()).json()["effect"] == "paid"
    assert paying.service.purchases.sweep() == 1
    found = paying.client.get(path, headers=paying.signed_in).json()
    assert found["tier"] == {"name": "pro", "vvv_staked": "0", "subscribed_until": now - 5 + 30 * DAY}
    assert found["balance"]["usd"] == 11 * USD
    prepaid = {"source": "prepaid", "available": USD, "held": 0, "expires_at": None}
    bundled = {
        "source": "membership", "available": 10 * USD, "held": 0, "expires_at": now - 5 + 30 * DAY,
    }  # fmt: skip
    assert found["credit"] == [bundled, prepaid]
    with paying.sessions.begin() as session:
        rows = session.execute(select(BucketRow.source, BucketRow.expires_at, BucketRow.granted)).all()
    assert {tuple(row) for row in rows} >= {
        ("membership", now - 5 + 30 * DAY, 10 * USD),
        ("prepaid", None, USD),
    }
    paying.later(30 * DAY)
    signed_in = paying.person.sign_in(paying.client)
    found = paying.client.get(path, headers=signed_in).json()
    assert (found["tier"]["name"], found["credit"]) == ("free", [prepaid])
    assert_books_close(paying.sessions)


def test_a_month_by_card_is_granted_also_while_the_chain_is_in_doubt(paying: World) -> None:
    assert send(paying, month_from(paying, paying.service.clock.now() - 5)).json()["effect"] == "paid"
    with paying.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO chain_state VALUES "
                "(true, 1, 0, '0x0', 0, '0x0', 0, 0, '0x0', 0, 0, 0, NULL, 0, 0, 'why', NULL)"
            )
        )
    assert paying.service.purchases.sweep() == 1


def test_what_is_not_signed_changes_nothing_and_neither_does_what_is_about_others(paying: World) -> None:
    now = paying.service.clock.now()
    body = month_from(paying, now)
    for signature in ("", f"t={now},v1={'0' * 64}", f"t={now - 999},v1={signed(body, now - 999)}"):
        assert_problem(send(paying, body, signature), 401, "not_authenticated")
    assert_problem(send(paying, month_from(paying, now, wallet="0x1")), 400, "invalid_request")
    assert_problem(send(paying, b"\xff"), 400, "invalid_request")
    assert send(paying, b'{"id": "evt_3", "type": "charge.updated"}').json() == {"effect": "ignored"}
    with paying.sessions.begin() as session:
        assert memberships.subscribed_until(session, [paying.person.wallet]) == {}


def test_without_a_secret_there_is_no_such_route(shared_world: World) -> None:
    assert_problem(send(shared_world, b"{}"), 404, "not_found")
