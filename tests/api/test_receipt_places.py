"""Receipts of a lease's requests, and every receipt's place in the journal, checked by the auditor's code."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from sqlalchemy import text
from typer.testing import CliRunner

from entitlement.audit.journal import Head, audit
from entitlement.audit.receipt import NotInForm, check_head, check_place
from entitlement.chain.attest import Attester
from entitlement.cli.receipt import receipt as command
from entitlement.core.attested import LEASE_RECEIPT, SOURCES, Domain, check_form
from entitlement.core.epochs import Epoch
from entitlement.core.ledger import Source
from entitlement.store import access, journal_places, statements
from entitlement.store.clock import service_time
from tests.api.support import assert_problem, bearer
from tests.api.world import World
from tests.audit.support import address, spend
from tests.support import USD, grant

OPERATOR = Account.from_key("0x" + "42" * 32)


@pytest.fixture(autouse=True)
def signed_by_us(world: World) -> None:
    world.service.receipts._attester = lambda: Attester(OPERATOR, Domain(31_337, "0x" + "Ab" * 20))


def opened(world: World, amount: int = 1_000) -> str:
    body = {"key": world.rich.secret, "amount": amount, "request_id": "the lease", "ttl": 60}
    answer = world.client.post("/v1/leases", json=body, headers=world.gateway)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["lease"]["id"])


def renewed(world: World, lease: str, spent: int, *costs: tuple[int, int], amount: int = 1_000) -> None:
    requests = [
        {
            "number": number,
            "request_id": f"r{number}",
            "cost": cost,
            "usage": {"model": "m-1", "input_tokens": number, "output_tokens": 2, "price_version": "2026-11"},
        }
        for number, cost in costs
    ]
    body = {"spent": spent, "requests": requests} | ({"amount": amount} if amount else {})
    path = f"/v1/leases/{lease}/{'renew' if amount else 'return'}"
    answer = world.client.post(path, json=body, headers=world.gateway)
    assert answer.is_success, answer.text


def receipt(world: World, hold_id: str, number: int | None = None) -> dict[str, Any]:
    path = f"/v1/wallet/receipts/{hold_id}" + ("" if number is None else f"/{number}")
    answer = world.client.get(path, headers=bearer(world.rich.secret))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def cost_of(message: dict[str, str]) -> int:
    names = ("renewal_cost",) if "lease_id" in message else (*SOURCES, "shortfall")
    return sum(int(message[name]) for name in names)


def check(document: dict[str, Any]) -> None:
    message = document["message"]
    keys = (
        [f"step:{message['lease_id']}:"]
        if "lease_id" in message
        else [f"{kind}:{message['hold_id']}" for kind in ("end", "charge", "late")]
    )
    check_place(message, document["journal"], keys=keys, cost=cost_of(message))


def told_by_cli(tmp_path: Path, document: dict[str, Any], *more: str) -> tuple[int, str]:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(document))
    done = CliRunner().invoke(command, ["check", str(file), "--operator", OPERATOR.address, *more])
    return done.exit_code, done.output + str(done.exception or "")


def published(world: World, tmp_path: Path) -> tuple[str, list[Head]]:
    heads = audit(address(world.sessions)).heads
    file = tmp_path / "statement.json"
    named = [
        {"lane": str(head.lane), "number": str(head.number), "hash": f"0x{head.hash.hex()}"} for head in heads
    ]
    file.write_text(json.dumps({"message": {"journal_heads": named}}))
    return str(file), heads


def with_following(world: World, document: dict[str, Any]) -> dict[str, Any]:
    lane, batch = document["message"]["lane"], document["message"]["batch"]
    path = f"/v1/wallet/journal/{lane}?after={batch}"
    found = world.client.get(path, headers=bearer(world.rich.secret)).json()["batches"]
    following = [{name: str(value) for name, value in each.items()} for each in found]
    return document | {"journal": document["journal"] | {"following": following}}


# --- a lease's requests ------------------------------------------------------------------------------


def test_each_request_of_a_lease_has_a_receipt_that_names_the_entry_which_charged_it(
    world: World, tmp_path: Path
) -> None:
    lease = opened(world)
    renewed(world, lease, 110, (1, 40), (2, 70))
    renewed(world, lease, 110, (3, 0))
    renewed(world, lease, 190, (4, 20), (5, 0), (7, 60), amount=0)
    first, third = receipt(world, lease, 2)["message"], receipt(world, lease, 7)["message"]
    assert (first["lease_id"], first["lease_request_id"], first["request_id"]) == (lease, "the lease", "r2")
    assert (first["diem"], first["usd"], first["shortfall"]) == ("70", "0", "0")
    assert (first["model"], first["price_version"], first["input_tokens"]) == ("m-1", "2026-11", "2")
    assert (first["first_number"], first["last_number"], first["renewal_cost"]) == ("1", "2", "110")
    assert (third["first_number"], third["last_number"], third["renewal_cost"]) == ("4", "7", "80")
    assert {(each["lease_requests"], each["lease_cost"]) for each in (first, third)} == {("6", "190")}
    assert first["entry_id"] == receipt(world, lease, 1)["message"]["entry_id"] != third["entry_id"]
    for number in (1, 2, 4, 7):
        document = receipt(world, lease, number)
        assert set(check_form(document, LEASE_RECEIPT)) == set(document["message"])
        check(document)
        code, said = told_by_cli(tmp_path, document)
        assert (code, "the journal has it" in said) == (0, True), said
    whole = sum(
        int(receipt(world, lease, number)["message"][name])
        for number in (1, 2, 4, 7)
        for name in ("diem", "usd", "shortfall")
    )
    assert whole == 190


def test_what_a_lease_overran_and_nobody_could_pay_is_in_its_receipt(world: World) -> None:
    lease = opened(world, USD)
    grant(world.sessions, world.rich.account_id, Source.PREPAID, 500)
    renewed(world, lease, USD + 800, (1, USD), (2, 800), amount=0)
    document = receipt(world, lease, 2)
    said = document["message"]
    assert (said["diem"], said["usd"], said["shortfall"]) == ("0", "500", "300")
    assert said["renewal_cost"] == str(USD + 800)
    check(document)


def test_a_lease_of_which_no_single_requests_are_told_has_a_receipt_of_each_sum(world: World) -> None:
    lease = opened(world)
    body = {"spent": 30}
    assert world.client.post(f"/v1/leases/{lease}/return", json=body, headers=world.gateway).is_success
    said = receipt(world, lease, 1)["message"]
    assert (said["request_id"], said["diem"], said["renewal_cost"]) == ("the lease", "30", "30")


def test_a_renewal_that_came_late_is_named_as_well(world: World) -> None:
    lease = opened(world)
    renewed(world, lease, 10, (1, 10))
    world.later(120)
    renewed(world, lease, 25, (2, 15), amount=0)
    document = receipt(world, lease, 2)
    assert document["message"]["renewal_cost"] == "15"
    check(document)


def test_a_lease_has_receipts_of_what_it_was_told_and_for_whom_it_concerns(world: World) -> None:
    lease = opened(world)
    renewed(world, lease, 10, (1, 10), (2, 0))
    own, others = bearer(world.rich.secret), bearer(world.service.gateways.issue_token("a stranger"))

    def asked(path: str, who: dict[str, str]) -> httpx.Response:
        return world.client.get(path, headers=who)

    assert_problem(asked(f"/v1/wallet/receipts/{lease}/2", own), 400, "invalid_request")
    assert_problem(asked(f"/v1/wallet/receipts/{lease}/3", own), 400, "invalid_request")
    assert_problem(asked(f"/v1/receipts/{lease}/1", others), 404, "unknown_hold")
    hold = world.held(9, "a hold")
    assert_problem(asked(f"/v1/wallet/receipts/{hold}/1", own), 400, "invalid_request")
    assert asked(f"/v1/receipts/{lease}/1", world.gateway).json() == receipt(world, lease, 1)


# --- the place in the journal -------------------------------------------------------------------------


def test_a_receipt_leads_to_the_head_that_was_published_after_it(world: World, tmp_path: Path) -> None:
    hold = world.held(1_000)
    assert world.capture(hold, 700).is_success
    document = receipt(world, hold)
    check(document)
    user = replace(
        world.rich, gateway_id=world.service.gateways.authenticate(world.gateway["Authorization"][7:])
    )
    spend(world.sessions, user, random.Random(3), groups=8)
    file, heads = published(world, tmp_path)
    whole = with_following(world, document)
    head = check_head(document["message"], whole["journal"], heads)
    assert head.number > int(document["message"]["batch"])
    code, said = told_by_cli(tmp_path, whole, "--heads", file)
    assert (code, f"the published batch {head.number}" in said) == (0, True), said
    assert "fetch the receipt with --statement" in told_by_cli(tmp_path, document, "--heads", file)[1]


def test_entries_that_are_older_than_the_batch_which_binds_them_are_found(world: World) -> None:
    hold = world.held(1_000)
    assert world.capture(hold, 700).is_success
    before = receipt(world, hold)
    with world.sessions.begin() as session:
        session.execute(text("ALTER TABLE entries DISABLE TRIGGER entries_append_only"))
        older = text("UPDATE entries SET created_at = created_at - 9 WHERE key = :key")
        assert session.execute(older, {"key": f"end:{hold}"}).rowcount == 1  # type: ignore[attr-defined]
    # As the chain began: it is in its batch, though its time is another.
    booked_at = str(int(before["message"]["booked_at"]) - 9)
    found = receipt(world, hold)
    assert found["journal"]["line"] == before["journal"]["line"].replace(
        before["message"]["booked_at"], booked_at
    )


def test_in_a_batch_of_many_each_entry_has_its_own_path(world: World) -> None:
    holds = [world.held(10, f"h{number}") for number in range(7)]
    ends = [{"op": "capture", "id": hold, "amount": 5} for hold in holds]
    answer = world.client.post("/v1/batch", json={"operations": ends}, headers=world.gateway)
    assert answer.is_success, answer.text
    documents = [receipt(world, hold) for hold in holds]
    assert {each["journal"]["entry_count"] for each in documents} == {"7"}
    for document in documents:
        check(document)
    assert len({json.dumps(each["journal"]["path"]) for each in documents}) == len(holds)


@pytest.mark.parametrize("more", [-1, 1])
def test_a_receipt_that_says_more_or_less_than_its_entry_charged_does_not_hold(
    world: World, more: int
) -> None:
    hold = world.held(1_000)
    assert world.capture(hold, 700).is_success
    document = receipt(world, hold)
    paid = next(source for source in SOURCES if int(document["message"][source]))
    document["message"][paid] = str(int(document["message"][paid]) + more)
    with pytest.raises(ValueError, match="nano-dollars, and the journal's entry charged 700"):
        check(document)


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("line", lambda line: line.replace("{700", "{701")),
        ("line", lambda line: line.replace("end:", "grant:")),
        ("line", lambda line: line.rstrip("\n")),
        ("path", lambda path: [*path, "0x" + "00" * 32]),
        ("path", lambda _: "none"),
        ("place", lambda place: str(int(place) + 1)),
        ("entry_count", lambda count: str(int(count) + 1)),
        ("entry_count", lambda _: "many"),
        ("written_at", lambda at: str(int(at) - 1)),
        ("previous_hash", lambda _: "0x" + "11" * 32),
        ("root", lambda _: "0x" + "11" * 32),
        ("root", lambda _: "0x11"),
    ],
)
def test_a_place_that_was_changed_in_anything_does_not_hold(
    world: World, tmp_path: Path, member: str, change: Callable[[Any], object]
) -> None:
    hold = world.held(1_000)
    assert world.capture(hold, 700).is_success
    document = receipt(world, hold)
    check(document)
    document["journal"][member] = change(document["journal"][member])
    with pytest.raises(ValueError, match=r".+"):
        check(document)
    code, said = told_by_cli(tmp_path, document)
    assert (code, "the journal's part does not hold" in said) == (1, True), said


def test_an_operator_that_rewrites_the_journal_after_signing_no_longer_leads_to_its_heads(
    world: World, tmp_path: Path
) -> None:
    hold = world.held(1_000)
    assert world.capture(hold, 700).is_success
    world.held(5, "later")
    document = with_following(world, receipt(world, hold))
    _, heads = published(world, tmp_path)
    for changed in ("root", "entry_count", "written_at"):
        following = [dict(each) for each in document["journal"]["following"]]
        following[0][changed] = "0x" + "11" * 32 if changed == "root" else str(int(following[0][changed]) + 1)
        with pytest.raises(ValueError, match="changed in between"):
            check_head(document["message"], document["journal"] | {"following": following}, heads)
    other = [Head(head.lane, head.number, bytes(32)) for head in heads]
    with pytest.raises(ValueError, match="changed in between"):
        check_head(document["message"], document["journal"], other)
    old = [Head(head.lane, 0, head.hash) for head in heads]
    with pytest.raises(ValueError, match="take a later statement"):
        check_head(document["message"], document["journal"], old)
    with pytest.raises(NotInForm):
        check_head(document["message"], document["journal"] | {"following": "none"}, heads)


def test_the_chain_of_batches_is_told_in_pages_to_whoever_has_an_account(world: World) -> None:
    hold = world.held(1_000)
    assert world.capture(hold, 700).is_success
    path = "/v1/wallet/journal/0"
    assert_problem(world.client.get(path), 401, "not_authenticated")
    every = world.client.get(path, headers=world.signed_in).json()["batches"]
    assert [each["number"] for each in every] == list(range(1, len(every) + 1))
    after = world.client.get(f"{path}?after=1", headers=world.signed_in).json()["batches"]
    assert after == every[1:]
    assert world.client.get("/v1/wallet/journal/7", headers=world.signed_in).json() == {"batches": []}


def test_a_command_fetches_a_receipt_with_what_leads_to_a_days_statement(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_places, "FOLLOWING_MAX", 2)
    monkeypatch.setenv("WALLET_PRIVATE_KEY", "0x" + bytes(world.person.account.key).hex())
    with world.sessions.begin() as session:
        account_id = access.open_account(session, world.person.wallet, service_time(session))
    grant(world.sessions, account_id, Source.PREPAID, 1_000)
    secret = world.make_key().json()["secret"]
    hold = world.held(100, "mine", key=secret)
    with world.sessions.begin() as session:
        early = {"message": {"journal_heads": [{"lane": "0", "number": "1", "hash": "0x" + "00" * 32}]}}
        statements.add(session, Epoch(1), 1, json.dumps(early))
    assert world.capture(hold, 70).is_success
    for number in range(5):
        world.held(1, f"after {number}")
    file, _ = published(world, tmp_path)
    with world.sessions.begin() as session:
        statements.add(session, Epoch(2), 1, Path(file).read_text())
    out = tmp_path / "mine.json"

    def got(*more: str) -> str:
        url = str(world.client.base_url)
        done = CliRunner().invoke(command, ["get", hold, "--out", str(out), "--url", url, *more])
        return done.output + str(done.exception or "")

    assert "take that of a later day" in got("--statement", "1")
    assert not out.exists()
    assert "kept in" in got("--statement", "2")
    code, said = told_by_cli(tmp_path, json.loads(out.read_text()), "--heads", file)
    assert (code, "follows it" in said) == (0, True), said
    assert len(json.loads(out.read_text())["journal"]["following"]) == 5
