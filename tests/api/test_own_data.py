"""What is kept of an account: all of it told to its owner, and all deleted that can be, and no more."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from entitlement.api.own_data import ExportOut
from entitlement.audit.journal import audit
from entitlement.core.adjustments import Wish
from entitlement.core.epochs import SECONDS_PER_EPOCH, epoch_at
from entitlement.core.holds import Usage
from entitlement.core.keys import KeyKind, NewKey
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd
from entitlement.store import access, outbox, own_data
from entitlement.store.own_data import NOT_EXPORTED, SECTIONS
from entitlement.store.raw import cursor_of
from entitlement.store.standing import RateRefusal, add_refusals
from tests.api.support import Person, assert_problem, bearer
from tests.api.world import World
from tests.audit.support import address
from tests.support import USD, Holder, assert_books_close, grant, holder

TELLTALE = "telltale"


def lived(world: World) -> Holder:
    """An account of somebody who is signed in, in which something of everything was kept yesterday."""
    with world.sessions.begin() as session:
        mine = access.account_of(session, world.person.wallet)
    assert mine is not None
    made = world.service.keys.create(mine, NewKey(TELLTALE))
    gateway_id = world.service.gateways.authenticate(world.service.gateways.issue_token("another"))
    me = Holder(mine, world.person.wallet, made.key.id, made.secret, gateway_id)
    grant(world.sessions, mine, Source.DIEM, USD)
    world.service.adjust.grant(Wish("case 1", me.wallet, NanoUsd(5), "an outage", "ada"))
    spend = world.service.spend
    for name in ("r1", "r2"):
        held = spend.hold(gateway_id, me.request(100, name, model=TELLTALE)).hold
        used = Usage(TELLTALE, 11, 22, 33, 200, TELLTALE, 44)
        spend.capture(gateway_id, held.id, NanoUsd(40), used if name == "r1" else None)
    released = spend.hold(gateway_id, me.request(100, "r3", model=TELLTALE)).hold
    spend.release(gateway_id, released.id)
    refused = world.hold(2 * USD, "r4", key=me.secret, model=TELLTALE)
    assert_problem(refused, 402, "insufficient_credit")
    with world.sessions.begin() as session:
        outbox.put_webhook(session, mine, "wh_1", f"https://{TELLTALE}.example", 1)
        with cursor_of(session) as cursor:
            add_refusals(cursor, [RateRefusal(mine, me.key_id, TELLTALE, "free", "key", 1, 1)])
    world.service.keys.rotate(mine, me.key_id)
    return me


def export(world: World, headers: dict[str, str]) -> dict[str, Any]:
    answer = world.client.get("/v1/wallet/export", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    told = json.loads(answer.content)
    ExportOut.model_validate(told)
    return dict(told)


def delete(world: World, confirm: object, headers: dict[str, str]) -> httpx.Response:
    return world.client.request("DELETE", "/v1/wallet/data", json={"confirm": confirm}, headers=headers)


def tomorrow(world: World) -> dict[str, str]:
    world.later(SECONDS_PER_EPOCH)
    return world.person.sign_in(world.client)


def test_every_table_that_names_an_account_is_exported_or_says_why_it_is_not(world: World) -> None:
    named = """
        SELECT DISTINCT c.relname FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND a.attname IN ('account_id', 'key_id', 'wallet', 'receiver', 'subject')
    """
    with world.sessions.begin() as session:
        tables = set(session.scalars(text(named)))
    assert tables == {each.table for each in SECTIONS} | NOT_EXPORTED.keys()
    assert not {each.table for each in SECTIONS} & NOT_EXPORTED.keys()


def test_every_column_of_an_exported_table_is_told_but_whose_it_is_and_hashes(world: World) -> None:
    columns = """
        SELECT a.attname FROM pg_attribute AS a
        WHERE a.attrelid = CAST(:table AS regclass) AND a.attnum > 0 AND NOT a.attisdropped
    """
    for section in SECTIONS:
        with world.sessions.begin() as session:
            there_are = set(session.scalars(text(columns), {"table": section.table}))
        told = {each.strip().rpartition(".")[2] for each in section.columns.split(",")}
        kept_back = {"account_id", "wallet", "secret_hash", "token_hash", "fingerprint"}
        assert there_are - told <= kept_back, section.name


def test_an_export_has_what_is_kept_of_the_account_and_nothing_of_others_nor_any_hash(world: World) -> None:
    me = lived(world)
    told = export(world, world.signed_in)
    assert (told["wallet"], told["account"][0]["id"]) == (me.wallet, me.account_id)
    assert [each["id"] for each in told["keys"]] == [me.key_id]
    assert {each["request_id"] for each in told["holds"]} == {"r1", "r2", "r3"}
    assert [each["request_id"] for each in told["refused_holds"]] == ["r4"]
    assert [(each["model"], each["diem"]) for each in told["usage"]] == [(TELLTALE, 40), (TELLTALE, 40)]
    assert {each["request_id"]: each["images"] for each in told["usage"]} == {"r1": 44, "r2": None}
    assert sum(sum(each["amounts"]) for each in told["journal"] if each["kind"] == "grant") == USD
    assert told["webhook"][0]["url"] == f"https://{TELLTALE}.example"
    assert told["adjustments"][0]["reason"] == told["acts_of_the_operator"][0]["reason"] == "an outage"
    assert len(told["sessions"]) == len(told["refused_by_rate"]) == len(told["rotations"]) == 1
    assert told["not_included"] == NOT_EXPORTED
    everything = json.dumps(told)
    assert world.rich.key_id not in everything
    with world.sessions.begin() as session:
        hashes = session.scalars(
            text(
                "SELECT secret_hash FROM api_keys UNION ALL SELECT token_hash FROM sessions "
                "UNION ALL SELECT secret_hash FROM retired_secrets UNION ALL SELECT fingerprint FROM holds"
            )
        ).all()
    assert len(hashes) >= 8
    assert not [each for each in hashes if bytes(each).hex() in everything]


def test_an_export_of_many_pages_has_each_row_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(world)
    whole = export(world, world.signed_in)
    for size in (1, 2):
        monkeypatch.setattr(own_data, "ROWS_PER_PAGE", size)
        again = export(world, world.signed_in)
        assert again | {"exported_at": 0} == whole | {"exported_at": 0}


def test_an_export_takes_a_session_or_an_admin_key(world: World) -> None:
    admin = world.service.keys.create(world.rich.account_id, NewKey("admin", KeyKind.ADMIN)).secret
    assert export(world, bearer(admin))["wallet"] == world.rich.wallet
    for headers, status, code in (
        ({}, 401, "not_authenticated"),
        (bearer(world.rich.secret), 403, "not_allowed"),
    ):
        assert_problem(world.client.get("/v1/wallet/export", headers=headers), status, code)


def test_deleting_leaves_what_was_paid_and_nothing_that_says_for_what(world: World) -> None:
    me = lived(world)
    signed_in = tomorrow(world)
    before = export(world, signed_in)
    answer = delete(world, world.person.address, signed_in)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["deleted"] == {
        "sessions ended": 2,
        "keys revoked": 1,
        "descriptions of keys": 1,
        "webhook": 1,
        "deliveries to the webhook": 0,
        "requests refused by a rate": 1,
        "records of requests emptied but for their cost": 2,
        "models of holds": 4,
    }
    assert told["before_epoch"] == epoch_at(world.service.clock.now())
    assert all(each["what"] and each["why"] for each in told["kept"])
    assert_problem(world.client.get("/v1/keys", headers=signed_in), 401, "not_authenticated")
    after = export(world, world.person.sign_in(world.client))
    assert TELLTALE not in json.dumps(after)
    for name in ("journal", "grants", "adjustments", "committed", "purchases", "memberships", "rotations"):
        assert after[name] == before[name], name
    counted = ("input_tokens", "output_tokens", "images", "latency_ms", "status")
    assert {each[name] for each in after["usage"] for name in counted} == {None}
    costs = ("hold_id", "number", "epoch", "diem", "usd", "shortfall", "created_at")
    assert [{name: each[name] for name in costs} for each in after["usage"]] == [
        {name: each[name] for name in costs} for each in before["usage"]
    ]
    assert audit(address(world.sessions)).findings == []
    assert_books_close(world.sessions)
    with world.sessions.begin() as session:
        assert access.account_of(session, me.wallet) == me.account_id


def test_deleting_touches_no_other_account(world: World) -> None:
    lived(world)
    bob = holder(world.sessions, diem=USD, number=9, wish=NewKey("bob's"))
    held = world.service.spend.hold(bob.gateway_id, bob.request(10, "b1", model="bob's")).hold
    world.service.spend.capture(bob.gateway_id, held.id, NanoUsd(10), Usage("bob's", 1, 2, 3, 200, "p"))
    signed_in = tomorrow(world)
    admin = bearer(world.service.keys.create(bob.account_id, NewKey("admin", KeyKind.ADMIN)).secret)
    before = export(world, admin)
    assert delete(world, world.person.wallet, signed_in).status_code == 200
    assert export(world, admin) | {"exported_at": 0} == before | {"exported_at": 0}


def test_todays_records_stay_and_deleting_again_takes_them_when_the_day_is_over(world: World) -> None:
    lived(world)
    told = delete(world, world.person.wallet, world.signed_in).json()["deleted"]
    assert (told["records of requests emptied but for their cost"], told["models of holds"]) == (0, 0)
    told = delete(world, world.person.wallet, tomorrow(world)).json()["deleted"]
    assert (told["records of requests emptied but for their cost"], told["models of holds"]) == (2, 4)
    told = delete(world, world.person.wallet, tomorrow(world)).json()["deleted"]
    assert told == dict.fromkeys(told, 0) | {"sessions ended": 1}


def test_a_request_that_comes_again_after_all_was_deleted_is_answered_as_before(world: World) -> None:
    me = lived(world)
    assert delete(world, world.person.wallet, tomorrow(world)).status_code == 200
    again = world.service.spend.hold(me.gateway_id, me.request(100, "r1", model=TELLTALE))
    assert (again.is_repeated, again.hold.captured) == (True, 40)
    assert_problem(world.hold(key=me.secret, request_id="new"), 401, "key_rotated")


def test_deleting_needs_the_wallets_own_address_and_its_session(world: World) -> None:
    me = lived(world)
    for confirm in ("yes", world.rich.wallet, "", me.wallet[:-1]):
        refused = assert_problem(delete(world, confirm, world.signed_in), 400, "invalid_request")
        assert refused["field"] == "confirm"
    admin = bearer(world.service.keys.create(me.account_id, NewKey("admin", KeyKind.ADMIN)).secret)
    assert_problem(delete(world, me.wallet, admin), 403, "not_allowed")
    assert_problem(delete(world, me.wallet, Person(8).sign_in(world.client)), 400, "invalid_request")
    assert len(export(world, world.signed_in)["webhook"]) == 1


def test_nothing_is_deleted_while_a_hold_is_open_and_all_once_it_has_ended(world: World) -> None:
    me = lived(world)
    secret = world.make_key().json()["secret"]
    hold = world.held(10, "open", key=secret)
    refused = assert_problem(delete(world, me.wallet, world.signed_in), 409, "holds_open")
    assert (refused["open"], refused["expire_at"] > world.service.clock.now()) == (1, True)
    assert len(export(world, world.signed_in)["webhook"]) == 1
    assert world.capture(hold, 3).status_code == 200
    assert delete(world, me.wallet, world.signed_in).status_code == 200
