"""A wallet holder's keys: made, listed and revoked by a session or an ADMIN key, and by nobody else."""

from typing import Any

import httpx
import pytest

from entitlement.core.acts import Because
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.keys import KeyKind, NewKey
from entitlement.core.units import NANO_USD_MAX
from tests.api.support import Person, assert_problem, bearer
from tests.api.world import World
from tests.support import holder

KEY_FIELDS = {
    "id",
    "description",
    "type",
    "last_six",
    "limits",
    "model_privacy",
    "created_at",
    "expires_at",
    "revoked_at",
    "suspended_at",
    "paused_at",
    "rotated_at",
    "last_used_at",
    "spent",
}


def test_a_key_is_made_as_wished_and_its_secret_is_shown_once(world: World) -> None:
    wish = {
        "description": "für alle Fälle",
        "type": "ADMIN",
        "limits": {"diem": 5, "usd": NANO_USD_MAX, "period": "month"},
        "model_privacy": "PRIVATE_ONLY",
        "expires_at": 4_000_000_000,
    }
    answer = world.make_key(**wish)
    assert answer.status_code == 201
    key, secret = answer.json()["key"], answer.json()["secret"]
    assert key.keys() == KEY_FIELDS
    assert key.items() >= wish.items()
    assert secret.startswith("ent_")
    assert secret.endswith(key["last_six"])
    listed = world.client.get("/v1/keys", headers=world.signed_in)
    assert listed.json()["keys"] == [key]
    assert secret not in listed.text


def test_a_key_has_no_limits_of_its_own_unless_it_is_given_some(world: World) -> None:
    key = world.make_key().json()["key"]
    assert key["limits"] == {"diem": None, "usd": None, "period": "epoch"}
    assert (key["type"], key["model_privacy"], key["expires_at"]) == ("INFERENCE", "ALL", None)


def test_a_revoked_key_is_refused_everywhere_and_no_longer_listed(world: World) -> None:
    made = world.make_key(type="ADMIN").json()
    path, secret = f"/v1/keys/{made['key']['id']}", made["secret"]
    first = world.client.delete(path, headers=world.signed_in)
    assert first.status_code == 200
    assert first.json()["revoked_at"] is not None
    world.later(10)
    assert world.client.delete(path, headers=world.signed_in).json() == first.json()
    assert world.client.get("/v1/keys", headers=world.signed_in).json() == {"keys": []}
    assert_problem(world.client.get("/v1/keys", headers=bearer(secret)), 401, "key_revoked")
    assert_problem(world.hold(key=secret), 401, "key_revoked")


def test_an_expired_key_is_refused_everywhere_but_listed(world: World) -> None:
    made = world.make_key(type="ADMIN", expires_at=world.service.clock.now() + 60).json()
    assert world.client.get("/v1/keys", headers=bearer(made["secret"])).status_code == 200
    world.later(60)
    refused = world.client.get("/v1/keys", headers=bearer(made["secret"]))
    assert assert_problem(refused, 401, "key_expired")["expired_at"] == made["key"]["expires_at"]
    assert_problem(world.hold(key=made["secret"]), 401, "key_expired")
    assert world.client.get("/v1/keys", headers=world.signed_in).json()["keys"] == [made["key"]]


def test_a_key_that_has_already_expired_or_never_will_in_any_calendar_is_not_made(world: World) -> None:
    for moment in (0, world.service.clock.now(), 253_402_300_800, 2**53 - 1):
        assert_problem(world.make_key(expires_at=moment), 400, "invalid_request")


def test_an_admin_key_manages_keys_and_an_inference_key_does_not(world: World) -> None:
    admin = bearer(world.make_key(type="ADMIN").json()["secret"])
    made = world.client.post("/v1/keys", json={"description": "by a key"}, headers=admin)
    assert made.status_code == 201
    plain = bearer(made.json()["secret"])
    path = f"/v1/keys/{made.json()['key']['id']}"
    assert_problem(world.client.get("/v1/keys", headers=plain), 403, "not_allowed")
    assert_problem(
        world.client.post("/v1/keys", json={"description": "x"}, headers=plain), 403, "not_allowed"
    )
    assert_problem(world.client.delete(path, headers=plain), 403, "not_allowed")
    assert_problem(world.client.get("/api/v1/api_keys", headers=plain), 403, "not_allowed")
    assert world.client.delete(path, headers=admin).status_code == 200


