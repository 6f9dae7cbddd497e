"""Where the keeper's key and the poker's come from: as `cli.signing` says, or by the service's settings."""

from pathlib import Path

from entitlement.chain.signers import Signer
from entitlement.cli.signing import find_signer
from entitlement.core.errors import SetupError
from entitlement.settings import Settings

KEY_VARIABLE = "KEEPER_PRIVATE_KEY"  # its name; the key itself is never in the settings
POKER_VARIABLE = "POKER_PRIVATE_KEY"  # likewise
NO_KEEPER = SetupError(
    f"Nobody signs: {KEY_VARIABLE} is not set.",
    remedy="Set it, give --keystore or --signer, or set ENTITLEMENT_KEEPER_KEYSTORE or _SIGNER_URL.",
)


def find_keeper(
    settings: Settings,
    *,
    keystore: Path | None = None,
    password_file: Path | None = None,
    remote: str | None = None,
    address: str | None = None,
) -> Signer | None:
    """Return who signs buybacks; None where no source of a key is named. Raises `SetupError`."""
    is_given = keystore is not None or remote is not None
    return find_signer(
        KEY_VARIABLE,
        keystore=keystore if is_given else settings.keeper_keystore,
        password_file=password_file or settings.keeper_password_file,
        remote=remote if is_given else settings.keeper_signer_url,
        address=address or settings.keeper_address,
    )


def find_poker(settings: Settings) -> Signer | None:
    """Return who pays for pokes; None where no source of a key is named. Raises `SetupError`."""
    return find_signer(
        POKER_VARIABLE,
        keystore=settings.poker_keystore,
        password_file=settings.poker_password_file,
        remote=settings.poker_signer_url,
        address=settings.poker_address,
    )
