import csv
import io
import json
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from tests.stack.conftest import Typed
from tests.support import holder

BECAUSE = ("--reason", "it was [bold]published[/]", "--by", "ada")


def test_what_was_done_by_hand_is_listed_and_exported(
    typed: Typed, database: Engine, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    service = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ENTITLEMENT_DATA_FOLDER": str(tmp_path),
        "ENTITLEMENT_TOKEN_SECRET": "s" * 32,
    }
    assert "nothing was done by hand" in typed("acts", **service).out
    alice = holder(sessions, diem=10)
    assert typed("suspend-key", alice.key_id, **service).code == 2, "a reason is asked for"
    done = typed("suspend-key", alice.key_id, *BECAUSE, **service)
    assert (done.code, done.err) == (0, "")
    assert typed("suspend-key", alice.key_id, *BECAUSE, **service).code == 1
    assert typed("restore-key", alice.key_id, *BECAUSE, **service).code == 0
    assert typed("pro-rata", "set", "5", *BECAUSE, **service).code == 0
    assert typed("gateways", "token", "another", "--by", "bob", **service).code == 0
    shown = typed("acts", **service).out
    assert shown.count("it was [bold]published[/]") == 3
    exported = json.loads(typed("acts", "--json", **service).out)
    kinds = ["gateway.token", "key.suspend", "key.restore", "pro_rata.set", "gateway.token"]
    assert [each["kind"] for each in exported] == kinds
    assert exported[3]["figures"] == {"capacity": 5 * 10**9, "minimum_stake": 0}
    assert (exported[4]["made_by"], exported[4]["reason"]) == ("bob", "none given")
    rows = list(csv.DictReader(io.StringIO(typed("acts", "--csv", **service).out)))
    assert [row["kind"] for row in rows] == kinds
    assert rows[3]["figures"] == "capacity 5000000000, minimum_stake 0"
    assert json.loads(typed("acts", "--json", "--since", "99999", **service).out) == []
