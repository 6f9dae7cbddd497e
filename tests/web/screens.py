"""Pictures of the main pages, light and dark, on a phone and a desktop: kept for people to look at."""

from itertools import product
from typing import get_args

from playwright.sync_api import Page

from entitlement.chain.toolchain import PROJECT
from tests.web.browser import Scheme, Size

SCREENS = PROJECT / "test-results" / "screens"
WAYS: list[tuple[Size, Scheme]] = list(product(get_args(Size), get_args(Scheme)))


def take(page: Page, name: str, size: Size, scheme: Scheme) -> None:
    """Keep the whole page as a picture."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}-{size}-{scheme}.png", full_page=True, animations="disabled")
