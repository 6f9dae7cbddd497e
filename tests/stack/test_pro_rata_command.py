from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.events import VvvStaked
from entitlement.core.units import WEI_PER_TOKEN, Wei
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.shift_clock import ShiftClock
from tests.stack.conftest import Typed
from tests.support import NOON, USD, ScriptedChain, follower, wallet_number

BECAUSE = ("--reason", "there is more this month", "--by", "ada")


@pytest.fixture
def service(database: Engine, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ENTITLEMENT_DATA_FOLDER": str(tmp_path),
        "ENTITLEMENT_TOKEN_SECRET": "s" * 32,
    }


def test_a_capacity_is_set_in_dollars_and_shown_with_the_block_that_decides(
    typed: Typed, service: dict[str, str], sessions: sessionmaker[Session]
) -> None:
    clock = ShiftClock(sessions, network="tests", is_devnet=True)
    clock.jump_to(NOON)
    nothing = typed("pro-rata", "show", **service)
    assert "not final yet" in nothing.out
    assert nothing.out.count("nothing") == 3
    done = typed("pro-rata", "set", "2500.000000001", "--minimum-stake", "0.5", *BECAUSE, **service)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("$2,500.000000001 a day, among stakes from 0.5000 VVV on") == 2
    plan = SetProRata(sessions).read()
    assert (plan.today.capacity, plan.today.minimum_stake) == (2_500 * USD + 1, Wei(WEI_PER_TOKEN // 2))
    chain = ScriptedChain()
    chain.mine(partial(VvvStaked, wallet=wallet_number(1), amount=Wei(3)), at=NOON)
    midnight = starts_at(Epoch(epoch_at(NOON) + 1))
    chain.mine(at=midnight)
    follower(chain, sessions).step()
    clock.jump_to(midnight)
    less = typed("pro-rata", "set", "1", *BECAUSE, **service)
    assert f"block 1, {chain.headers_[1].hash}" in less.out
    assert "(3 wei)" in less.out
    assert less.out.index("$2,500.000000001 a day") < less.out.index("$1.00 a day")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("-5",), "No such option"),
        (("1e3",), "not an amount of dollars"),
        (("10000000",), "it must be from 0 to"),
        (("1", "--minimum-stake", "0.0000000000000000001"), "at most 18 decimals"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_a_sentence(
    typed: Typed, service: dict[str, str], given: tuple[str, ...], said: str
) -> None:
    done = typed("pro-rata", "set", *given, *BECAUSE, **service)
    assert done.code != 0
    assert said in done.out + done.err
