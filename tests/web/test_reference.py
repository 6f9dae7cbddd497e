"""The API's reference at /docs, drawn from files of its own origin: a visitor's faults fail the test."""

import pytest
from playwright.sync_api import expect

from tests.web import screens
from tests.web.browser import Scheme, Size, Visitor


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_the_reference_shows_each_operation_and_asks_nobody_else(
    visitor: Visitor, size: Size, scheme: Scheme
) -> None:
    page = visitor.open("/docs", size=size, scheme=scheme, has_wallet=False)
    expect(page.get_by_role("heading", name="Entitlement")).to_be_visible()
    hold = page.locator(".opblock-summary-path", has_text="/v1/holds").first
    hold.scroll_into_view_if_needed()
    hold.click()
    expect(page.locator(".opblock.is-open").get_by_text("Parameters").first).to_be_visible()
    screens.take(page, "reference", size, scheme)
