"""The service's clock stands at noon of a day of our own, so that no test can run into a real midnight."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.flows.shift_clock import ShiftClock
from tests.support import NOON


@pytest.fixture(autouse=True)
def clock(sessions: sessionmaker[Session]) -> ShiftClock:
    moved = ShiftClock(sessions, network="tests", is_devnet=True)
    moved.jump_to(NOON)
    return moved
