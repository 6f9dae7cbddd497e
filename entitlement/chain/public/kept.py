"""The folded history in a file, so that a process that starts does not read the chain from its beginning.

It holds final blocks only, and nothing that the chain does not have: it may be deleted at any time. A file
that is broken, or of another deployment, is as good as none.
"""

import hashlib
from contextlib import suppress
from dataclasses import asdict
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, cast, get_args
from uuid import uuid4

import orjson

from entitlement.core.public_events import PublicEvent, Spoken
from entitlement.core.public_history import History

_NUMBER = "int"
_KINDS = {kind.__name__: kind for kind in get_args(PublicEvent)}
_FORM = {
    kind.__name__: [field.name for field in fields_of(kind)] for kind in (History, Spoken, *_KINDS.values())
}
"""What is written of what: a file of a version that knew other fields is as good as none."""


class KeptHistory:
    """One file for one deployment, whoever writes it last."""

    def __init__(self, path: Path, deployment: str) -> None:
        """Take the file, and what tells this deployment from any other."""
        self._path, self._deployment = path, deployment

    def read(self) -> History | None:
        """Return what is kept, or None."""
        try:
            digest, _, payload = self._path.read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(payload).hexdigest().encode() != digest:
            return None
        known = orjson.loads(payload)
        is_ours = known.get("form") == _FORM and known["deployment"] == self._deployment
        return _history(known["history"]) if is_ours else None

    def write(self, history: History) -> None:
        """Keep a history in the place of what is there. A folder that cannot be written to is no failure."""
        payload = orjson.dumps({"form": _FORM, "deployment": self._deployment, "history": _plain(history)})
        draft = self._path.with_name(f"{self._path.name}.{uuid4().hex}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
            draft.replace(self._path)
        except OSError:
            _delete(draft)

    def forget(self) -> None:
        """Delete it. A folder that cannot be written to is no failure here either."""
        _delete(self._path)


def _delete(path: Path) -> None:
    # A file system that is only read refuses this of a file that is not there, too.
    with suppress(OSError):
        path.unlink()


def _plain(history: History) -> dict[str, Any]:
    fields = asdict(history)
    fields["events"] = [[type(event).__name__, _as_text(asdict(event))] for event in history.events]
    fields["burned_by_day"] = [[day, str(amount)] for day, amount in history.burned_by_day]
    return _as_text(fields)


def _as_text(fields: dict[str, Any]) -> dict[str, Any]:
    """Return amounts as text: JSON's readers take integers of 64 bits."""
    return {
        name: {_NUMBER: str(value)} if isinstance(value, int) else value for name, value in fields.items()
    }


def _as_numbers(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _as_number(value) for name, value in fields.items()}


def _as_number(value: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, dict):
        known = cast("dict[str, Any]", value)
        return int(known[_NUMBER]) if known.keys() == {_NUMBER} else known
    return value


def _history(fields: dict[str, Any]) -> History:
    plain = _as_numbers(fields)
    plain["burned_by_day"] = tuple((day, int(amount)) for day, amount in fields["burned_by_day"])
    plain["events"] = tuple(
        _KINDS[kind](**_as_numbers(values) | {"at": Spoken(**values["at"])})
        for kind, values in fields["events"]
    )
    return History(**plain)
