"""A part of the journal, audited by this process or by one beside it.

The other process is this module again. It is told of its part on its input, where a password is nobody's to
see, and says how far it is, and in the end what it found, in lines of JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, Self

import psycopg

from entitlement.audit.chain import Finding, batch_of, check_chain
from entitlement.audit.reading import BATCHES, ENTRIES, Part, lines, same_moment

TOLD_EVERY = 20_000
"""Entries, between two looks at how far it is."""
FINDINGS_MAX = 100_000
"""Named of a part: whoever has changed more has changed all."""
Told = Callable[[int], None]


def audit_part(database: str, moment: str, part: Part, told: Told) -> list[Finding]:
    """Check a part as it was at a moment; `told` is called with how many entries are done."""
    with same_moment(database, moment) as first, same_moment(database, moment) as second:
        batches, entries = lines(first, BATCHES, part, "number"), lines(second, ENTRIES, part, "batch")
        return findings_of(batches, entries, part, told)


def findings_of(batches: Iterator[bytes], entries: Iterator[bytes], part: Part, told: Told) -> list[Finding]:
    """Check what was read of a part."""
    found: list[Finding] = []
    done = next_told = 0
    for each in check_chain(map(batch_of, batches), entries, part.before):
        if isinstance(each, Finding):
            if len(found) < FINDINGS_MAX:
                found.append(each)
            continue
        done += each
        if done >= next_told:
            told(done)
            next_told = done + TOLD_EVERY
    told(done)
    return found


class Beside:
    """Another process, which audits a part meanwhile. Use it in a `with`."""

    def __init__(self, database: str, moment: str, part: Part) -> None:
        self._task = json.dumps([database, moment, part.as_words()])
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        # The same program as this one, wherever this one was found.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        _end(self._process.stdin, self._task)
        return self

    def __exit__(self, *_: object) -> None:
        """End it, where it has not ended by itself."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def findings(self, told: Told) -> list[Finding]:
        """Return what it finds, when it has. Raises psycopg.Error."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if isinstance(said, int):
                told(said)
            elif isinstance(said, str):
                raise psycopg.OperationalError(said)
            else:
                return [Finding(*each) for each in said]
        raise psycopg.OperationalError("a process of the audit ended before it was done")


def _end(pipe: IO[str] | None, last: str) -> None:
    assert pipe is not None
    pipe.write(last)
    pipe.close()


def main() -> None:
    """Audit the part that standard input names."""
    database, moment, words = json.load(sys.stdin)
    try:
        found = audit_part(database, moment, Part.of_words(words), _say)
    except psycopg.Error as error:
        _say(str(error))
    else:
        _say([(each.lane, each.batch, each.what) for each in found])


def _say(something: object) -> None:
    print(json.dumps(something), flush=True)  # noqa: T201 - its one way to speak


if __name__ == "__main__":
    main()
