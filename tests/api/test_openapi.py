"""openapi.json: what is committed is what is served, and it says how refusals look."""

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from entitlement.api.app import create_app
from scripts import openapi

METHODS = {"get", "post", "delete", "put", "patch"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(json.loads(openapi.PATH.read_text()))


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_file_is_what_the_program_describes(document: dict[str, Any]) -> None:
    assert openapi.PATH.read_text() == openapi.description()
    assert document == create_app(None).openapi()


def test_the_program_serves_it(bare: httpx.Client, document: dict[str, Any]) -> None:
    assert bare.get("/openapi.json").json() == document


def test_every_route_says_what_it_does_and_that_it_may_refuse(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert method in METHODS
        assert operation["description"], path
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
        assert operation["responses"]["4XX"]["content"] == problem
        away = operation["responses"]["503"]["content"]
        assert away == problem or path == "/health/ready"
        # Nothing else is foreseen: neither a status of the framework's nor whatever it may be.
        assert "422" not in operation["responses"]
        assert "default" not in operation["responses"]


def test_every_route_that_needs_a_credential_says_so(document: dict[str, Any]) -> None:
    free = {path for _, path, operation in operations(document) if "security" not in operation}
    assert free == {
        "/v1/sign-in",
        "/v1/sign-in/nonce",
        "/api/v1/api_keys/generate_web3_key",
        "/health/live",
        "/health/ready",
        # The signature is of the body.
        "/v1/webhooks/stripe",
        # What it says is how to pay, or public on the chain.
        "/api/v1/x402/top-up",
        "/v1/public/memberships",
        "/v1/public/proofs",
        "/v1/public/proofs/{epoch}",
        # For everybody: what the chain has, and sums of all accounts.
        "/v1/public/supply",
        "/v1/public/diem",
        "/v1/public/emission",
        "/v1/public/credit",
        "/v1/public/buybacks",
        "/v1/public/powers",
        "/v1/public/deployment",
        "/v1/public/wallets/{address}",
        "/v1/public/operator",
        "/v1/public/statements",
        "/v1/public/statements/{epoch}",
    }


def test_the_check_fails_on_any_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "PATH", tmp_path / "openapi.json")
    monkeypatch.setattr(sys, "argv", ["openapi.py", "--check"])
    for content in (None, "{}", openapi.description() + " "):
        if content is not None:
            openapi.PATH.write_text(content)
        with pytest.raises(SystemExit, match="make openapi"):
            openapi.main()
    monkeypatch.setattr(sys, "argv", ["openapi.py"])
    openapi.main()
    monkeypatch.setattr(sys, "argv", ["openapi.py", "--check"])
    openapi.main()
