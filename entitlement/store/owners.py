"""Whose keys and holds are, remembered: so that their accounts are locked without looking for them first.

An owner never changes. That a name is there still, and who may use it, is looked up with every question, in
its own transaction; what is remembered decides nothing but which rows to read.
"""

from collections.abc import Mapping

Owner = tuple[int, str]
"""An account and one of its keys."""
Name = bytes | str
"""The hash of a key's secret, or the id of a hold."""

MOST_REMEMBERED = 20_000
"""Names; of those before, as many again. Some 10 MB."""


class Owners:
    """The owners of the names that were asked about last."""

    def __init__(self) -> None:
        self._newer: dict[Name, Owner] = {}
        self._older: dict[Name, Owner] = {}

    def of(self, name: Name) -> Owner | None:
        """Return whose it is, where that is remembered."""
        return self._newer.get(name) or self._older.get(name)

    def remember(self, found: Mapping[bytes, Owner] | Mapping[str, Owner]) -> None:
        """Remember what a committed transaction has found or made."""
        if len(self._newer) >= MOST_REMEMBERED:
            self._older, self._newer = self._newer, {}
        for name, owner in found.items():
            self._newer[name] = owner
