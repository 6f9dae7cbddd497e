"""The bar of the dashboard, for pages that the server makes: the same mark and name, and the way to it."""

from collections.abc import Sequence

from entitlement.report.markup import Markup, element


def bar(places: Sequence[tuple[str, str]] = ()) -> Markup:
    """Return the bar with links to places of the page: the id and the words of each."""
    return element(
        "nav",
        element(
            "div",
            element("a", _mark(), element("span", "Entitlement"), href="/", class_="brand"),
            element("a", "Dashboard", href="/", class_="dashboard"),
            element("div", [element("a", words, href=f"#{name}") for name, words in places], class_="places"),
        ),
        class_="bar",
        aria_label="Pages",
    )


def _mark() -> Markup:
    """Return what web/public/icon.svg shows; inside, since the page loads nothing."""
    return element(
        "svg",
        element("rect", width=32, height=32, rx=8, fill="#2f6f5e"),
        element("circle", cx=16, cy=16, r=9, fill="none", stroke="#fff", stroke_opacity=".3", stroke_width=4),
        element(
            "path",
            d="M16 7a9 9 0 1 1-8.6 11.7",
            fill="none",
            stroke="#fff",
            stroke_width=4,
            stroke_linecap="round",
        ),
        viewBox="0 0 32 32",
        aria_hidden="true",
    )
