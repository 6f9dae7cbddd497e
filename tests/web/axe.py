"""The page as a screen reader and a keyboard meet it: axe's rules, of which no serious one may be broken."""

from typing import Any

from playwright.sync_api import Page

from tests.web.available import AXE

GRAVE = {"serious", "critical"}


def findings(page: Page) -> list[str]:
    """Return each serious or critical finding: rule, element, how to mend it."""
    # Evaluated by the debugger, not put in as an element: the page's own policy stays in force.
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text())
    result: dict[str, Any] = page.evaluate(
        "async () => { const { violations } = await axe.run(document, { resultTypes: ['violations'] });"
        " return { violations }; }"
    )
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        f"  {node['html'][:300]}\n  {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def check(page: Page) -> None:
    """Fail naming every serious finding on the page as it stands."""
    found = findings(page)
    assert not found, f"{len(found)} that keep people out of {page.url}:\n" + "\n".join(found)
