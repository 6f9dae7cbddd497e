"""Signing in by EIP-4361: only the wallet's owner, only here, only now, and only once."""

import pytest
from siwe import ISO8601Datetime

from entitlement.flows.sign_in import NONCE_SECONDS, SESSION_SECONDS
from tests.api.support import DOMAIN, Person, assert_problem, bearer
from tests.api.world import World

MALLORY = Person(2)


def nonce(world: World) -> str:
    answer = world.client.post("/v1/sign-in/nonce")
    assert answer.status_code == 201
    return str(answer.json()["nonce"])


def send(world: World, message: str, signature: str, kind: str) -> None:
    """Check that a sign-in is refused for this reason."""
    answer = world.client.post("/v1/sign-in", json={"message": message, "signature": signature})
    assert assert_problem(answer, 400, "sign_in_refused")["kind"] == kind


def test_a_nonce_comes_with_what_a_message_must_say(world: World) -> None:
    body = world.client.post("/v1/sign-in/nonce").json()
    assert body.keys() == {"nonce", "expires_at", "domains", "chain_id"}
    assert DOMAIN in body["domains"]
    assert body["chain_id"] == 31_337
    assert 0 < body["expires_at"] - world.service.clock.now() <= NONCE_SECONDS


def test_a_wallet_signs_in_sees_its_account_and_signs_out(world: World) -> None:
    person = Person(5)
    headers = person.sign_in(world.client)
    path = f"/v1/accounts/{person.address}"
    assert world.client.get(path, headers=headers).json()["wallet"] == person.wallet
    assert world.client.post("/v1/sign-out", headers=headers).status_code == 204
    assert_problem(world.client.get(path, headers=headers), 401, "not_authenticated")
    assert world.client.post("/v1/sign-out", headers=headers).status_code == 204
    assert world.client.post("/v1/sign-out").status_code == 204


def test_signing_out_everywhere_ends_every_session_of_the_wallet_and_no_key_and_nobody_elses(
    world: World,
) -> None:
    person = Person(5)
    here, there, other = person.sign_in(world.client), person.sign_in(world.client), world.signed_in
    path = f"/v1/accounts/{person.address}"
    body = {"description": "a key", "type": "ADMIN"}
    key = bearer(world.client.post("/v1/keys", json=body, headers=here).json()["secret"])
    refused = world.client.delete("/v1/wallet/sessions", headers=key)
    assert "takes a session" in assert_problem(refused, 403, "not_allowed")["detail"]
    assert world.client.get(path, headers=there).status_code == 200
    ended = world.client.delete("/v1/wallet/sessions", headers=here)
    assert (ended.status_code, ended.json()) == (200, {"ended": 2})
    for headers in (here, there):
        assert_problem(world.client.get(path, headers=headers), 401, "not_authenticated")
    assert world.client.get(path, headers=key).status_code == 200
    assert world.client.get(f"/v1/accounts/{world.person.address}", headers=other).status_code == 200
    assert_problem(world.client.delete("/v1/wallet/sessions", headers=here), 401, "not_authenticated")
    again = person.sign_in(world.client)
    assert world.client.delete("/v1/wallet/sessions", headers=again).json() == {"ended": 1}


def test_a_message_works_once(world: World) -> None:
    message = world.person.message(nonce(world))
    body = {"message": message, "signature": world.person.sign(message)}
    assert world.client.post("/v1/sign-in", json=body).status_code == 201
    send(world, message, body["signature"], "nonce_used_or_unknown")


def test_a_nonce_works_once_for_whoever_comes_first(world: World) -> None:
    shared = nonce(world)
    message = world.person.message(shared)
    body = {"message": message, "signature": world.person.sign(message)}
    assert world.client.post("/v1/sign-in", json=body).status_code == 201
    message = MALLORY.message(shared)
    send(world, message, MALLORY.sign(message), "nonce_used_or_unknown")


def test_a_nonce_that_is_invented_or_old_is_refused(world: World) -> None:
    message = world.person.message("0123456789abcdef")
    send(world, message, world.person.sign(message), "nonce_used_or_unknown")
    message = world.person.message(nonce(world))
    world.later(NONCE_SECONDS)
    send(world, message, world.person.sign(message), "nonce_used_or_unknown")


