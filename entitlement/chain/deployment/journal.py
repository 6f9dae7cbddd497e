"""The journal of a deployment in progress: what was signed is on disk before it is sent.

After a crash, at whatever line, the same transactions go on: one that was sent is waited for or sent again as
it was, and only what was never signed is signed. So nothing is deployed twice, and every address stays as it
was planned. What the journal holds are signed transactions, which are public; no key.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hexbytes import HexBytes
from pydantic import ConfigDict, TypeAdapter, ValidationError

from entitlement.chain.deployment.parameters import STRICT
from entitlement.chain.deployment.plan import Plan
from entitlement.core.errors import SetupError


@dataclass(frozen=True)
class _Entries:
    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    plan: Plan
    code_digest: str
    """Of all creation codes: those that follow must come from the sources that the first came from."""
    signed: dict[str, str] = field(default_factory=dict[str, str])
    """Contract -> its signed transaction, `0x` and hex."""


_FORM = TypeAdapter(_Entries)


class Journal:
    """What of one plan has been signed; on disk where a path is given."""

    def __init__(self, plan: Plan, code_digest: str, path: Path | None = None) -> None:
        """Begin a journal; nothing is written before the first transaction is signed."""
        self._entries, self._path = _Entries(plan, code_digest), path

    @classmethod
    def resume(cls, path: Path, code_digest: str) -> "Journal":
        """Return the journal that was left at `path`.

        Raises `SetupError` for a file that is none, or when the contracts were changed since.
        """
        try:
            entries = _FORM.validate_json(path.read_bytes())
        except ValidationError as error:
            raise SetupError(
                problem=f"{path} is not the journal of a deployment: {error.errors()[0]['msg']}",
                remedy="delete it to begin anew; contracts that were deployed under it are of no use then",
            ) from error
        if entries.code_digest != code_digest:
            raise SetupError(
                problem=f"the contracts were changed since the deployment in {path} began",
                remedy="go back to the sources it began with, or give --again to begin another deployment",
            )
        journal = cls(entries.plan, code_digest, path)
        journal._entries = entries
        return journal

    @property
    def plan(self) -> Plan:
        """The plan that is being carried out."""
        return self._entries.plan

    @property
    def signed(self) -> int:
        """How many transactions were signed."""
        return len(self._entries.signed)

    def transaction(self, name: str) -> HexBytes | None:
        """Return the signed transaction that makes a contract, if it was signed."""
        raw = self._entries.signed.get(name)
        return None if raw is None else HexBytes(raw)

    def keep(self, name: str, raw: HexBytes) -> None:
        """Remember a signed transaction; when this returns, it survives a crash."""
        assert name not in self._entries.signed, f"{name} is signed once"
        self._entries.signed[name] = raw.to_0x_hex()
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft.json")
        with draft.open("wb") as file:
            file.write(_FORM.dump_json(self._entries, indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        _sync(self._path.parent)

    def finish(self) -> None:
        """Forget the journal: the deployment is on record."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def journal_path(deployment: Path) -> Path:
    """Return where the journal of a deployment to `deployment` is kept while it is in progress."""
    return deployment.with_suffix(".journal.json")


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
