"""The files in networks/: TOML, taken apart field by field, so that nothing in them is misread or ignored."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from entitlement.core.errors import SetupError
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN, Wei


def fields_of(name: str, folder: Path) -> "Fields":
    """Return what `<name>.toml` in `folder` says, which must be its own name first; raises `SetupError`."""
    path = folder / f"{name}.toml"
    if not path.is_file():
        raise SetupError(
            problem=f"there is no network {name!r}", remedy=f"known in {folder}: {known_networks(folder)}"
        )
    try:
        values = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SetupError(problem=f"{path} is not TOML: {error}", remedy="mend the file") from error
    fields = Fields(values, path)
    named = fields.text("name")
    if named != name:
        fields.refuse("name", f"is {named!r}, but the file is {path.name}")
    return fields


def known_networks(folder: Path) -> list[str]:
    """Return the names of the files in a folder of networks."""
    return sorted(file.stem for file in folder.glob("*.toml"))


class Fields:
    """A table of TOML that is taken apart field by field, so that a left-over one is noticed."""

    def __init__(self, values: Mapping[str, Any], path: Path, prefix: str = "") -> None:
        self._values, self._path, self._prefix = dict(values), path, prefix

    def has(self, name: str) -> bool:
        """Tell whether a field is there that was not taken yet."""
        return name in self._values

    def text(self, name: str) -> str:
        """Take a text that is not empty."""
        value = self._take(name)
        if not isinstance(value, str) or not value:
            self.refuse(name, f"is {value!r}, not a text")
        return value

    def number(self, name: str, *, smallest: int, largest: int = 2**63) -> int:
        """Take a whole number in a range, both ends included."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
            self.refuse(name, f"is {value!r}, not a whole number from {smallest} to {largest}")
        return value

    def tokens(self, name: str) -> Wei:
        """Take whole tokens, written as text, as wei."""
        value = self.text(name)
        if not value.isdecimal() or int(value) == 0:
            self.refuse(name, f"is {value!r}, not a whole number of tokens in quotes")
        return Wei(int(value) * WEI_PER_TOKEN)

    def dollars(self, name: str) -> int:
        """Take whole dollars, written as text, as units of USDC."""
        return self._dollars(name, self._take(name))

    def dollars_each(self, name: str) -> tuple[int, ...]:
        """Take a list of whole dollars."""
        values = self._take(name)
        if not isinstance(values, list) or not values:
            self.refuse(name, f"is {values!r}, not a list of dollars in quotes")
        return tuple(self._dollars(name, value) for value in cast("list[object]", values))

    def _dollars(self, name: str, value: object) -> int:
        if not isinstance(value, str) or not value.isdecimal() or int(value) == 0:
            self.refuse(name, f"is {value!r}, not a whole number of dollars in quotes")
        return int(value) * USDC_PER_DOLLAR

    def flag(self, name: str) -> bool:
        """Take true or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            self.refuse(name, f"is {value!r}, not true or false")
        return value

    def table(self, name: str) -> "Fields":
        """Take a table, to be taken apart itself."""
        value = self._take(name)
        if not isinstance(value, dict):
            self.refuse(name, f"is {value!r}, not a table")
        return Fields(cast("dict[str, Any]", value), self._path, f"{self._prefix}{name}.")

    def nothing_else(self) -> None:
        """Refuse what was not taken."""
        if self._values:
            self.refuse(min(self._values), "is not a field that is known here")

    def refuse(self, name: str, complaint: str) -> NoReturn:
        """Raise `SetupError` that names the file and the field."""
        raise SetupError(
            problem=f"{self._path}: {self._prefix}{name} {complaint}", remedy="mend the network's file"
        )

    def _take(self, name: str) -> object:
        if name not in self._values:
            self.refuse(name, "is missing")
        return self._values.pop(name)
