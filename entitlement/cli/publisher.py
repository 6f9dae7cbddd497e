"""Who signs roots: the publisher's key, from the environment or the settings alone."""

import os
from collections.abc import Callable

from eth_account.signers.local import LocalAccount

from entitlement.chain.contracts import Contracts
from entitlement.chain.devnet import ACCOUNTS, development_account
from entitlement.chain.roots import RootsOnChain
from entitlement.chain.signers import Signer
from entitlement.cli.signing import PASSWORD_VARIABLE, find_signer
from entitlement.core.errors import SetupError
from entitlement.settings import Settings

KEY_VARIABLE = "PUBLISHER_PRIVATE_KEY"


def is_publisher(settings: Settings) -> bool:
    """Tell whether this process was given the publisher's key, or a signer that keeps it."""
    return bool(os.environ.get(KEY_VARIABLE) or settings.publisher_keystore or settings.publisher_signer_url)


def publisher_in(settings: Settings, *, asks: bool) -> Callable[[str], Signer | None]:
    """Return what finds the signer of an address. Unless it `asks`, a password must be there already."""

    def found(address: str) -> Signer | None:
        keystore, file = settings.publisher_keystore, settings.publisher_password_file
        if keystore is not None and file is None and not asks and PASSWORD_VARIABLE not in os.environ:
            raise SetupError(
                f"Nobody is there to type the password of {keystore}.",
                remedy=f"Set {PASSWORD_VARIABLE}, or name a file in ENTITLEMENT_PUBLISHER_PASSWORD_FILE.",
            )
        return find_signer(
            KEY_VARIABLE,
            keystore=keystore,
            password_file=file,
            remote=settings.publisher_signer_url,
            address=address,
        )

    return found


def development_publisher(contracts: Contracts) -> LocalAccount | None:
    """Return the development account whose signature EpochRoots takes now.

    None where the timelock has named somebody else: nobody here has that key.
    """
    named = RootsOnChain(contracts).publisher()
    accounts = (development_account(number) for number in range(ACCOUNTS))
    return next((each for each in accounts if each.address == named), None)
