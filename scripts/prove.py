"""Run the invariants of the contracts on more and other walks than `make test`, and count the calls.

The lengths and the seed stand in contracts/foundry.toml under [profile.prove]. Arguments go to forge, so that
`python scripts/prove.py --fuzz-seed 0x1234` walks elsewhere again.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

FORGE = Path(__file__).with_name("forge.py")
CALLS = re.compile(r"\(runs: \d+, calls: (\d+), reverts: \d+\)")


def main() -> None:
    """Pass on what forge says, add up the calls, and end as forge ends."""
    began = time.monotonic()
    calls, campaigns = 0, 0
    command = [sys.executable, str(FORGE), "test", "--match-path", "test/invariant/*", *sys.argv[1:]]
    with subprocess.Popen(  # noqa: S603  our own script, with the developer's own arguments
        command, env={**os.environ, "FOUNDRY_PROFILE": "prove"}, stdout=subprocess.PIPE, text=True
    ) as forge:
        assert forge.stdout is not None, "it was asked for"
        for line in forge.stdout:
            print(line, end="", flush=True)
            if line.startswith("[PASS]") and (counted := CALLS.search(line)):
                calls, campaigns = calls + int(counted[1]), campaigns + 1
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    end = "every invariant held" if forge.returncode == 0 and calls else "not all held"
    print(f"{calls:,} calls in {campaigns} campaigns in {minutes} min {seconds} s: {end}")
    sys.exit(forge.returncode or calls == 0)


if __name__ == "__main__":
    main()
