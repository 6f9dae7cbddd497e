"""One visitor: a browser of his own with a wallet in it, and everything that goes wrong in it written down.

A test fails on an error on the console, an exception that nobody caught, a breach of the page's
Content-Security-Policy, and a request to anywhere but the page's own origin and its chain; unless it has said
before that it would cause it.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from eth_account import Account
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from entitlement.chain.toolchain import PROJECT
from tests.web.available import PATIENCE_SECONDS, browser
from tests.web.node import Node
from tests.web.stack import Person
from tests.web.wallet import Wallet

RESULTS = PROJECT / "test-results" / "web"
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
Size = Literal["phone", "desktop"]
Scheme = Literal["light", "dark"]

ARGUMENTS = (
    "--no-sandbox",  # the tests run as root in containers, where the sandbox cannot
    "--disable-dev-shm-usage",
    # Nothing but this machine: what asks for another fails, and is seen to have asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--force-color-profile=srgb",
)
WALLET_SCRIPT = (Path(__file__).parent / "wallet.js").read_text()
WATCH_SCRIPT = """
document.addEventListener("securitypolicyviolation", (event) => {
  if (window === window.top) {
    window.testFault(`policy: ${event.violatedDirective} forbids ${event.blockedURI} (${event.sourceFile})`);
  }
});
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium, without a window."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser(), args=[*ARGUMENTS])
        yield running
        running.close()


@dataclass
class Visitor:
    """A person before the page. `open` once; then `page` and `wallet` are there."""

    browser: Browser
    node: Node
    url: str
    origins: Collection[str]
    faults: list[str] = field(default_factory=list[str])
    console: list[str] = field(default_factory=list[str])
    requested: list[str] = field(default_factory=list[str])
    """Addresses of all requests, oldest first."""
    _meant: list[re.Pattern[str]] = field(default_factory=list[re.Pattern[str]])
    _context: BrowserContext | None = None
    _page: Page | None = None
    _wallet: Wallet | None = None

    @property
    def page(self) -> Page:
        assert self._page is not None, "nothing is open"
        return self._page

    @property
    def wallet(self) -> Wallet:
        assert self._wallet is not None, "nothing is open"
        return self._wallet

    @property
    def context(self) -> BrowserContext:
        assert self._context is not None, "nothing is open"
        return self._context

    def open(
        self,
        path: str | None = "/",
        person: Person | None = None,
        *,
        size: Size = "desktop",
        scheme: Scheme = "light",
        script: bool = True,
        has_wallet: bool = True,
    ) -> Page:
        """Open a page with the wallet of `person` in the browser, which it is not connected to yet.

        Without a path nothing is loaded.
        """
        assert self._context is None, "it is open"
        width, height = SIZES[size]
        self._context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
            java_script_enabled=script,
            locale="en-GB",
            timezone_id="UTC",
            service_workers="block",
        )
        self._context.set_default_timeout(PATIENCE_SECONDS * 1000)
        self._context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.url)
        account = Account.create() if person is None else person.account
        self._wallet = Wallet(self.node, account)
        if has_wallet and script:
            self._wallet.install(self._context, WALLET_SCRIPT)
        self._watch(self._context)
        self._page = self._context.new_page()
        if path is not None:
            self._page.goto(self.url + path)
        return self._page

    def wait_until(self, question: Callable[[], object], what: str) -> None:
        """Ask until the answer is true; meanwhile the page goes on."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not question():
            assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}"
            self.page.wait_for_timeout(50)

    def means(self, pattern: str) -> None:
        """Let faults pass that match from here on: the test causes them."""
        self._meant.append(re.compile(pattern))

    def close(self) -> None:
        if self._context is not None:
            self._context.close()

    def keep(self, name: str) -> None:
        """Keep a picture of the page and what its console said."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{name}.txt").write_text(
            "\n".join([*self.faults, "", *self.console, "", *self.requested])
        )
        if self._page is not None and not self._page.is_closed():
            self._page.screenshot(path=RESULTS / f"{name}.png", full_page=True)

    # --- what is written down -------------------------------------------------------------------------

    def _fault(self, what: str) -> None:
        if not any(pattern.search(what) for pattern in self._meant):
            self.faults.append(what)

    def _watch(self, context: BrowserContext) -> None:
        context.expose_binding("testFault", lambda _source, what: self._fault(str(what)))
        context.add_init_script(WATCH_SCRIPT)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._fault(f"exception: {error.error}"))
        context.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        where: dict[str, Any] = dict(message.location)
        self.console.append(f"{message.type}: {message.text} ({where.get('url')})")
        if message.type == "error":
            self._fault(f"console: {message.text} ({where.get('url')})")

    def _on_request(self, request: Request) -> None:
        self.requested.append(f"{request.method} {request.url}")
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self._fault(f"request: {request.method} {request.url} leaves the page's origin")
