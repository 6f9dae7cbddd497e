"""The command line: what a person types, and the local stack that `up` and `demo` run."""

from entitlement.cli.main import main

__all__ = ["main"]
