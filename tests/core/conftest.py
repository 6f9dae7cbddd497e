"""The core asks nobody: a test of it that opens a socket tests something else."""

import socket
from collections.abc import Iterator
from typing import NoReturn

import pytest


@pytest.fixture(autouse=True, scope="module")
def no_sockets() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refuse)
        yield


def _refuse(*_: object) -> NoReturn:
    raise AssertionError("a test of the core opened a socket")
