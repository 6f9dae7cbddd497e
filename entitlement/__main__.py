"""`python -m entitlement` is `entitlement`."""

from entitlement.cli import main

main()
