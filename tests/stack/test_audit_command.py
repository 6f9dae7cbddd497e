import json
from pathlib import Path

from sqlalchemy import Engine, text

from tests.audit.support import Sessions, address, lived
from tests.stack.conftest import Typed


def test_the_command_says_by_its_exit_code_whether_the_journal_is_as_it_was_written(
    typed: Typed, database: Engine, sessions: Sessions, tmp_path: Path
) -> None:
    lived(sessions, 1, groups=2)
    of_service = {"DATABASE_URL": address(sessions), "ENTITLEMENT_DATA_FOLDER": str(tmp_path)}
    clean = typed("audit", **of_service)
    assert (clean.code, clean.err) == (0, "")
    assert "all as they were written" in clean.out
    with database.begin() as connection:
        head = connection.execute(
            text("SELECT lane, number, '0x' || encode(hash, 'hex') FROM journal_batches ORDER BY 2 DESC")
        ).first()
    assert head is not None
    published = tmp_path / "statement.json"
    heads = [dict(zip(("lane", "number", "hash"), head, strict=True))]
    published.write_text(json.dumps({"statement": {"journal_heads": heads}}))
    assert f"lane 0: batch {head[1]} is {head[2]}" in clean.out
    anywhere = ("audit", "--database", address(sessions), "--heads", str(published))
    assert typed(*anywhere).code == 0
    with database.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("DELETE FROM entries WHERE batch = :last"), {"last": head[1]})
        connection.execute(text("DELETE FROM journal_batches WHERE number = :last"), {"last": head[1]})
    assert typed("audit", "--no-sums", **of_service).code == 0
    cut = typed(*anywhere)
    assert cut.code == 1
    assert f"lane 0, batch {head[1]}: it was published, and is gone" in cut.out


def test_what_cannot_be_looked_at_is_neither_clean_nor_tampered_with(
    typed: Typed, sessions: Sessions, tmp_path: Path
) -> None:
    nobody = "postgresql://127.0.0.1:1/nobody"
    assert typed("audit", "--database", nobody).code == 2
    for content in ("", "{}", '{"journal_heads": [{"lane": 0}]}', '{"journal_heads": 1}'):
        file = tmp_path / "heads.json"
        file.write_text(content)
        assert typed("audit", "--database", address(sessions), "--heads", str(file)).code == 2
    assert typed("audit", "--heads", str(tmp_path / "not there")).code == 2