def test_any_key_may_read_its_own_account_and_no_other(world: World) -> None:
    plain = bearer(world.rich.secret)
    account = world.client.get(f"/v1/accounts/{world.rich.wallet}", headers=plain)
    assert account.status_code == 200
    assert account.json()["balance"]["available"] == 10**9
    assert_problem(world.client.get(f"/v1/accounts/{world.person.wallet}", headers=plain), 403, "not_allowed")


def test_nobody_sees_or_revokes_the_key_of_another_account(world: World) -> None:
    theirs = holder(world.sessions, number=7)
    path = f"/v1/keys/{theirs.key_id}"
    for headers in (world.signed_in, Person(3).sign_in(world.client)):
        assert_problem(world.client.delete(path, headers=headers), 404, "unknown_key_id")
        deleted = world.client.delete(f"/api/v1/api_keys?id={theirs.key_id}", headers=headers)
        assert_problem(deleted, 404, "unknown_key_id")
        assert world.client.get("/v1/keys", headers=headers).json() == {"keys": []}
    assert world.service.keys.read(theirs.account_id, theirs.key_id).revoked_at is None


def test_a_description_is_one_to_64_printable_characters(world: World) -> None:
    assert world.make_key(description="x" * 64).status_code == 201
    assert world.make_key(description="钥" * 64).status_code == 201
    for description in ("", "x" * 65, "tab\t", "\u202e", "\ue000"):
        assert_problem(world.make_key(description=description), 400, "invalid_request")


def change(world: World, key_id: str, **changes: object) -> httpx.Response:
    return world.client.patch(f"/v1/keys/{key_id}", json=changes, headers=world.signed_in)


def test_a_change_changes_what_is_sent_and_nothing_else(world: World) -> None:
    wish = {"limits": {"diem": 5, "usd": 7, "period": "month"}, "expires_at": 4_000_000_000}
    key = world.make_key(**wish).json()["key"]
    steps: list[tuple[dict[str, object], dict[str, object]]] = [
        ({}, {}),
        ({"description": "other"}, {"description": "other"}),
        ({"limits": {"usd": None}}, {"limits": {"diem": 5, "usd": None, "period": "month"}}),
        (
            {"limits": {"diem": 0, "period": "epoch"}},
            {"limits": {"diem": 0, "usd": None, "period": "epoch"}},
        ),
        ({"limits": {}}, {}),
        ({"model_privacy": "PRIVATE_TEXT"}, {"model_privacy": "PRIVATE_TEXT"}),
        ({"expires_at": None}, {"expires_at": None}),
        ({"expires_at": 4_100_000_000}, {"expires_at": 4_100_000_000}),
    ]
    for sent, changed in steps:
        answer = change(world, key["id"], **sent)
        assert answer.status_code == 200, answer.text
        key |= changed
        assert answer.json() == key
        assert world.client.get("/v1/keys", headers=world.signed_in).json()["keys"] == [key]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": "x"}, "name"),
        ({"type": "ADMIN"}, "type"),
        ({"limits": {"eur": 1}}, "limits.eur"),
        ({"limits": {"diem": -1}}, "limits.diem"),
        ({"limits": {"diem": 1.5}}, "limits.diem"),
        ({"paused": "yes"}, "paused"),
        ({"paused": None}, ""),
        ({"description": None}, ""),
        ({"limits": None}, ""),
        ({"limits": {"period": None}}, ""),
        ({"model_privacy": None}, ""),
        ({"model_privacy": "SOME"}, "model_privacy"),
    ],
    ids=str,
)
def test_a_change_that_is_not_understood_is_refused_with_its_field(
    sent: dict[str, object], field: str, world: World
) -> None:
    key = world.make_key().json()["key"]
    body = assert_problem(change(world, key["id"], **sent), 400, "invalid_request")
    assert body["errors"][0]["field"] == field
    assert world.client.get("/v1/keys", headers=world.signed_in).json()["keys"] == [key]


def test_a_change_to_what_no_new_key_may_be_is_refused(world: World) -> None:
    key = world.make_key().json()["key"]
    for sent in ({"description": "x" * 65}, {"description": ""}, {"expires_at": 5}):
        assert_problem(change(world, key["id"], **sent), 400, "invalid_request")
    assert_problem(change(world, "key_unknown", paused=True), 404, "unknown_key_id")


