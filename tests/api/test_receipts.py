import json
from pathlib import Path

import httpx
import pytest
from eth_account import Account
from sqlalchemy import text

from entitlement.audit.journal import audit
from entitlement.chain.attest import Attester, signer_of
from entitlement.chain.networks import load_network
from entitlement.core.attested import RECEIPT, Domain, check_form
from entitlement.core.epochs import Epoch
from entitlement.core.errors import InvalidRequest, SetupError
from entitlement.core.keys import NewKey
from entitlement.core.ledger import Source
from entitlement.settings import read_settings
from entitlement.store import statements
from entitlement.wiring.operator import operator_account
from tests.api.support import assert_problem, bearer
from tests.api.world import World
from tests.audit.support import address
from tests.support import USD, grant, holder

OPERATOR = Account.from_key("0x" + "42" * 32)
ROOTS = "0x" + "Ab" * 20
USAGE = {"model": "m-1", "input_tokens": 12, "output_tokens": 34, "price_version": "2026-09"}


@pytest.fixture(autouse=True)
def signed_by_us(world: World) -> None:
    world.service.receipts._attester = lambda: Attester(OPERATOR, Domain(31_337, ROOTS))


def of_owner(world: World, hold_id: str) -> httpx.Response:
    return world.client.get(f"/v1/wallet/receipts/{hold_id}", headers=bearer(world.rich.secret))


def charged(world: World, amount: int = 700, **usage: object) -> str:
    hold_id = world.held(1_000)
    assert world.capture(hold_id, amount, usage=USAGE | usage).is_success
    return hold_id


def test_a_receipt_says_what_the_journal_says_and_is_signed_by_the_operator(world: World) -> None:
    grant(world.sessions, world.rich.account_id, Source.PREPAID, 10 * USD)
    hold_id = world.held(USD + 1_000)
    assert world.capture(hold_id, USD + 700, usage=USAGE).is_success
    told = of_owner(world, hold_id)
    assert told.status_code == 200
    document = told.json()
    assert signer_of(document) == document["operator"] == OPERATOR.address
    says = dict(check_form(document, RECEIPT))
    assert world.client.get(f"/v1/receipts/{hold_id}", headers=world.gateway).json() == document
    with world.sessions.begin() as session:
        entry = session.execute(
            text(
                "SELECT e.id, e.lane, e.batch, b.hash, e.created_at, e.epoch FROM entries AS e "
                "JOIN journal_batches AS b ON (b.lane, b.number) = (e.lane, e.batch) "
                "WHERE e.key = 'end:' || :id"
            ),
            {"id": hold_id},
        ).one()
    assert says == {
        "account": world.rich.wallet,
        "key_id": world.rich.key_id,
        "gateway": "the gateway",
        "request_id": "r1",
        "hold_id": hold_id,
        "diem": str(USD),
        "prepaid": "700",
        "pro_rata": "0",
        "membership": "0",
        "shortfall": "0",
        "model": "m-1",
        "price_version": "2026-09",
        "input_tokens": "12",
        "output_tokens": "34",
        "entry_id": str(entry[0]),
        "lane": str(entry[1]),
        "batch": str(entry[2]),
        "batch_hash": f"0x{entry[3].hex()}",
        "booked_at": str(entry[4]),
        "epoch": str(entry[5]),
    }
    assert audit(address(world.sessions)).findings == []


def test_what_was_charged_at_once_and_what_came_late_have_receipts_too(world: World) -> None:
    body = {"key": world.rich.secret, "amount": 5, "request_id": "at once"}
    charge = world.client.post("/v1/charges", json=body, headers=world.gateway).json()["hold"]["id"]
    document = of_owner(world, charge).json()["message"]
    assert (document["diem"], document["input_tokens"], document["model"]) == ("5", "-1", "")
    late = world.held(1_000, "late", ttl=10)
    world.later(20)
    assert world.capture(late, 3).is_success
    assert of_owner(world, late).json()["message"]["diem"] == "3"
    nothing = charged(world, 0)
    assert of_owner(world, nothing).json()["message"]["diem"] == "0"


