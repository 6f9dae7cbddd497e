"""JSON from outside, narrowed: what the type checker may believe about a value that somebody else wrote."""

from typing import cast

import orjson


def parse(text: bytes) -> object:
    """Return the value that `text` stands for; raises `ValueError`, which repeats nothing of the text."""
    try:
        return cast("object", orjson.loads(text))
    except orjson.JSONDecodeError as error:
        # The original keeps the whole document on itself, and a document may be somebody's prompt.
        problem = f"not JSON: {error.msg} at byte {error.pos}"
    raise ValueError(problem)


def as_object(value: object) -> dict[str, object] | None:
    """Return `value` if it is a JSON object, else None."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """Return `value` if it is a JSON array, else None."""
    return cast("list[object]", value) if isinstance(value, list) else None


def as_whole(value: object) -> int | None:
    """Return `value` if it is an integer of at least 0, else None; `true` is not 1."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
