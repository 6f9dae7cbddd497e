from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.flows.grant_purchases import GrantPurchases
from tests.flows.test_grant_purchases import pays
from tests.stack.conftest import Typed
from tests.support import ScriptedChain, follower, wallet_number

ALICE = wallet_number(1)
BECAUSE = ("--reason", "the model was down", "--reference", "case 7", "--by", "ada")


@pytest.fixture
def service(database: Engine, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ENTITLEMENT_DATA_FOLDER": str(tmp_path),
        "ENTITLEMENT_TOKEN_SECRET": "s" * 32,
    }


def test_credit_is_granted_and_refunded_with_a_reason_and_once(
    typed: Typed, service: dict[str, str], sessions: sessionmaker[Session]
) -> None:
    done = typed("credit", "grant", ALICE, "2.5", *BECAUSE, **service)
    assert (done.code, done.err) == (0, "")
    assert "grant of $2.50 by ada: the account has $2.50" in done.out
    again = typed("credit", "grant", ALICE, "2.5", *BECAUSE, **service)
    assert "case 7 was done before; nothing happened now" in again.out
    other = typed("credit", "grant", ALICE, "3", *BECAUSE, **service)
    assert (other.code, "was used before" in other.err) == (1, True)
    chain = ScriptedChain()
    chain.mine(pays())
    follower(chain, sessions).step()
    GrantPurchases(sessions).sweep()
    paid = chain.headers_[-1].hash
    assert paid in typed("credit", "top-ups", ALICE, **service).out
    why = ("--reason", "paid back", "--reference", "case 8", "--top-up", paid.upper().replace("0X", "0x"))
    done = typed("credit", "refund", ALICE, "5", *why, **service)
    assert "the account has $2.50" in done.out
    too_much = typed("credit", "refund", ALICE, "1", *why[:2], "--reference", "case 9", *why[4:], **service)
    assert (too_much.code, "0 can be taken back" in too_much.err) == (1, True)
    done = typed("credit", "correct", ALICE, "1", "--reason", "x", "--reference", "case 10", **service)
    assert (done.code, "0 can be taken back" in done.err) == (1, True)


def test_the_terms_of_a_membership_are_set_in_dollars(typed: Typed, service: dict[str, str]) -> None:
    assert "no tier bundles anything" in typed("membership", "show", **service).out
    done = typed(
        "membership", "set", "2", "75", "--upgrade-credit", "10.5", "--reason", "terms of June", **service
    )
    assert (done.code, done.err) == (0, "")
    shown = typed("membership", "show", **service).out
    assert all(each in shown for each in ("$75.00", "$10.50"))
    wrong = typed("membership", "set", "9", "1", "--reason", "a slip", **service)
    assert (wrong.code, "there is no tier 9" in wrong.err) == (1, True)
