"""Billing and limits as clients of the live system read them: names, types, figures, and headers."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from entitlement.core.keys import KeyKind, NewKey
from entitlement.core.ledger import Source
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.units import NanoUsd
from entitlement.store.raw import cursor_of
from entitlement.store.standing import REFUSALS_KEPT, RateRefusal, add_refusals
from tests.api.support import assert_problem, bearer
from tests.api.world import World
from tests.support import USD, grant, holder

BILLING = "/api/v1/billing"
HISTORY = f"{BILLING}/usage-history"
ANALYTICS = f"{BILLING}/usage-analytics"
KEYS = "/api/v1/api_keys"
LIMITS = f"{KEYS}/rate_limits"
HEADERS = {
    "x-venice-balance-diem",
    "x-venice-balance-usd",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
}


@pytest.fixture
def admin(world: World) -> dict[str, str]:
    """The headers of an ADMIN key of the rich account."""
    made = world.service.keys.create(world.rich.account_id, NewKey("admin", kind=KeyKind.ADMIN))
    return bearer(made.secret)


def charge(world: World, request_id: str, cost: int, **told: object) -> None:
    held = world.held(cost, request_id)
    assert world.capture(held, cost, usage={"model": "m", **told}).status_code == 200


def get(world: World, path: str, headers: dict[str, str], **query: object) -> Any:  # noqa: ANN401 - JSON
    answer = world.client.get(path, headers=headers, params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(world: World, headers: dict[str, str], **query: object) -> Iterator[list[dict[str, Any]]]:
    body = get(world, HISTORY, headers, **query)
    for _ in range(100):
        yield body["data"]
        if body["nextCursor"] is None:
            return
        body = get(world, HISTORY, headers, cursor=body["nextCursor"])
    raise AssertionError("the walk has no end")


# --- balances -----------------------------------------------------------------------------------------------


def test_a_balance_names_what_is_left_and_what_the_next_request_is_paid_from(world: World) -> None:
    plain = bearer(world.rich.secret)
    assert get(world, f"{BILLING}/balance", plain) == {
        "canConsume": True,
        "consumptionCurrency": "DIEM",
        "balances": {"diem": 1, "usd": 0},
        "diemEpochAllocation": 1,
    }
    charge(world, "all", USD)
    nothing = get(world, f"{BILLING}/balance", plain)
    assert (nothing["canConsume"], nothing["consumptionCurrency"]) == (False, None)
    grant(world.sessions, world.rich.account_id, Source.PREPAID, USD // 4)
    topped_up = get(world, f"{BILLING}/balance", plain)
    assert topped_up["balances"] == {"diem": 0, "usd": 0.25}
    assert topped_up["consumptionCurrency"] == "USD"


def test_what_the_next_request_is_paid_from_is_within_the_keys_own_limits(world: World) -> None:
    def told(**limits: NanoUsd) -> tuple[object, object]:
        made = world.service.keys.create(world.rich.account_id, NewKey("limited", limits=KeyLimits(**limits)))
        found = get(world, f"{BILLING}/balance", bearer(made.secret))
        return found["canConsume"], found["consumptionCurrency"]

    grant(world.sessions, world.rich.account_id, Source.PREPAID, USD)
    assert told() == (True, "DIEM")
    assert told(diem=NanoUsd(0)) == (True, "USD")
    assert told(diem=NanoUsd(0), usd=NanoUsd(0)) == (False, None)


def test_limits_are_told_within_the_keys_own_limit(world: World) -> None:
    wish = NewKey(
        "limited", limits=KeyLimits(diem=NanoUsd(USD // 2), period=LimitPeriod.LIFETIME), expires_at=4 * 10**9
    )
    limited = world.service.keys.create(world.rich.account_id, wish)
    charge_by = world.hold(USD // 10, "r", key=limited.secret).json()["hold"]["id"]
    assert world.capture(charge_by, USD // 10).status_code == 200
    data = get(world, LIMITS, bearer(limited.secret))["data"]
    assert data == {
        "accessPermitted": True,
        "apiTier": {"id": "free", "isCharged": True},
        "balances": {"USD": 0, "DIEM": 0.4},
        "keyExpiration": "2096-10-02T07:06:40Z",
        "nextEpochBegins": data["nextEpochBegins"],
        "rateLimits": [{"apiModelId": "*", "rateLimits": [{"amount": 300, "type": "RPM"}]}],
    }
    whole = get(world, LIMITS, bearer(world.rich.secret))["data"]
    assert (whole["balances"]["DIEM"], whole["keyExpiration"]) == (0.9, None)
    assert whole["nextEpochBegins"].endswith("T00:00:00Z")


def test_every_answer_to_somebody_who_is_known_carries_the_balances_and_the_rate(
    world: World, admin: dict[str, str]
) -> None:
    answers = [
        world.client.get(path, headers=admin)
        for path in (
            KEYS,
            f"{KEYS}/{world.rich.key_id}",
            LIMITS,
            f"{LIMITS}/log",
            f"{BILLING}/balance",
            HISTORY,
            ANALYTICS,
        )
    ]
    assert {answer.status_code for answer in answers} == {200}
    refused = [
        world.client.get(f"{KEYS}/key_none", headers=admin),
        world.client.get(HISTORY, params={"pageSize": 9}, headers=admin),
        world.client.get(HISTORY, headers=bearer(world.rich.secret)),
        world.client.post(KEYS, json={"description": ""}, headers=admin),
    ]
    assert [answer.status_code for answer in refused] == [404, 400, 403, 400]
    for answer in answers + refused:
        told = {name: value for name, value in answer.headers.items() if name in HEADERS}
        assert told.keys() == HEADERS, answer.request.url
        assert Decimal(told["x-venice-balance-diem"]) == 1
        assert told["x-ratelimit-limit-requests"] in ("300", "600")
        assert int(told["x-ratelimit-reset-requests"]) >= 0
    unknown = world.client.get(f"{BILLING}/balance", headers=bearer("ent_none"))
    assert_problem(unknown, 401, "unknown_key")
    assert not HEADERS & unknown.headers.keys()
    assert not HEADERS & world.client.get("/health/live").headers.keys()


def test_what_is_left_of_a_rate_is_told(world: World) -> None:
    plain = bearer(world.rich.secret)
    now = world.service.clock.now()
    with world.sessions.begin() as session, cursor_of(session) as cursor:
        until = (now + 45) * 10**6
        cursor.execute("UPDATE accounts SET rate_until = %s WHERE id = %s", (until, world.rich.account_id))
    headers = world.client.get(LIMITS, headers=plain).headers
    assert headers["x-ratelimit-limit-requests"] == "600"
    assert 150 <= int(headers["x-ratelimit-remaining-requests"]) < 300
    assert int(headers["x-ratelimit-reset-requests"]) == now + 45


# --- the history --------------------------------------------------------------------------------------------


def test_a_request_is_a_line_for_input_and_one_for_output_with_negative_amounts(
    world: World, admin: dict[str, str]
) -> None:
    charge(world, "r1", 1_000, input_tokens=300, output_tokens=100, latency_ms=12)
    world.later(1)
    (page,) = pages(world, admin)
    details = {"requestId": "r1", "promptTokens": 300, "completionTokens": 100, "inferenceExecutionTime": 12}
    shared = {
        "currency": "DIEM",
        "inferenceDetails": details,
        "notes": "API Inference",
        "pricePerUnitUsd": 0.0025,
    }
    stamp = page[0]["timestamp"]
    assert page == [
        {**shared, "amount": -7.5e-7, "sku": "m-llm-input-mtoken", "timestamp": stamp, "units": 0.0003},
        {**shared, "amount": -2.5e-7, "sku": "m-llm-output-mtoken", "timestamp": stamp, "units": 0.0001},
    ]


def test_a_request_for_images_is_a_line_of_so_many_images_in_each_currency_that_paid(
    world: World, admin: dict[str, str]
) -> None:
    grant(world.sessions, world.rich.account_id, Source.PREPAID, USD)
    charge(world, "r1", USD + 100, input_tokens=0, output_tokens=0, images=3)
    world.later(1)
    charge(world, "r2", 50, images=0)
    world.later(1)
    ((diem, usd, none),) = pages(world, admin)
    assert {name: diem[name] for name in ("sku", "units", "amount", "currency", "pricePerUnitUsd")} == {
        "sku": "m-image-unit",
        "units": 3,
        "amount": -1,
        "currency": "DIEM",
        "pricePerUnitUsd": 0.333333333,
    }
    assert (usd["sku"], usd["units"], usd["amount"], usd["currency"], usd["pricePerUnitUsd"]) == (
        "m-image-unit",
        3,
        -1e-7,
        "USD",
        3.3e-8,
    )
    assert (none["sku"], none["units"], none["pricePerUnitUsd"]) == ("m-request", 1, 5e-8)
    table = world.client.get(HISTORY, headers={"accept": "text/csv", **admin}).text
    first, second, _ = csv.DictReader(io.StringIO(table))
    assert (first["sku"], first["units"], first["pricePerUnitUsd"]) == ("m-image-unit", "3", "0.333333333")
    assert (second["sku"], second["units"], second["amount"]) == ("m-image-unit", "3", "-0.000000100")


def test_a_cursor_goes_on_where_the_page_ended_and_the_whole_sums_to_what_was_charged(
    world: World, admin: dict[str, str]
) -> None:
    grant(world.sessions, world.rich.account_id, Source.PREPAID, USD)
    for number in range(12):
        charge(world, f"r{number}", 150_000_001, input_tokens=7, output_tokens=3)
    world.later(1)
    told = list(pages(world, admin, pageSize=10))
    assert [len(page) for page in told[:-1]] == [10] * (len(told) - 1)
    items = [item for page in told for item in page]
    assert sum(Decimal(str(item["amount"])) for item in items) * USD == -12 * 150_000_001
    assert len({(i["inferenceDetails"]["requestId"], i["sku"], i["currency"]) for i in items}) == len(items)
    assert [item["timestamp"] for item in items] == sorted(item["timestamp"] for item in items)
    for currency in ("DIEM", "USD"):
        own = [item for page in pages(world, admin, pageSize=10, currency=currency) for item in page]
        assert own == [item for item in items if item["currency"] == currency]
        assert own
    assert get(world, HISTORY, admin, currency="VCU") == {"data": [], "nextCursor": None}
    assert get(world, HISTORY, admin, currency="BUNDLED_CREDITS") == {"data": [], "nextCursor": None}


def test_a_table_has_the_same_lines_exactly_and_says_in_a_header_how_it_goes_on(
    world: World, admin: dict[str, str]
) -> None:
    for number in range(6):
        charge(world, f"r{number}", 1_000 + number, input_tokens=1, output_tokens=2)
    world.held(5, "=formula()")
    world.later(1)
    wanted = {"accept": "text/csv", **admin}
    first = world.client.get(HISTORY, params={"pageSize": 10}, headers=wanted)
    assert first.headers["content-type"].startswith("text/csv")
    second = world.client.get(
        HISTORY, params={"cursor": first.headers["x-venice-next-cursor"]}, headers=wanted
    )
    assert "x-venice-next-cursor" not in second.headers
    rows = [row for answer in (first, second) for row in csv.DictReader(io.StringIO(answer.text))]
    assert sum(Decimal(row["amount"]) for row in rows) * USD == -sum(1_000 + number for number in range(6))
    assert sorted(row["requestId"] for row in rows) == [f"r{number}" for number in range(6) for _ in "io"]
    assert rows[0].keys() >= {"timestamp", "sku", "units", "currency", "promptTokens"}
    assert "E" not in rows[0]["amount"]


def test_a_name_that_somebody_chose_is_no_formula_in_a_table(world: World, admin: dict[str, str]) -> None:
    charge(world, "=HYPERLINK(1)", 10)
    world.later(1)
    table = world.client.get(HISTORY, headers={"accept": "text/csv", **admin}).text
    assert ",'=HYPERLINK(1)," in table


def test_a_history_that_ends_within_a_second_has_all_of_it_and_one_that_begins_there_none(
    world: World, admin: dict[str, str]
) -> None:
    charge(world, "r1", 10)
    world.later(5)
    (line,) = get(world, HISTORY, admin)["data"]
    second = line["timestamp"].removesuffix("Z")
    assert get(world, HISTORY, admin, startTimestamp=f"{second}.000Z")["data"] == [line]
    assert get(world, HISTORY, admin, startTimestamp=f"{second}.001Z")["data"] == []
    assert get(world, HISTORY, admin, endTimestamp=f"{second}.000Z")["data"] == []
    # As the end of a day is often written.
    assert get(world, HISTORY, admin, endTimestamp=f"{second}.999Z")["data"] == [line]


WRONG: dict[str, dict[str, object]] = {
    "a page too small": {"pageSize": 9},
    "a page too large": {"pageSize": 1_001},
    "an end before the start": {"startTimestamp": "2026-02-02", "endTimestamp": "2026-02-01"},
    "no time": {"startTimestamp": "yesterday"},
    "a time before all": {"endTimestamp": "1960-01-01"},
    "no currency": {"currency": "EUR"},
    "no cursor": {"cursor": "abc"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_no_history_can_answer_is_a_400(wrong: str, shared_world: World) -> None:
    answer = shared_world.client.get(HISTORY, params=WRONG[wrong], headers=shared_world.signed_in)  # type: ignore[arg-type]
    assert_problem(answer, 400, "invalid_request")


def test_a_cursor_goes_alone_and_is_of_no_use_to_another_account(world: World, admin: dict[str, str]) -> None:
    for number in range(6):
        charge(world, f"r{number}", 10, input_tokens=1, output_tokens=1)
    world.later(1)
    cursor = get(world, HISTORY, admin, pageSize=10)["nextCursor"]
    for more in ({"pageSize": 10}, {"currency": "USD"}, {"startTimestamp": "2026-01-01"}):
        answer = world.client.get(HISTORY, params={"cursor": cursor, **more}, headers=admin)  # type: ignore[dict-item]
        assert_problem(answer, 400, "invalid_request")
    stolen = world.client.get(HISTORY, params={"cursor": cursor}, headers=world.signed_in)
    assert_problem(stolen, 400, "invalid_request")


def test_the_history_takes_a_session_or_an_admin_key(world: World) -> None:
    for path in (HISTORY, ANALYTICS, f"{LIMITS}/log"):
        assert_problem(world.client.get(path, headers=bearer(world.rich.secret)), 403, "not_allowed")
        assert world.client.get(path, headers=world.signed_in).status_code == 200


# --- sums ---------------------------------------------------------------------------------------------------


def test_analytics_sum_by_day_model_and_key(world: World, admin: dict[str, str]) -> None:
    charge(world, "r1", 1_000, input_tokens=30, output_tokens=10)
    held = world.held(500, "r2")
    world.capture(held, 500, usage={"model": "date"})
    body = get(world, ANALYTICS, admin)
    assert body["lookback"] == "7d"
    (today,) = body["byDate"]
    assert (today["DIEM"], today["USD"]) == (1.5e-6, 0)
    assert [(each["modelName"], each["totalDiem"], each["totalUnits"]) for each in body["byModel"]] == [
        ("m", 1e-6, 40),
        ("date", 5e-7, 0),
    ]
    assert body["byModel"][0]["breakdown"] == [
        {"type": "Input", "units": 30},
        {"type": "Output", "units": 10},
    ]
    assert body["topModels"] == ["m", "date"]
    assert [(each["apiKeyId"], each["description"], each["totalDiem"]) for each in body["byKey"]] == [
        (world.rich.key_id, "a key", 1.5e-6)
    ]
    assert body["topKeyNames"] == ["a key"]
    assert body["byKeyDaily"][0]["a key"] == 1.5e-6
    (daily,) = body["byModelDaily"]
    assert daily.pop("date") % 86_400_000 == 0
    assert sum(Decimal(str(each)) for each in daily.values()) * USD == 1_500
    same = get(world, ANALYTICS, admin, startDate=today["date"], endDate=today["date"])
    assert same["lookback"] == f"{today['date']}:{today['date']}"
    assert same["byDate"] == body["byDate"]
    assert get(world, ANALYTICS, admin, lookback="1d")["byDate"] == body["byDate"]


def test_analytics_count_images_where_a_model_has_no_tokens(world: World, admin: dict[str, str]) -> None:
    charge(world, "r1", 50, model="painter", images=2)
    charge(world, "r2", 50, model="painter", images=3, input_tokens=0)
    charge(world, "r3", 30, model="both", images=5, input_tokens=30)
    charge(world, "r4", 20, model="writer", output_tokens=7)
    charge(world, "r5", 10, model="silent")
    body = get(world, ANALYTICS, admin)
    told = [
        (each["modelName"], each["unitType"], each["totalUnits"], each["breakdown"])
        for each in body["byModel"]
    ]

    def directions(read: int, written: int) -> list[dict[str, object]]:
        return [{"type": "Input", "units": read}, {"type": "Output", "units": written}]

    assert told == [
        ("painter", "images", 5, []),
        ("both", "tokens", 30, directions(30, 0)),
        ("writer", "tokens", 7, directions(0, 7)),
        ("silent", "tokens", 0, directions(0, 0)),
    ]
    assert [each["totalUnits"] for each in body["byKey"]] == [2 + 3 + 5 + 30 + 7]


@pytest.mark.parametrize(
    "wrong",
    [
        {"lookback": "91d"},
        {"lookback": "0d"},
        {"startDate": "2026-01-01"},
        {"endDate": "2026-01-01"},
        {"lookback": "7d", "startDate": "2026-01-01", "endDate": "2026-01-02"},
        {"startDate": "2026-01-02", "endDate": "2026-01-01"},
        {"startDate": "2026-01-01", "endDate": "2026-04-01"},
        {"startDate": "2026-13-01", "endDate": "2026-04-01"},
    ],
)
def test_analytics_are_of_90_days_at_the_most(wrong: dict[str, str], shared_world: World) -> None:
    answer = shared_world.client.get(ANALYTICS, params=wrong, headers=shared_world.signed_in)
    assert_problem(answer, 400, "invalid_request")


# --- refusals by a rate -------------------------------------------------------------------------------------


def test_the_last_50_refusals_of_an_account_are_kept_and_told_newest_first(
    world: World, admin: dict[str, str]
) -> None:
    other = holder(world.sessions, number=9)

    def refused(account_id: int, at: int) -> RateRefusal:
        return RateRefusal(account_id, world.rich.key_id, f"model {at}", "free", "key", at, 1)

    mine = [refused(world.rich.account_id, at) for at in range(1, 4 * REFUSALS_KEPT)]
    theirs = [refused(other.account_id, at) for at in range(1, 4 * REFUSALS_KEPT)]
    both = [each for pair in zip(mine, theirs, strict=True) for each in pair]
    for first in range(0, len(both), 70):
        with world.sessions.begin() as session, cursor_of(session) as cursor:
            add_refusals(cursor, both[first : first + 70])
            add_refusals(cursor, [])
    with world.sessions.begin() as session, cursor_of(session) as cursor:
        add_refusals(cursor, [refused(world.rich.account_id, 1_000)] * 300)
        cursor.execute("SELECT count(*) FROM rate_refusals")
        (kept,) = cursor.fetchone() or (0,)
    assert kept == 2 * REFUSALS_KEPT
    body = get(world, f"{LIMITS}/log", admin)
    assert body["object"] == "list"
    assert [each["modelId"] for each in body["data"]] == ["model 1000"] * REFUSALS_KEPT
    assert body["data"][0] == {
        "apiKeyId": world.rich.key_id,
        "modelId": "model 1000",
        "rateLimitTier": "free",
        "rateLimitType": "RPM",
        "timestamp": "1970-01-01T00:16:40Z",
    }
    told = world.service.standing.refusals(other.account_id)
    assert [each.refused_at for each in told] == list(range(199, 149, -1))


# --- keys ---------------------------------------------------------------------------------------------------


def change(world: World, key_id: str, headers: dict[str, str], **changes: object) -> httpx.Response:
    return world.client.patch(KEYS, json={"id": key_id} | changes, headers=headers)


def test_a_key_tells_what_it_has_spent_and_when_it_was_last_used(world: World, admin: dict[str, str]) -> None:
    grant(world.sessions, world.rich.account_id, Source.PREPAID, USD)
    charge(world, "r1", USD + 123_456_789)
    world.held(1_000, "held, and so not spent")
    item = get(world, f"{KEYS}/{world.rich.key_id}", admin)["data"]
    assert item["usage"] == {"trailingSevenDays": {"usd": "0.1234", "vcu": "0.0000", "diem": "1.0000"}}
    assert item["currentPeriodUsage"] == {"usd": 0.123456789, "diem": 1}
    assert item["lastUsedAt"].endswith("Z")
    assert item in get(world, KEYS, admin)["data"]
    assert change(world, world.rich.key_id, admin, limitPeriod="LIFETIME").status_code == 200
    world.later(86_400)
    tomorrow = get(world, f"{KEYS}/{world.rich.key_id}", admin)["data"]
    assert tomorrow["currentPeriodUsage"] == item["currentPeriodUsage"]
    assert change(world, world.rich.key_id, admin, limitPeriod="EPOCH").json()["data"][
        "currentPeriodUsage"
    ] == {
        "usd": 0,
        "diem": 0,
    }
    assert change(world, world.rich.key_id, admin, limitPeriod="LIFETIME").status_code == 200
    assert tomorrow["usage"] == item["usage"]
    assert tomorrow["lastUsedAt"] == item["lastUsedAt"]
    world.later(6 * 86_400)
    assert (
        get(world, f"{KEYS}/{world.rich.key_id}", admin)["data"]["usage"]["trailingSevenDays"]["diem"]
        == "0.0000"
    )


def test_a_change_changes_what_it_names_and_holds_from_the_next_request_on(
    world: World, admin: dict[str, str]
) -> None:
    key_id = world.rich.key_id
    answer = change(world, key_id, admin, consumptionLimit={"diem": 0.5, "usd": 2}, limitPeriod="LIFETIME")
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    assert answer.json()["data"]["consumptionLimits"] == {"usd": 2, "diem": 0.5, "vcu": None}
    assert_problem(world.hold(USD // 2 + 1), 402, "key_limit_reached")
    named = change(world, key_id, admin, description="other", expiresAt="2099-01-01").json()["data"]
    assert (named["description"], named["expiresAt"]) == ("other", "2099-01-01T00:00:00Z")
    assert (named["consumptionLimits"]["diem"], named["limitPeriod"]) == (0.5, "LIFETIME")
    kept = change(world, key_id, admin, limitPeriod="MONTH").json()["data"]
    assert (kept["expiresAt"], kept["limitPeriod"]) == ("2099-01-01T00:00:00Z", "MONTH")
    freed = change(world, key_id, admin, consumptionLimit={"diem": None}, expiresAt="").json()["data"]
    assert freed["consumptionLimits"] == {"usd": 2, "diem": None, "vcu": None}
    assert freed["expiresAt"] is None
    assert world.hold(USD // 2 + 1, "again").status_code == 201


def test_an_expired_key_can_be_renamed_and_brought_back(world: World, admin: dict[str, str]) -> None:
    wish = NewKey("short", expires_at=world.service.clock.now() + 60)
    key_id = world.service.keys.create(world.rich.account_id, wish).key.id
    world.later(60)
    assert change(world, key_id, admin, description="late").json()["data"]["description"] == "late"
    assert_problem(change(world, key_id, admin, expiresAt="2020-01-01"), 400, "invalid_request")
    assert change(world, key_id, admin, expiresAt=None).json()["data"]["expiresAt"] is None


def test_a_key_that_is_revoked_or_anothers_cannot_be_read_or_changed(
    world: World, admin: dict[str, str]
) -> None:
    theirs = holder(world.sessions, number=9).key_id
    world.service.keys.revoke(world.rich.account_id, world.rich.key_id)
    for key_id in (world.rich.key_id, theirs, "key_none"):
        assert_problem(world.client.get(f"{KEYS}/{key_id}", headers=admin), 404, "unknown_key_id")
        assert_problem(change(world, key_id, admin, description="x"), 404, "unknown_key_id")
    assert world.service.keys.read(world.rich.account_id, world.rich.key_id).description == "a key"


@pytest.mark.parametrize(
    "wrong",
    [
        {"description": ""},
        {"description": "x" * 65},
        {"consumptionLimit": {"vcu": 1}},
        {"consumptionLimit": {"usd": -1}},
        {"consumptionLimit": {"eur": 1}},
        {"limitPeriod": "YEAR"},
        {"expiresAt": "tomorrow"},
        {"apiKeyType": "ADMIN"},
    ],
)
def test_a_change_that_is_none_is_a_400(
    wrong: dict[str, object], world: World, admin: dict[str, str]
) -> None:
    before = world.service.keys.read(world.rich.account_id, world.rich.key_id)
    assert_problem(change(world, world.rich.key_id, admin, **wrong), 400, "invalid_request")
    assert world.service.keys.read(world.rich.account_id, world.rich.key_id) == before
