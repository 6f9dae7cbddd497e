"""Public figures while their history is read for the first time."""

import threading
from collections.abc import Callable
from typing import cast

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.public.snapshot import Snapshot, SnapshotReader
from entitlement.core.errors import NotReadYet
from entitlement.flows.read_public import ReadPublic


class SlowReader:
    """A chain of which half is read, until it may go on."""

    def __init__(self) -> None:
        self.is_half_read, self.may_go_on = threading.Event(), threading.Event()

    def read(self, progress: Callable[[int, int], None]) -> Snapshot:
        progress(50, 100)
        self.is_half_read.set()
        self.may_go_on.wait()
        progress(100, 100)
        return cast("Snapshot", "what was read")


def test_who_asks_meanwhile_is_told_how_far_it_has_come(sessions: sessionmaker[Session]) -> None:
    chain = SlowReader()
    public = ReadPublic(sessions, lambda: cast("SnapshotReader", chain), patience=0.0)
    with pytest.raises(NotReadYet, match="for the first time"):
        public.figures()
    chain.is_half_read.wait()
    with pytest.raises(NotReadYet, match="block 50 of 100"):
        public.figures()
    chain.may_go_on.set()
    look = threading.Event()
    for _ in range(600):
        try:
            assert public.figures().value == "what was read"  # type: ignore[comparison-overlap]
        except NotReadYet:
            look.wait(0.1)
        else:
            return
    pytest.fail("it was never read")
