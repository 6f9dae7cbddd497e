"""The routes that clients of the live system call: its names, its types, its messages."""

import re
from collections.abc import Callable

import httpx
import pytest

from entitlement.core.events import LogPlace, VvvStaked
from entitlement.core.units import NANO_USD_MAX, Wei
from tests.api.support import Person, assert_problem, bearer
from tests.api.world import World
from tests.support import DIEM, GENESIS_TIME, ScriptedChain, catch_up, follower

KEYS = "/api/v1/api_keys"
WEB3 = "/api/v1/api_keys/generate_web3_key"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def create(world: World, **changes: object) -> httpx.Response:
    body = {"apiKeyType": "INFERENCE", "description": "mine"} | changes
    return world.client.post(KEYS, json=body, headers=world.signed_in)


def test_a_new_key_has_the_live_system_s_names_and_types(world: World) -> None:
    limit = {"usd": 12.5, "diem": 0}
    answer = create(world, consumptionLimit=limit, limitPeriod="MONTH", expiresAt="2099-12-31")
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"success", "data"}
    assert body["success"] is True
    data = body["data"]
    assert data.pop("apiKey").startswith("ent_")
    assert data.pop("id").startswith("key_")
    assert data == {
        "apiKeyType": "INFERENCE",
        "consumptionLimit": {"usd": 12.5, "diem": 0, "vcu": None},
        "limitPeriod": "MONTH",
        "modelPrivacy": "ALL",
        "description": "mine",
        "expiresAt": "2099-12-31T00:00:00Z",
    }
    assert all(type(each) is float for each in data["consumptionLimit"].values() if each is not None)


def test_a_list_has_the_limits_in_the_plural_and_no_secret(world: World) -> None:
    made = create(world, apiKeyType="ADMIN").json()["data"]
    answer = world.client.get(KEYS, headers=bearer(made["apiKey"]))
    assert made["apiKey"] not in answer.text
    assert answer.json()["object"] == "list"
    (item,) = answer.json()["data"]
    assert STAMP.fullmatch(item.pop("createdAt"))
    assert item == {
        "id": made["id"],
        "apiKeyType": "ADMIN",
        "consumptionLimits": {"usd": None, "diem": None, "vcu": None},
        "limitPeriod": "EPOCH",
        "modelPrivacy": "ALL",
        "description": "mine",
        "expiresAt": None,
        "last6Chars": made["apiKey"][-6:],
        "lastUsedAt": None,
        "usage": {"trailingSevenDays": {"usd": "0.0000", "vcu": "0.0000", "diem": "0.0000"}},
        "currentPeriodUsage": {"usd": 0, "diem": 0},
    }


def test_a_key_is_deleted_by_its_id(world: World) -> None:
    made = create(world).json()["data"]
    answer = world.client.delete(KEYS, params={"id": made["id"]}, headers=world.signed_in)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert world.client.get(KEYS, headers=world.signed_in).json()["data"] == []
    assert_problem(world.hold(key=made["apiKey"]), 401, "key_revoked")
    assert_problem(world.client.delete(KEYS, headers=world.signed_in), 400, "invalid_request")


@pytest.mark.parametrize(
    ("dollars", "nano_usd"),
    [
        (0, 0),
        (-0.0, 0),
        (1, 10**9),
        (0.1, 10**8),
        (1e-9, 1),
        (0.123456789, 123_456_789),
        (1e3, 10**12),
        (9_007_199, 9_007_199 * 10**9),
        (4_194_303.000000001, 4_194_303 * 10**9 + 1),
    ],
)
def test_dollars_become_nano_dollars_without_a_rounding(dollars: float, nano_usd: int, world: World) -> None:
    answer = create(world, consumptionLimit={"usd": dollars})
    assert answer.status_code == 200, answer.text
    (key,) = world.client.get("/v1/keys", headers=world.signed_in).json()["keys"]
    assert key["limits"]["usd"] == nano_usd
    assert answer.json()["data"]["consumptionLimit"]["usd"] == dollars


def test_the_largest_limit_that_a_key_can_have_is_told(world: World) -> None:
    made = world.make_key(limits={"usd": NANO_USD_MAX, "diem": 9_007_199 * 10**9 + 1}).json()["key"]
    (listed,) = world.client.get(KEYS, headers=world.signed_in).json()["data"]
    assert listed["consumptionLimits"] == {
        "usd": 9_007_199.254740991,
        "diem": 9_007_199.000000001,
        "vcu": None,
    }
    one = world.client.get(f"{KEYS}/{made['id']}", headers=world.signed_in)
    assert one.json()["data"] == listed


