"""How heavy, how still and how quick a page loads: what was sent, what moved after it was there, and when."""

import gzip
import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, Response

from tests.web.browser import RESULTS

OBSERVE = """
window.testShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.testShift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
"""Put into a page before it loads; what moves within half a second of a person's act is the act's own."""


@dataclass(frozen=True, slots=True)
class Loading:
    """One load of a page."""

    script_bytes: int
    """All scripts, each by gzip."""
    shift: float
    """How much moved, by how far: 0.1 and more is called a nuisance."""
    first_paint_ms: int


def watched(page: Page, address: str) -> Loading:
    """Load a page anew and return what it took; scripts that it loads later on by itself are counted too."""
    page.add_init_script(OBSERVE)
    scripts: dict[str, int] = {}

    def note(response: Response) -> None:
        if response.request.resource_type == "script" and response.ok:
            scripts[response.url] = len(gzip.compress(response.body(), mtime=0))

    page.on("response", note)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.remove_listener("response", note)
    paints: list[dict[str, Any]] = page.evaluate(
        "performance.getEntriesByType('paint').map((e) => e.toJSON())"
    )
    first = {str(each["name"]): float(each["startTime"]) for each in paints}
    return Loading(sum(scripts.values()), shift_of(page), round(first.get("first-contentful-paint", 0)))


def shift_of(page: Page) -> float:
    """Return how much has moved since the page was loaded."""
    return float(page.evaluate("window.testShift"))


def report(name: str, loading: Loading) -> None:
    """Keep the figures of one load beside the pictures: they are told, since machines differ in time."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    told = {
        "scripts, bytes by gzip": loading.script_bytes,
        "layout shift": round(loading.shift, 4),
        "first contentful paint, ms": loading.first_paint_ms,
    }
    (RESULTS / f"loading-{name}.json").write_text(json.dumps(told, indent=2) + "\n")
