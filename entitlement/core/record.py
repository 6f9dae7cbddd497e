"""Records: values that are never changed, of which a request makes dozens and a history millions.

A frozen dataclass sets each of its fields by a call, past its own refusal to have them set, which takes three
times as long. A record is frozen for the type checker, which sees every assignment that there is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True)
def record(cls: type[Class]) -> type[Class]:
    """Make a class a dataclass with slots that is compared, and hashed, by its fields."""
    make: Callable[[type[Class]], type[Class]] = dataclass(slots=True, unsafe_hash=True)
    return make(cls)


@dataclass_transform(frozen_default=True, order_default=True)
def ordered_record(cls: type[Class]) -> type[Class]:
    """Likewise, and in the order of its fields."""
    make: Callable[[type[Class]], type[Class]] = dataclass(slots=True, unsafe_hash=True, order=True)
    return make(cls)