@pytest.mark.parametrize(
    ("stamp", "second"),
    [
        ("", None),
        ("2099-01-01", 4_070_908_800),
        ("2099-01-01T01:00:00", 4_070_912_400),
        ("2099-01-01T01:00:00Z", 4_070_912_400),
        ("2099-01-01T02:00:00.5+01:00", 4_070_912_400),
    ],
)
def test_an_expiry_is_a_date_or_a_time_in_utc_unless_it_says_otherwise(
    stamp: str, second: int | None, world: World
) -> None:
    assert create(world, expiresAt=stamp).status_code == 200
    (key,) = world.client.get("/v1/keys", headers=world.signed_in).json()["keys"]
    assert key["expires_at"] == second


@pytest.mark.parametrize(
    "stamp", ["tomorrow", "2099-13-01", "2020-01-01", "0001-01-01", "9999-12-31T23:59:59-14:00", "T"]
)
def test_an_expiry_that_is_none_or_past_is_a_400(stamp: str, world: World) -> None:
    assert_problem(create(world, expiresAt=stamp), 400, "invalid_request")


def test_a_limit_in_vcu_is_refused_since_there_are_none_any_more(world: World) -> None:
    assert (
        "VCU" in assert_problem(create(world, consumptionLimit={"vcu": 1}), 400, "invalid_request")["error"]
    )


# --- keys by wallet ---------------------------------------------------------------------------------------


@pytest.fixture
def staker(world: World) -> Person:
    """A person with VVV staked, at the service's own time."""
    person = Person(11)
    chain = ScriptedChain()
    chain.mine(lambda at: staked(at, person))
    catch_up(follower(chain, world.sessions))
    world.service.clock.jump_to(GENESIS_TIME + 60)
    return person


def staked(at: LogPlace, person: Person) -> VvvStaked:
    return VvvStaked(at=at, wallet=person.wallet, amount=Wei(DIEM))


def token(world: World) -> str:
    answer = world.client.get(WEB3)
    assert answer.status_code == 200
    assert answer.json().keys() == {"success", "data"}
    return str(answer.json()["data"]["token"])


def claim(world: World, person: Person, **changes: object) -> httpx.Response:
    jwt = str(changes.pop("token", token(world)))
    body = {
        "apiKeyType": "INFERENCE",
        "address": person.address,
        "signature": person.sign(jwt),
        "token": jwt,
    } | changes
    return world.client.post(WEB3, json=body)


def test_a_wallet_with_a_stake_gets_a_key_by_signing_a_token(world: World, staker: Person) -> None:
    answer = claim(world, staker, consumptionLimit={"diem": 1.5}, apiKeyType="ADMIN", description="by wallet")
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["description"] == "by wallet"
    assert data["consumptionLimit"] == {"usd": None, "diem": 1.5, "vcu": None}
    path = f"/v1/accounts/{staker.address}"
    assert world.client.get(path, headers=bearer(data["apiKey"])).json()["position"]["vvv_unlocked"] == str(
        DIEM
    )


def test_a_token_makes_one_key(world: World, staker: Person) -> None:
    jwt = token(world)
    assert claim(world, staker, token=jwt).status_code == 200
    refusal = assert_problem(claim(world, staker, token=jwt), 400, "sign_in_refused")
    assert refusal["error"].startswith("JWT claims are invalid")
    assert (
        len(world.service.keys.list(world.service.sign_in.authenticate(session(world, staker)).account_id))
        == 1
    )


def session(world: World, person: Person) -> str:
    return person.sign_in(world.client)["Authorization"].removeprefix("Bearer ")


FAILURES: dict[str, Callable[[World, Person], httpx.Response]] = {
    "Invalid wallet address": lambda w, p: claim(w, p, address="0x12"),
    "JWT is malformed": lambda w, p: claim(w, p, token="a.b.c"),
    "JWT signature is invalid": lambda w, p: claim(w, p, token=token(w)[:-8] + "AAAAAAAA"),
    "Wallet signature does not match": lambda w, p: claim(w, p, signature=Person(12).sign("something")),
    "Could not verify wallet signature": lambda w, p: claim(w, p, signature="0x" + "00" * 65),
    "Wallet has no staked VVV": lambda w, _: claim(w, Person(12)),
}


@pytest.mark.parametrize("message", FAILURES)
def test_a_refusal_has_the_live_system_s_message(message: str, world: World, staker: Person) -> None:
    assert assert_problem(FAILURES[message](world, staker), 400, "sign_in_refused")["error"] == message


def test_a_token_is_good_for_15_minutes(world: World, staker: Person) -> None:
    jwt = token(world)
    world.later(15 * 60 - 2)
    other = token(world)
    assert claim(world, staker, token=jwt).status_code == 200
    world.later(15 * 60)
    assert (
        assert_problem(claim(world, staker, token=other), 400, "sign_in_refused")["error"]
        == "JWT has expired"
    )
