"""What a person does on most pages, in the page's own English words."""

import re
from typing import Literal

from playwright.sync_api import Locator, Page, expect

from tests.web.stack import World

WALLET = "Test Wallet"
NO = "You said no in the wallet."
BLOCKS_MOST, BLOCK_MS = 20, 2_000
"""As many blocks as are mined while a person looks on, and the time between them: as on Base."""
State = Literal["pending", "confirmed", "final", "reverted", "rejected", "replaced"]
WORDS: dict[State, str] = {
    "pending": "Waiting for a block",
    "confirmed": "In a block, not final yet",
    "final": "Final",
    "reverted": "Refused by the contract",
    "rejected": "you said no",
    "replaced": "Replaced by another transaction of yours",
}


def connect(page: Page) -> None:
    """Connect the wallet that is in the browser."""
    page.get_by_role("button", name="Connect a wallet").first.click()
    page.get_by_role("button", name=WALLET).click()
    expect(page.get_by_role("button", name="Connect a wallet")).to_have_count(0)


def sign_in(page: Page) -> None:
    """Sign in with the wallet that is connected."""
    page.get_by_role("button", name="Sign in").first.click()
    asking = re.compile("Sign in|asking you to sign")
    expect(page.get_by_role("button", name=asking)).to_have_count(0)


def is_connected(page: Page, address: str) -> None:
    """Wait until the bar shows this account, by its first and last digits."""
    expect(page.get_by_role("banner")).to_contain_text(
        re.compile(f"{address[:6]}.*{address[-4:]}", re.IGNORECASE)
    )


def stake(page: Page, amount: str) -> Locator:
    """Fill in a stake of VVV, and return the button that carries it out."""
    page.get_by_label("Amount to stake").fill(amount)
    return page.get_by_role("main").get_by_role("button", name="Stake VVV", exact=True)


def expect_sent(page: Page, state: State, saying: str = "", *, mining: World | None = None) -> None:
    """Wait until the newest transaction in the page's list is in this state, and says so.

    The page looks again at each block; with `mining` they come, as others' transactions would bring them.
    """
    page.get_by_role("button", name=re.compile("^Transactions")).click()
    newest = page.get_by_role("dialog").get_by_role("listitem").first
    for _ in range(BLOCKS_MOST):
        if mining is None or newest.get_attribute("data-state") == state:
            break
        mining.mine()
        page.wait_for_timeout(BLOCK_MS)
    expect(newest).to_have_attribute("data-state", state)
    expect(newest).to_contain_text(WORDS[state])
    expect(newest).to_contain_text(saying)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def go(page: Page, url: str) -> None:
    """Open another address of the page and wait until it stands."""
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
