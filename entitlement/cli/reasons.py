"""Why operations of the timelock were proposed: kept beside the other acts, where the service's database is.

The chain has the keccak of a reason alone. A machine that has only a node and a key says so, and the words
are kept later by `entitlement admin reason`, which takes no others than those.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from entitlement.cli.acts import because
from entitlement.cli.show import console
from entitlement.core.acts import Because
from entitlement.core.errors import SetupError
from entitlement.flows.record_acts import RecordActs
from entitlement.settings import Settings, read_settings

EMBEDDED = "postgres"
"""The embedded database's folder, in the data folder."""


def keep_reason(operation: bytes, reason: str, by: str) -> None:
    """Keep it before anything is signed; say so where there is no database. Raises InvalidRequest."""
    settings, kept = read_settings(), because(reason, by)
    kept.check()
    if not _has_database(settings):
        name = f"0x{operation.hex()}"
        console.print(
            "the service's database is not on this machine: there, keep the reason by "
            f"entitlement admin reason {name[:18]} --reason …",
            style="yellow",
            soft_wrap=True,
        )
        return
    with _acts(settings) as acts:
        acts.record_reason(f"0x{operation.hex()}", kept)
    console.print(f"kept with it: {kept.made_by}, {kept.reason}", soft_wrap=True, markup=False)


def known_reasons() -> dict[str, Because]:
    """Return what was kept, by the operations' ids; nothing where there is no database, or none answers."""
    settings = read_settings()
    if not _has_database(settings):
        return {}
    try:
        with _acts(settings) as acts:
            return acts.reasons()
    except SetupError as error:
        console.print(f"reasons are not shown: {error}", style="yellow", soft_wrap=True, markup=False)
        return {}


def _has_database(settings: Settings) -> bool:
    return settings.database_url is not None or Path(settings.data_folder / EMBEDDED).exists()


@contextmanager
def _acts(settings: Settings) -> Generator[RecordActs]:
    from entitlement.store.session import session_factory  # noqa: PLC0415 - loads the whole service
    from entitlement.wiring.database import open_database  # noqa: PLC0415

    with open_database(settings) as engine:
        yield RecordActs(session_factory(engine))
