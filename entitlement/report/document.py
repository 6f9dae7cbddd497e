"""A whole page, and the parts that pages have in common: tables, legends, figures."""

from collections.abc import Sequence

from entitlement.report.markup import Child, Markup, element
from entitlement.report.style import POLICY_OF_FILES, STYLE

NUMBER = "n"
"""The class of a column of figures."""


def document(title: str, *body: Child, is_file: bool = False) -> str:
    """Return a page; one that is kept as a file carries its own policy, since no server sends it."""
    policy = (
        element("meta", http_equiv="Content-Security-Policy", content=POLICY_OF_FILES) if is_file else None
    )
    return "<!doctype html>\n" + element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            policy,
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", title),
            element("style", Markup(STYLE)),
        ),
        element("body", *body),
        lang="en",
    )


def table(
    caption: str,
    columns: Sequence[tuple[str, str | None]],
    rows: Sequence[Sequence[Child]],
    *,
    classes: Sequence[str | None] = (),
) -> Markup:
    """Return a table: each column has its name and class, each row begins with what it is about.

    `classes` are those of the rows; none for those beyond them.
    """
    of_rows = [*classes, *(None for _ in rows[len(classes) :])]
    head = element("tr", *(element("th", name, scope="col", class_=class_) for name, class_ in columns))
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", class_=columns[0][1]),
            *(
                element("td", cell, class_=class_)
                for cell, (_, class_) in zip(row[1:], columns[1:], strict=True)
            ),
            class_=of_row,
        )
        for row, of_row in zip(rows, of_rows, strict=True)
    ]
    return element(
        "div",
        element("table", element("caption", caption), element("thead", head), element("tbody", *body)),
        class_="scroll",
    )


def figure_of(plot: Markup, *legend: tuple[str, str]) -> Markup:
    """Return a plot with the keys of its colours: class and words of each."""
    keys = [
        element("span", element("span", class_=f"key {class_}"), words, class_="item")
        for class_, words in legend
    ]
    return element("figure", plot, element("figcaption", keys, class_="legend") if keys else None)


def folded(summary: str, *inside: Child) -> Markup:
    """Return what is shown when somebody opens it."""
    return element("details", element("summary", summary), *inside)


def code(text: str) -> Markup:
    """Return a line for a machine."""
    return element("code", text)


def tile(label: str, value: str, note: str) -> Markup:
    """Return one figure that stands for itself."""
    return element("div", element("span", label), element("b", value), element("span", note), class_="tile")