def test_only_who_may_see_a_request_gets_its_receipt_and_only_once_it_is_charged(world: World) -> None:
    hold_id = world.held(1_000)
    assert_problem(of_owner(world, hold_id), 400, "invalid_request")
    assert world.capture(hold_id, 1).is_success
    assert_problem(of_owner(world, "hold_unknown"), 404, "unknown_hold")
    other = holder(world.sessions, number=2)
    own_other = world.service.keys.create(world.rich.account_id, NewKey("other")).secret
    for secret in (other.secret, own_other):
        answer = world.client.get(f"/v1/wallet/receipts/{hold_id}", headers=bearer(secret))
        assert_problem(answer, 404, "unknown_hold")
    stranger = bearer(world.service.gateways.issue_token("a stranger"))
    assert_problem(world.client.get(f"/v1/receipts/{hold_id}", headers=stranger), 404, "unknown_hold")
    body = {"key": world.rich.secret, "amount": 5, "request_id": "lease", "ttl": 60}
    lease = world.client.post("/v1/leases", json=body, headers=world.gateway).json()["lease"]["id"]
    assert_problem(of_owner(world, lease), 400, "invalid_request")


def test_the_operators_address_is_public(world: World) -> None:
    assert world.client.get("/v1/public/operator").json() == {
        "operator": OPERATOR.address,
        "chain_id": 31_337,
        "verifying_contract": ROOTS,
    }


def test_a_document_with_types_of_its_own_is_no_receipt(world: World) -> None:
    document = of_owner(world, charged(world)).json()
    for change in (
        {"types": {**document["types"], "Receipt": document["types"]["Receipt"][1:]}},
        {"primaryType": "EIP712Domain"},
        {"message": {**document["message"], "more": "1"}},
        {"domain": {**document["domain"], "name": "Somebody"}},
        {"domain": None},
    ):
        with pytest.raises(InvalidRequest):
            check_form(document | change, RECEIPT)
    with pytest.raises(InvalidRequest):
        signer_of(document | {"signature": "0x12"})


def test_on_a_real_network_somebody_must_be_named_who_signs(tmp_path: Path) -> None:
    devnet = load_network("anvil")
    settings = read_settings(data_folder=tmp_path)
    made = operator_account(settings, devnet)
    assert operator_account(settings, devnet).address == made.address
    assert (tmp_path / "operator-key").stat().st_mode & 0o077 == 0
    with pytest.raises(SetupError, match="ENTITLEMENT_OPERATOR_KEY_FILE"):
        operator_account(settings, load_network("base"))
    keystore = tmp_path / "operator.json"
    keystore.write_text(json.dumps(Account.encrypt(OPERATOR.key, "word", kdf="pbkdf2", iterations=2)))
    named = read_settings(operator_key_file=keystore, operator_key_password="word")
    assert operator_account(named, load_network("base")).address == OPERATOR.address
    plain = read_settings(operator_key=OPERATOR.key.hex())
    assert operator_account(plain, load_network("base")).address == OPERATOR.address


def test_statements_are_public_and_say_that_they_never_change(world: World) -> None:
    assert world.client.get("/v1/public/statements").json() == {"statements": []}
    with world.sessions.begin() as session:
        statements.add(session, Epoch(20_000), 1_728_086_400, '{"operator": "0x"}')
    told = world.client.get("/v1/public/statements")
    assert told.json() == {"statements": [{"epoch": 20_000, "made_at": 1_728_086_400}]}
    one = world.client.get("/v1/public/statements/20000")
    assert (one.json(), "immutable" in one.headers["Cache-Control"]) == ({"operator": "0x"}, True)
    missing = world.client.get("/v1/public/statements/20001")
    assert_problem(missing, 404, "unknown_statement")
    assert "Cache-Control" not in missing.headers or "immutable" not in missing.headers["Cache-Control"]
    assert world.client.get(f"/v1/public/statements/{2**31}").status_code == 400
