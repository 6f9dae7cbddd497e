"""schemathesis over the service's own document: what it asks with, and what it holds answers to.

It is another program, started beside the service: it brings plug-ins and settings of its own for Hypothesis.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.api.support import Person
from tests.support import Holder

PROJECT = Path(__file__).parents[2]
PROGRAM = "from schemathesis.cli import schemathesis; schemathesis()"

CHECKS = """
[checks]
# What is too large is refused before it is read.
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
# Rules between fields, such as a minimum that is no more than the amount, cannot be said in a schema.
positive_data_acceptance.enabled = false
# They are looked at by the check beside this file, which also looks at what a refusal says.
not_a_server_error.enabled = false

[warnings]
# Whoever is let in nowhere has tried nothing.
fail-on = ["missing_auth"]

[[operations]]
include-path = "/v1/batch"
# Each call of a batch has an answer of its own, the nonsensical one too.
checks = { negative_data_rejection.enabled = false }

[[operations]]
include-path = "/v1/keys/introspect"
# By other methods this is the path of a key, whatever it is called.
checks = { allow_header_conformance.enabled = false }
"""


@dataclass(frozen=True)
class Attacked:
    """A service, and what opens it: headers and values that are real."""

    url: str
    gateway: Mapping[str, str]
    wallet: Mapping[str, str]
    leaving: Mapping[str, str]
    """Of another wallet's session, which may be ended: the routes of wallets need theirs to the end."""
    leaving_everywhere: Mapping[str, str]
    """Likewise, of a third wallet: all its sessions may be ended."""
    key: str
    """Of an account with credit, which is not that of the session."""
    known: Mapping[str, Sequence[str]]
    """Of parameters in paths, by their names: values that are somebody's."""

    def settings(self) -> str:
        """Return them as a file of schemathesis's settings."""
        paths = [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in self.known]
        values = [f"{name} = {{ values = {json.dumps(list(each))} }}" for name, each in self.known.items()]
        return f"""
hooks = "tests.api.conforming_checks"
{CHECKS}
[[operations]]
include-tag = "gateways"
headers = {_table(self.gateway)}

[[operations]]
include-tag = ["wallets", "compatible", "operator", "proofs"]
exclude-path = ["/v1/sign-out", "/v1/wallet/sessions"]
headers = {_table(self.wallet)}

[[operations]]
include-path = "/v1/sign-out"
headers = {_table(self.leaving)}
# Whoever is signed in nowhere is signed out already.
checks = {{ ignored_auth.enabled = false, missing_required_header.enabled = false }}

[[operations]]
include-path = "/v1/wallet/sessions"
headers = {_table(self.leaving_everywhere)}
# After the first there is nobody left to be let in.
warnings = false

[parameters]
"header.x-api-key" = {json.dumps(self.key)}
"body.key" = {{ dictionary = "key", probability = 0.8 }}
{chr(10).join(paths)}

[dictionaries]
key = {{ values = [{json.dumps(self.key)}] }}
{chr(10).join(values)}
"""


def attack(attacked: Attacked, folder: Path, *options: str) -> "subprocess.Popen[str]":
    """Start to ask for everything that the service's document allows, and for what it does not.

    Ends with 1 where an answer is none that the document has, and says which and how to ask for it again.
    """
    document = httpx.get(f"{attacked.url}/openapi.json", timeout=30).raise_for_status().text
    (folder / "openapi.json").write_text(document)
    (folder / "schemathesis.toml").write_text(attacked.settings())
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM,
            "--config-file",
            str(folder / "schemathesis.toml"),
            "run",
            str(folder / "openapi.json"),
            f"--url={attacked.url}",
            "--continue-on-failure",
            "--generation-database=none",
            "--no-color",
            *options,
        ],
        # It leaves a folder where it runs.
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, sys.path)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def known(
    client: httpx.Client, gateway: dict[str, str], session: dict[str, str], rich: Holder, person: Person
) -> dict[str, Sequence[str]]:
    """Return values for parameters in paths: of a hold that is open, one that was captured, and a lease."""

    def post(path: str, headers: dict[str, str], **body: object) -> dict[str, Any]:
        return dict(client.post(path, json=body, headers=headers).raise_for_status().json())

    spending = {"key": rich.secret, "amount": 1_000}
    open_hold, captured = (
        str(post("/v1/holds", gateway, request_id=name, **spending)["hold"]["id"])
        for name in ("open", "captured")
    )
    post(f"/v1/holds/{captured}/capture", gateway, amount=500)
    lease = post("/v1/leases", gateway, request_id="leased", **spending)["lease"]
    mine = post("/v1/keys", session, description="mine")["key"]
    return {
        "address": [person.address, rich.wallet],
        "hold_id": [open_hold, captured],
        "lease_id": [str(lease["id"])],
        "key_id": [str(mine["id"]), rich.key_id],
        "request_id": ["open", "captured"],
    }


def _table(headers: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in headers.items()) + " }"