def test_another_one_s_signature_is_refused_and_leaves_the_nonce(world: World) -> None:
    message = world.person.message(nonce(world))
    send(world, message, MALLORY.sign(message), "wrong_signer")
    body = {"message": message, "signature": world.person.sign(message)}
    assert world.client.post("/v1/sign-in", json=body).status_code == 201


def test_a_signature_over_any_other_text_is_refused(world: World) -> None:
    message = world.person.message(nonce(world))
    for other in (message + " ", message.replace("31337", "1"), message.lower(), ""):
        send(world, message, world.person.sign(other), "wrong_signer")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0x",
        "0x00",
        "nothing",
        "0x" + "00" * 65,
        "0x" + "ff" * 65,
        "0x" + "11" * 64,
        "0x" + "1" * 131,
        "é" * 65,
    ],
    ids=lambda signature: f"{signature[:6]} {len(signature)}",
)
def test_what_is_no_signature_is_refused(signature: str, world: World) -> None:
    send(world, world.person.message(nonce(world)), signature, "malformed_signature")


def test_a_message_for_another_place_or_time_is_refused(world: World) -> None:
    cases = [
        ("wrong_domain", {"domain": "evil.example"}),
        ("wrong_domain", {"domain": "127.0.0.1:8501"}),
        ("wrong_chain", {"chain_id": 1}),
        ("not_yet_valid", {"issued_at": ISO8601Datetime("2099-01-01T00:00:00Z")}),
        ("not_yet_valid", {"not_before": ISO8601Datetime("2099-01-01T00:00:00Z")}),
        ("expired", {"expiration_time": ISO8601Datetime("2026-01-01T00:00:01Z")}),
    ]
    for kind, change in cases:
        message = world.person.message(nonce(world), **change)
        send(world, message, world.person.sign(message), kind)


@pytest.mark.parametrize("text", ["", "hello", "\x00", "x" * 4_096, "127.0.0.1:8500 wants you to sign in"])
def test_what_is_no_message_is_refused(text: str, world: World) -> None:
    send(world, text, world.person.sign(text), "malformed_message")


def test_a_message_that_names_an_address_in_another_spelling_is_refused(world: World) -> None:
    message = world.person.message(nonce(world)).replace(world.person.address, world.person.wallet)
    send(world, message, world.person.sign(message), "malformed_message")


def test_a_session_ends_by_itself(world: World) -> None:
    path = f"/v1/accounts/{world.person.address}"
    world.later(SESSION_SECONDS - 5)
    assert world.client.get(path, headers=world.signed_in).status_code == 200
    world.later(5)
    assert_problem(world.client.get(path, headers=world.signed_in), 401, "not_authenticated")


def test_a_wallet_sees_only_its_own_account(world: World) -> None:
    mallory = MALLORY.sign_in(world.client)
    for path in (f"/v1/accounts/{world.person.address}", f"/v1/accounts/{world.person.wallet}"):
        assert_problem(world.client.get(path, headers=mallory), 403, "not_allowed")
        assert_problem(world.client.get(path), 401, "not_authenticated")
        assert_problem(world.client.get(path, headers=world.gateway), 401, "not_authenticated")
        assert world.client.get(path, headers=world.signed_in).status_code == 200


@pytest.mark.parametrize(
    "address", ["0x", "0x" + "0" * 39, "0x" + "0" * 41, "0x" + "g" * 40, "1" * 42, "vitalik.eth"]
)
def test_what_is_no_address_is_a_400(address: str, world: World) -> None:
    answer = world.client.get(f"/v1/accounts/{address}", headers=world.signed_in)
    assert assert_problem(answer, 400, "malformed_address")["address"] == address


def test_a_fresh_wallet_has_an_account_of_nothing(world: World) -> None:
    body = world.client.get(f"/v1/accounts/{world.person.address}", headers=world.signed_in).json()
    assert set(body["position"].values()) == {"0"}
    assert body["tickets"] == []
    assert (body["allowance_now"], body["allowance_next"], body["spent"], body["held"]) == (0, 0, 0, 0)
