"""What a check found: one line for each thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One immutable, role or setting: as it should be, and as the chain has it."""

    contract: str
    field: str
    expected: str
    found: str

    @property
    def is_surprise(self) -> bool:
        """Whether the two differ."""
        return self.expected != self.found
