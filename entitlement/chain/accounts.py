"""Accounts whose keys this process has.

A key never comes from a command line, which every program on a machine can see, and is never shown: whatever
is wrong with one, no message and no trace holds any of it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement.core.errors import SetupError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


def account_from_key(key: str, where: str) -> "LocalAccount":
    """Return the account of a private key; `where` names its source in the `SetupError` for what is none."""
    from eth_account import Account  # noqa: PLC0415 - a process that signs nothing needs none

    try:
        return Account.from_key(key.strip())
    except Exception:  # noqa: BLE001 - whatever is wrong with a key, it may not appear in a message or a trace
        raise SetupError(
            f"{where} does not hold a private key.", remedy="Give 0x and 64 hex digits."
        ) from None


def account_from_keystore(path: Path, password: Callable[[], str]) -> "LocalAccount":
    """Return the account in an encrypted keystore, as geth, Foundry and wallets write it (version 3).

    `password` is asked only if the file is one. Raises `SetupError`.
    """
    from eth_account import Account  # noqa: PLC0415 - likewise

    try:
        keystore = json.loads(path.read_text())
        kind = keystore["version"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SetupError(
            f"{path} is not a keystore.", remedy="Name the JSON file of an encrypted key."
        ) from None
    try:
        return Account.from_key(Account.decrypt(keystore, password()))
    except Exception:  # noqa: BLE001 - as above, and of a password too
        raise SetupError(
            f"{path} (version {kind}) does not open with this password.", remedy="Try again."
        ) from None
