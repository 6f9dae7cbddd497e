"""Public files for everybody, an account's own proof for its owner alone."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.core.account_proof import read_proof
from entitlement.core.epoch_file import CONTRACTS, BlockName, read_file
from entitlement.flows.epoch_files import Deployed, EpochFiles
from entitlement.flows.read_proofs import ReadProofs
from entitlement.flows.shift_clock import ShiftClock
from tests.api.conftest import Front
from tests.api.support import Person, assert_problem
from tests.api.world import World
from tests.proofs import TODAY, Days
from tests.support import NOON, USD

ALICE, BOB = Person(1), Person(2)
DEPLOYED = Deployed(31_337, dict.fromkeys(CONTRACTS, "0x" + "e" * 40), BlockName(1, "0x" + "1" * 64))


@pytest.fixture
def public(front: Front, world: World, sessions: sessionmaker[Session], tmp_path: Path) -> httpx.Client:
    """The API after a day in which two people were granted credit and one spent some."""
    clock = ShiftClock(sessions, network="tests", is_devnet=True)
    clock.jump_to(NOON)
    days = Days(sessions, clock)
    days.grant({1: 3, 2: 1}, wallets={1: ALICE.wallet, 2: BOB.wallet})
    days.end()
    assert TODAY in days.close()
    files = EpochFiles(sessions, tmp_path / "proofs", lambda: DEPLOYED)
    files.commit_to(days.closed())
    proofs = ReadProofs(sessions, files, lambda: DEPLOYED)
    front.app = create_app(replace(world.service, proofs=proofs))
    return world.client


def test_anybody_may_have_the_days_and_their_files_whose_digest_is_told(public: httpx.Client) -> None:
    [told] = public.get("/v1/public/proofs").json()["epochs"]
    assert (told["epoch"], told["accounts"], told["granted"], told["block"]) == (TODAY, 2, 4 * USD, None)
    answer = public.get(f"/v1/public/proofs/{TODAY}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "immutable" in answer.headers["cache-control"]
    assert f"0x{hashlib.sha256(answer.content).hexdigest()}" == told["file_hash"]
    assert answer.headers["etag"] == f'"{told["file_hash"]}"'
    head, rows = read_file(answer.content)
    assert (f"0x{head.root.hex()}", len(rows)) == (told["root"], 2)


def test_who_has_the_file_is_not_sent_it_again(public: httpx.Client) -> None:
    tag = public.get(f"/v1/public/proofs/{TODAY}").headers["etag"]
    again = public.get(f"/v1/public/proofs/{TODAY}", headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_a_day_that_was_not_closed_has_no_file(public: httpx.Client) -> None:
    assert_problem(public.get(f"/v1/public/proofs/{TODAY + 1}"), 404, "unknown_epoch")


def test_each_gets_its_own_proof_which_holds_and_nobody_anothers(public: httpx.Client) -> None:
    seen: list[str] = []
    for person in (ALICE, BOB):
        signed_in = person.sign_in(public)
        for query in ("", f"?epoch={TODAY}"):
            answer = public.get(f"/v1/wallet/proofs{query}", headers=signed_in)
            assert answer.status_code == 200, answer.text
            proof, wrong = read_proof(answer.content)
            assert wrong == []
            assert proof.account == person.wallet
        seen.append(json.loads(answer.content)["salt"])
    assert seen[0] != seen[1]
    assert_problem(public.get("/v1/wallet/proofs"), 401, "not_authenticated")


def test_who_was_granted_nothing_is_told_so(public: httpx.Client) -> None:
    stranger = Person(9).sign_in(public)
    assert_problem(public.get(f"/v1/wallet/proofs?epoch={TODAY}", headers=stranger), 404, "unknown_epoch")
    assert_problem(public.get("/v1/wallet/proofs", headers=stranger), 404, "unknown_epoch")
