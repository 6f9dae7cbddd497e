"""Deploy the contracts to a network: `entitlement deploy` for whoever looks for a script.

RPC_URL=https://… DEPLOYER_PRIVATE_KEY=0x… python scripts/deploy.py --network anvil --dry-run
"""

import sys

from entitlement.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "deploy")
    main()
