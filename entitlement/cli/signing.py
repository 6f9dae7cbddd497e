"""Where an operator's key comes from: an encrypted keystore, the environment, or a remote signer.

Never from the command line, which every program on the machine can see.
"""

import os
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from entitlement.chain.accounts import account_from_key, account_from_keystore
from entitlement.chain.signers import RemoteSigner, Signer
from entitlement.core.errors import SetupError

PASSWORD_VARIABLE = "KEYSTORE_PASSWORD"  # noqa: S105 - its name

Keystore = Annotated[
    Path | None, typer.Option(help="An encrypted key (JSON, version 3); its password is asked for.")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help=f"The keystore's password is its first line. [default: {PASSWORD_VARIABLE}, or asked]"),
]
RemoteUrl = Annotated[
    str | None,
    typer.Option(
        envvar="SIGNER_URL",
        help="A signer that keeps the key and answers eth_signTransaction; name its account.",
    ),
]


def find_signer(
    variable: str,
    *,
    keystore: Path | None,
    password_file: Path | None,
    remote: str | None,
    address: str | None,
) -> Signer | None:
    """Return who signs, from the one source that is given; None where there is none.

    `variable` is the environment variable that may hold a private key; `address` is the account of a remote
    signer, and who the signer must be where it is given. Raises `SetupError`.
    """
    key = os.environ.get(variable)
    given = [
        name for name, value in ((variable, key), ("--keystore", keystore), ("SIGNER_URL", remote)) if value
    ]
    if len(given) > 1:
        raise SetupError(f"{' and '.join(given)} are given.", remedy="Give one source of the key only.")
    if remote:
        if address is None:
            raise SetupError("A remote signer has several accounts.", remedy="Name the one that signs.")
        return RemoteSigner(remote, address)
    if keystore is not None:
        signer = account_from_keystore(keystore, lambda: _password(keystore, password_file))
    elif key:
        signer = account_from_key(key, variable)
    else:
        return None
    if address is not None and address.lower() != signer.address.lower():
        raise SetupError(
            f"{given[0]} holds the key of {signer.address}, not of {address}.", remedy="Give the other key."
        )
    return signer


def _password(keystore: Path, file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().split("\n", 1)[0]
        except OSError as error:
            raise SetupError(
                f"{file} cannot be read: {error.strerror}.", remedy="Name another file."
            ) from None
    return os.environ.get(PASSWORD_VARIABLE) or getpass(f"password of {keystore}: ")
