"""HTML and SVG out of nested calls: whatever is not made here is text, and is escaped."""

from collections.abc import Iterable
from html import escape

VOID = frozenset({"meta", "br", "hr", "rect", "line", "path", "polyline", "polygon", "circle", "link"})
"""Elements that hold nothing."""


class Markup(str):
    """Text that is markup already, since `element` made it."""

    __slots__ = ()


Child = str | int | Iterable["Child"] | None


def element(name: str, /, *children: Child, **attributes: str | int | None) -> Markup:
    """Return an element; `class_` stands for class, `aria_label` for aria-label, and None leaves one out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        assert not children, f"{name} holds nothing"
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Markup:
    """Return children one after another."""
    return Markup("".join(_text(child) for child in children))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int):
        return escape(str(child))
    return joined(child)
