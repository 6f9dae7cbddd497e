"""What has to be on the machine before anything can be installed.

Says nothing and exits 0, or says a line for each thing that is missing and exits 1. The Makefile runs it
first, so it uses the standard library alone.
"""

import importlib.util
import re
import shutil
import subprocess
import sys

PYTHON_SMALLEST = (3, 11)
NODE_SMALLEST = 20


def missing() -> list[str]:
    """Return a line for everything that is missing, with what to do."""
    lines: list[str] = []
    if sys.version_info < PYTHON_SMALLEST:
        lines.append(
            f"Python {sys.version.split()[0]} is too old: install 3.11 or newer, or name it: make PYTHON=..."
        )
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        lines.append("Node is missing: install Node 20 or newer with npm (https://nodejs.org)")
    else:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - the node that was found
        version = re.match(r"v(\d+)", said)
        if version is None or int(version[1]) < NODE_SMALLEST:
            lines.append(f"Node {said.strip() or '?'} is too old: install 20 or newer (https://nodejs.org)")
    if importlib.util.find_spec("ensurepip") is None:  # Debian ships Python without it
        lines.append("Python's venv is missing: install it (Debian: apt-get install python3-venv)")
    return lines


if __name__ == "__main__":
    found = missing()
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    sys.exit(1 if found else 0)
