import json
from pathlib import Path

from eth_account import Account
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.attest import Attester
from entitlement.core.attested import SOURCES, Domain
from entitlement.core.epochs import Epoch
from entitlement.core.statements import STATEMENT, Books, Flow, Holding, LaneHead, Standing, message
from entitlement.store import statements
from tests.stack.conftest import Typed

OPERATOR = Account.from_key("0x" + "42" * 32)
USD = 10**9


def signed() -> str:
    books = Books(
        made_at=1_728_090_000,
        diem_staked=5 * 10**18,
        day=[Flow(source, 3 * USD, -2 * USD, 0) for source in SOURCES],
        standing=[Standing(source, 9 * USD, 4 * USD, 1 * USD, 4 * USD) for source in SOURCES],
        heads=[LaneHead(0, 17, bytes.fromhex("2b" * 32))],
        acts=[],
    )
    held = [Holding("revenue", "0x" + "77" * 20, 1_500_000)]
    said = message(Epoch(20_000), books, block_number=9, block_hash="0x" + "1c" * 32, usdc=held)
    return json.dumps(Attester(OPERATOR, Domain(31_337, "0x" + "ab" * 20)).sign(STATEMENT, said))


def test_a_statement_is_shown_exported_and_checked(
    typed: Typed, database: Engine, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    service = {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ENTITLEMENT_DATA_FOLDER": str(tmp_path),
        "ENTITLEMENT_TOKEN_SECRET": "s" * 32,
    }
    assert "no statement was made yet" in typed("statement", **service).err
    document = signed()
    with sessions.begin() as session:
        statements.add(session, Epoch(20_000), 1_728_090_000, document)
    shown = typed("statement", **service)
    assert (shown.code, shown.err) == (0, "")
    assert "revenue 0x7777777777777777777777777777777777777777 holds $1.50 of USDC" in shown.out
    assert shown.out.count("-$2.00") == len(SOURCES)
    assert f"lane 0: batch 17 is 0x{'2b' * 32}" in shown.out
    assert "epoch 20001 has no statement" in typed("statement", "--epoch", "20001", **service).err
    exported = typed("statement", "--json", **service).out
    assert json.loads(exported) == json.loads(document)
    file = tmp_path / "statement.json"
    file.write_text(exported)
    checked = typed("statement", "--check", str(file), "--operator", OPERATOR.address)
    assert (checked.code, f"signed by {OPERATOR.address}" in checked.out) == (0, True)
    file.write_text(exported.replace('"4000000000"', '"4000000001"', 1))
    assert typed("statement", "--check", str(file), "--operator", OPERATOR.address).code == 1
    receipt = typed("receipt", "check", str(file))
    assert "no receipt of this form" in receipt.err
