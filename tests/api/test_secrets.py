"""No secret, and nothing that somebody wrote, is ever in a log or in a refusal."""

from pathlib import Path

import httpx
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.flows.manage_gateways import ManageGateways
from tests.api.support import DOMAIN, Person, bearer
from tests.gateway.running import free_port
from tests.stack.processes import Running, serving
from tests.support import USD, holder

TELLTALE = "telltale"


def wrong_calls(client: httpx.Client, person: Person, key: str) -> tuple[list[httpx.Response], list[str]]:
    """Do everything wrong, with a telltale in every place; return the secrets that were sent too."""
    token = client.get("/api/v1/api_keys/generate_web3_key").json()["data"]["token"]
    signature = person.sign(token)
    nonce = client.post("/v1/sign-in/nonce").json()["nonce"]
    message = person.message(nonce, statement=TELLTALE)
    claim = {"apiKeyType": "INFERENCE", "address": person.address, "token": token, "signature": signature}
    hold = {"key": key, "amount": 2 * USD, "request_id": TELLTALE, "model": TELLTALE}
    answers = [
        client.post("/v1/holds", json=hold),
        client.post("/v1/holds", json=hold | {"model": "other"}),
        client.post("/v1/holds", json=hold | {"amount": TELLTALE}),
        client.post("/v1/holds", json=hold | {"prompt": TELLTALE}),
        client.post("/v1/holds", json=hold | {"key": key + TELLTALE}),
        client.post("/v1/holds", content=f'{{"key": "{key}" {TELLTALE}'),
        client.get(f"/v1/holds/hold_unknown?key={key}"),
        client.get("/v1/keys/introspect", headers={"X-Api-Key": f"{key}{TELLTALE}"}),
        client.get("/v1/keys", headers=bearer(key)),
        client.get("/v1/keys", headers=bearer(f"{key}{TELLTALE}")),
        client.get("/v1/keys", headers=bearer(f"ses_{TELLTALE}")),
        client.post("/v1/sign-in", json={"message": message, "signature": signature}),
        client.post("/v1/sign-in", json={"message": message, "signature": f"{signature}{TELLTALE}"}),
        client.post("/v1/sign-in", json={"message": message + TELLTALE, "signature": signature}),
        client.post("/api/v1/api_keys/generate_web3_key", json=claim),
        client.post("/api/v1/api_keys/generate_web3_key", json=claim | {"token": token[:-9] + TELLTALE}),
        client.post("/api/v1/api_keys/generate_web3_key", json=claim | {"address": 1}),
    ]
    return answers, [signature, signature[2:], token]


def test_secrets_are_in_no_log_and_in_no_refusal_whatever_goes_wrong(
    database: Engine, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    key = holder(sessions, diem=USD).secret
    gateway = bearer(ManageGateways(sessions).issue_token("the gateway"))
    person, port = Person(), free_port()
    with (
        serving(database.url, port, tmp_path / "serve.log", ENTITLEMENT_SIGN_IN_DOMAINS=DOMAIN) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=gateway, timeout=30) as client,
    ):
        session = person.sign_in(client)
        answers, sent = wrong_calls(client, person, key)
        secrets = [key, gateway["Authorization"][7:], session["Authorization"][7:], *sent]
        for answer in answers:
            assert 400 <= answer.status_code < 500
            assert_silent(answer.text, secrets, but_for=('"request_id"', "request id"))
        break_tables(database)
        for path, body in (
            ("/v1/holds", {"key": key, "amount": 1, "request_id": f"{TELLTALE} 2"}),
            ("/v1/keys", {"description": TELLTALE}),
        ):
            answer = client.post(path, json=body, headers=gateway if path == "/v1/holds" else session)
            assert answer.status_code == 500
            assert_silent(answer.text, secrets)
        assert_logged(process, secrets)


def break_tables(database: Engine) -> None:
    """Let statements fail with their parameters in the error's text."""
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE key_spending RENAME TO elsewhere"))
        connection.execute(
            text("ALTER TABLE api_keys ADD CONSTRAINT never CHECK (description <> 'telltale')")
        )


def assert_silent(said: str, secrets: list[str], *, but_for: tuple[str, ...] = ()) -> None:
    for secret in secrets:
        assert secret not in said
    if not any(each in said for each in but_for):
        assert TELLTALE not in said


def assert_logged(process: Running, secrets: list[str]) -> None:
    logged = process.text
    assert logged.count('"unexpected_error"') == 2
    assert "UndefinedTable" in logged or "ProgrammingError" in logged
    assert "flows/spend_credit.py" in logged
    assert "Traceback" not in logged
    assert_silent(logged, secrets)