def test_a_paused_key_is_refused_everywhere_says_what_to_do_and_is_listed(world: World) -> None:
    made = world.make_key(type="ADMIN").json()
    key, secret = made["key"], made["secret"]
    paused = change(world, key["id"], paused=True).json()
    assert paused["paused_at"] is not None
    refused = assert_problem(world.client.get("/v1/keys", headers=bearer(secret)), 401, "key_paused")
    assert refused["paused_at"] == paused["paused_at"]
    assert "PATCH /v1/keys" in refused["detail"]
    assert_problem(world.hold(key=secret), 401, "key_paused")
    asked = world.client.get("/v1/keys/introspect", headers=world.gateway | {"X-Api-Key": secret})
    assert_problem(asked, 401, "key_paused")
    assert world.client.get("/v1/keys", headers=world.signed_in).json()["keys"] == [paused]
    assert change(world, key["id"], paused=False).json()["paused_at"] is None
    assert world.client.get("/v1/keys", headers=bearer(secret)).status_code == 200


def test_a_suspended_key_is_not_freed_by_its_owner(world: World) -> None:
    made = world.make_key(type="ADMIN").json()
    world.service.suspensions.suspend(made["key"]["id"], Because("ada", "it was published"))
    assert change(world, made["key"]["id"], paused=False).json()["suspended_at"] is not None
    rotated = world.client.post(f"/v1/keys/{made['key']['id']}/rotate", headers=world.signed_in).json()
    for secret, code in ((made["secret"], "key_rotated"), (rotated["secret"], "key_suspended")):
        assert_problem(world.client.get("/v1/keys", headers=bearer(secret)), 401, code)


def test_a_rotated_key_has_a_new_secret_and_the_old_one_is_refused_at_once(world: World) -> None:
    made = world.make_key(type="ADMIN", limits={"diem": 5}).json()
    path = f"/v1/keys/{made['key']['id']}/rotate"
    answer = world.client.post(path, headers=bearer(made["secret"]))
    assert answer.status_code == 200
    key, secret = answer.json()["key"], answer.json()["secret"]
    assert key == made["key"] | {"last_six": secret[-6:], "rotated_at": key["rotated_at"]}
    assert_problem(world.client.post(path, headers=bearer(made["secret"])), 401, "key_rotated")
    assert_problem(world.hold(key=made["secret"]), 401, "key_rotated")
    listed = world.client.get("/v1/keys", headers=bearer(secret))
    assert listed.json()["keys"] == [key]
    assert secret not in listed.text


def test_what_a_key_has_spent_and_when_it_was_used_is_told_by_its_period(world: World) -> None:
    rich = world.rich
    admin = bearer(world.service.keys.create(rich.account_id, NewKey("a", KeyKind.ADMIN)).secret)
    path = f"/v1/keys/{rich.key_id}"

    def now() -> dict[str, Any]:
        listed = world.client.get("/v1/keys", headers=admin).json()["keys"]
        (found,) = [key for key in listed if key["id"] == rich.key_id]
        return dict(found)

    assert (now()["last_used_at"], now()["spent"]) == (None, {"diem": 0, "usd": 0})
    world.capture(world.held(100), 40)
    assert now()["spent"] == {"diem": 40, "usd": 0}
    assert abs(now()["last_used_at"] - world.service.clock.now()) < 300
    world.later(SECONDS_PER_EPOCH)
    assert now()["spent"] == {"diem": 0, "usd": 0}
    changed = world.client.patch(path, json={"limits": {"period": "lifetime"}}, headers=admin)
    assert changed.json()["spent"] == {"diem": 40, "usd": 0}


def test_only_who_manages_keys_changes_or_rotates_them_and_only_his_own(world: World) -> None:
    theirs = holder(world.sessions, number=7)
    plain = bearer(world.rich.secret)
    for ask in ("patch", "post"):
        path = f"/v1/keys/{theirs.key_id}" + ("/rotate" if ask == "post" else "")
        sent = {"json": {"paused": True}} if ask == "patch" else {}
        answer = world.client.request(ask, path, headers=world.signed_in, **sent)  # type: ignore[arg-type]
        assert_problem(answer, 404, "unknown_key_id")
        mine = path.replace(theirs.key_id, world.rich.key_id)
        refused = world.client.request(ask, mine, headers=plain, **sent)  # type: ignore[arg-type]
        assert_problem(refused, 403, "not_allowed")
    assert world.service.keys.read(theirs.account_id, theirs.key_id).paused_at is None
    assert world.service.keys.authenticate(theirs.secret).id == theirs.key_id
