"""Run the pinned native forge in contracts/ with the given arguments: `python scripts/forge.py test -vv`."""

import os
import sys

from entitlement.chain.toolchain import contracts_folder, foundry_binary, node
from entitlement.core.errors import SetupError


def main() -> None:
    """Become forge, so that its exit code is ours."""
    try:
        forge, folder = foundry_binary("forge"), contracts_folder()
        node()  # forge's compiler is contracts/tools/solc.js
    except SetupError as error:
        sys.exit(str(error))
    os.chdir(folder)
    os.execv(forge, [str(forge), *sys.argv[1:]])  # noqa: S606  the arguments are the developer's own


if __name__ == "__main__":
    main()
