"""`entitlement demo`: the product's story comes out as it is told, and leaves nothing behind."""

import re
import tempfile
from pathlib import Path

from tests.stack.processes import run


def test_the_story_is_told_to_its_end() -> None:
    with tempfile.TemporaryDirectory(prefix="entitlement-demo-test-") as name:
        Path(name).chmod(0o755)
        done = run("demo", seconds=240, TMPDIR=name)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "402 INSUFFICIENT_BALANCE:" in done.stdout
        assert "The story came out as told." in done.stdout
        assert re.search(r"the ledger grants +\$1\.00 today, \$1\.00 tomorrow", done.stdout)
        assert re.search(r"no job had to reset it", done.stdout)
        # The database's wheel keeps one lock for all its users there.
        assert {path.name for path in Path(name).iterdir()} <= {".lockfile"}
