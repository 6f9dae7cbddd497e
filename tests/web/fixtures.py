"""What a test in a browser asks for by name; apart, since it cannot be imported everywhere."""

import re
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser

from tests.web import stack
from tests.web.browser import Visitor, chromium
from tests.web.stack import World

FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The stack as `make run` starts it: what is mined is final."""
    with stack.world() as made:
        yield made


@pytest.fixture(scope="session")
def slow_world() -> Iterator[World]:
    """A stack whose blocks are final only when there are some more above them, as on a public chain."""
    with stack.world("../tests/web/slow") as made:
        yield made


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    # No longer than a file: while it runs, so does a loop of asyncio in this thread; others begin their own.
    with chromium() as running:
        yield running


@pytest.fixture
def visitor(chrome: Browser, world: World, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Somebody before the page of `world`; he fails the test for any fault that was not meant."""
    yield from visiting(Visitor(chrome, world.node, world.url, world.origins), request)


@pytest.fixture
def slow_visitor(chrome: Browser, slow_world: World, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Likewise, before the page of `slow_world`."""
    yield from visiting(Visitor(chrome, slow_world.node, slow_world.url, slow_world.origins), request)


def visiting(made: Visitor, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    yield made
    try:
        if made.faults or request.node.stash.get(FAILED, False):
            made.keep(re.sub(r"\W+", "-", request.node.nodeid.removeprefix("tests/web/")).strip("-"))
    finally:
        made.close()
    assert not made.faults, "in the browser:\n" + "\n".join(made.faults)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
