"""Buy back and burn VVV: `entitlement buyback` for whoever looks for a script.

ENTITLEMENT_NETWORK=base ENTITLEMENT_RPC_URL=https://… python scripts/buyback.py plan
"""

import sys

from entitlement.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "buyback")
    main()
