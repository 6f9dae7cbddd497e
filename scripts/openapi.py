"""Write openapi.json, the description of the HTTP API; with --check tell whether it is what is served.

It is kept in the repository so that a change of the interface is seen and explained like one of the code.
"""

import json
import sys
from pathlib import Path

from entitlement.api.app import create_app

PATH = Path(__file__).parents[1] / "openapi.json"


def description() -> str:
    """Return the text of openapi.json."""
    return json.dumps(create_app(None).openapi(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file, or compare it."""
    if sys.argv[1:] == ["--check"]:
        if not PATH.is_file() or PATH.read_text() != description():
            sys.exit(f"{PATH.name} is not what is served: run `make openapi`, and explain the change")
    elif sys.argv[1:]:
        sys.exit("usage: openapi.py [--check]")
    else:
        PATH.write_text(description())


if __name__ == "__main__":
    main()
