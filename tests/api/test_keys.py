"""A wallet holder's keys: made, listed and revoked by a session or an ADMIN key, and by nobody else."""

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
