"""What the tests in a browser need of the machine, and how to get it; can be imported without playwright."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from entitlement.chain.toolchain import PROJECT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGE = PROJECT / "web" / "dist" / "index.html"
AXE = PROJECT / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_SECONDS = float(os.environ.get("PATIENCE", "60"))
"""For whatever is waited for: a busy machine is no failure. Less where somebody is writing a test."""


def browser() -> str | None:
    """Return the program of a browser on this machine."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def missing(page: Path = PAGE) -> str | None:
    """Return in one line why the tests in a browser cannot run here, and what to do; None where they can."""
    if find_spec("playwright") is None or not AXE.is_file():
        return "the tests in a browser were skipped: their tools are not installed (make setup)"
    if browser() is None:
        return "the tests in a browser were skipped: there is no Chromium here (apt-get install chromium)"
    if not page.is_file():
        return "the tests in a browser were skipped: the page is not built (make web)"
    return None
