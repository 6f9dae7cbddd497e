import json
from pathlib import Path
from typing import cast

import pytest
from eth_account import Account

from entitlement.chain.attest import Attester
from entitlement.core.attested import RECEIPT, Domain
from tests.stack.conftest import Typed

OPERATOR = Account.from_key("0x" + "42" * 32)
SAYS = {
    name: {"address": "0x" + "1a" * 20, "bytes32": "0x" + "2b" * 32, "string": "word"}.get(kind, "7")
    for name, kind in RECEIPT["Receipt"]
}


@pytest.mark.parametrize(
    ("struct", "member", "value"),
    [
        ("message", "diem", "8"),
        ("message", "input_tokens", "-1"),
        ("domain", "chainId", 1),
        (None, "operator", "0x" + "11" * 20),
    ],
)
def test_a_receipt_that_was_changed_is_refused(
    typed: Typed, tmp_path: Path, struct: str | None, member: str, value: object
) -> None:
    document = Attester(OPERATOR, Domain(31_337, "0x" + "ab" * 20)).sign(RECEIPT, SAYS)
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(document))
    good = typed("receipt", "check", str(file), "--operator", OPERATOR.address)
    assert (good.code, good.err) == (0, "")
    assert f"signed by {OPERATOR.address}, for chain 31337" in good.out
    assert "compare that address" in typed("receipt", "check", str(file)).out
    assert "not by" in typed("receipt", "check", str(file), "--operator", "0x" + "22" * 20).err
    place = document if struct is None else cast("dict[str, object]", document[struct])
    place[member] = value
    file.write_text(json.dumps(document))
    changed = typed("receipt", "check", str(file), "--operator", OPERATOR.address)
    assert changed.code == 1
    assert "it was changed" in changed.err


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"domain": {}}'])
def test_what_is_no_receipt_is_refused_in_a_sentence(typed: Typed, tmp_path: Path, content: str) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(content)
    done = typed("receipt", "check", str(file))
    assert (done.code, "error: " in done.err) == (1, True)
    assert typed("receipt", "check", str(tmp_path / "nowhere")).code == 1
