"""Tests of the page in a real browser, against the real service: one stack and one browser a process.

    def test_a_stake_is_seen(world: World, visitor: Visitor) -> None:
        alice = world.person(vvv=100)                      # a new wallet, with ETH; disturbs no other test
        page = visitor.open("/", alice)                    # size="phone", scheme="dark"
        page.get_by_role("button", name="Connect").click()
        visitor.wallet.reject_next("eth_sendTransaction")  # what a person may do in the wallet
        world.next_day()                                   # what the world may do
        visitor.means("status of 401")                     # a fault that the test causes itself

Run them with `pytest tests/web`, and with BROWSER=all those marked `browser_long` too. What a failure
looked like is in test-results/web/.
"""

import os
from collections.abc import Iterator

import pytest

from tests.web import available

if available.missing(available.AXE) is None:
    from tests.web import fixtures

    # pytest finds fixtures and hooks here by their names.
    chrome, world, slow_world = fixtures.chrome, fixtures.world, fixtures.slow_world
    visitor, slow_visitor = fixtures.visitor, fixtures.slow_visitor
    pytest_runtest_makereport = fixtures.pytest_runtest_makereport

WITHOUT_PAGE = "test_harness.py"
"""The harness by itself: it needs a browser, and a page of its own."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser_long: left out unless BROWSER=all (make test-web)")


def pytest_pycollect_makemodule(
    module_path: os.PathLike[str], parent: pytest.Collector
) -> pytest.Module | None:
    """Skip a file, before it imports what is not there, on a machine that cannot run it."""
    name = os.fspath(module_path)
    reason = available.missing(available.AXE if name.endswith(WITHOUT_PAGE) else available.PAGE)
    return None if reason is None else Skipped.from_parent(parent, path=module_path, reason=reason)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("BROWSER") == "all":
        return
    long = [item for item in items if item.get_closest_marker("browser_long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


class Skipped(pytest.Module):
    """A file of tests that cannot run here."""

    def __init__(self, *, reason: str, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.reason = reason

    def collect(self) -> Iterator[pytest.Item]:
        pytest.skip(self.reason, allow_module_level=True)
