"""Who signs for the operator: a key that is configured, or on a development network one that is made once."""

import secrets
from contextlib import closing
from typing import TYPE_CHECKING

from entitlement.chain.accounts import account_from_key, account_from_keystore
from entitlement.chain.attest import Attester
from entitlement.chain.deployment.record import deployment_path, read_deployment
from entitlement.chain.endpoints import open_rpc
from entitlement.chain.holdings import holdings
from entitlement.chain.networks import Network
from entitlement.core.attested import Domain
from entitlement.core.blocks import Header
from entitlement.core.errors import SetupError
from entitlement.core.statements import Holding
from entitlement.settings import Settings
from entitlement.wiring.private_files import create_private

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


def attester(settings: Settings, network: Network) -> Attester:
    """Return who signs, for the deployment that is followed. Raises SetupError, DeploymentMissing."""
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    domain = Domain(network.chain_id, deployment.addresses["EpochRoots"])
    return Attester(operator_account(settings, network), domain)


def can_attest(settings: Settings, network: Network) -> bool:
    """Tell whether there is a deployment and a key: without either, no statement is made."""
    has_key = settings.operator_key is not None or settings.operator_key_file is not None
    path = settings.deployment or deployment_path(network.chain_id)
    return (network.is_devnet or has_key) and path.exists()


def usdc_held(settings: Settings, network: Network, block: Header) -> list[Holding]:
    """Return what the deployment's addresses, and those that are named, hold of USDC at a block.

    Raises NodeUnavailable, DeploymentMissing.
    """
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    named = {f"treasury {number}": each for number, each in enumerate(sorted(settings.treasury), start=1)}
    holders = {
        "revenue": deployment.parameters.revenue,
        "BuybackBurner": deployment.addresses["BuybackBurner"],
        **named,
    }
    with closing(open_rpc(settings.rpc_url or network.rpc_url, chain_id=network.chain_id)) as rpc:
        return holdings(rpc, deployment.market.usdc, holders, block)


def operator_account(settings: Settings, network: Network) -> "LocalAccount":
    """Return the operator's account. Raises SetupError."""
    if settings.operator_key is not None:
        return account_from_key(settings.operator_key.get_secret_value(), "ENTITLEMENT_OPERATOR_KEY")
    if settings.operator_key_file is not None:
        password = settings.operator_key_password
        return account_from_keystore(
            settings.operator_key_file, lambda: "" if password is None else password.get_secret_value()
        )
    if not network.is_devnet:
        raise SetupError(
            "Nobody signs for the operator: ENTITLEMENT_OPERATOR_KEY_FILE is not set.",
            remedy="Name a keystore in it, and its password in ENTITLEMENT_OPERATOR_KEY_PASSWORD.",
        )
    path = settings.data_folder / "operator-key"
    create_private(path, secrets.token_hex(32))
    return account_from_key(path.read_text(), str(path))
