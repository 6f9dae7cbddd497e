"""Who holds each power, and what each power has set: everything about the contracts that may ever change.

The table of docs/contracts.md, read from the chain. Roles of the timelock cannot be listed by asking it, so
they are folded from its events since the deployment: one that was ever given is found.
"""

from collections.abc import Iterable, Iterator, Sequence

from eth_typing import BlockNumber
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import Web3Exception
from web3.types import FilterParams, LogReceipt

from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.findings import Finding
from entitlement.chain.deployment.record import Deployment
from entitlement.core.errors import NodeUnavailable

SMALLEST_RANGE = 100
"""Blocks; a node that refuses the events of so few refuses for another reason than their number."""

_TIMELOCK_DELAY = 9 * 86_400
_GRANTED = keccak(text="RoleGranted(bytes32,address,address)")
_REVOKED = keccak(text="RoleRevoked(bytes32,address,address)")
_CHANGEABLE = (
    "Timelock.",
    "Guardian.guardian",
    "StakedVVV.emissionRatePerSecond",
    "DiemMint.target",
    "CreditSales.price",
    "BuybackBurner.keeper",
    "BuybackBurner.bounds",
    "EpochRoots.publisher",
)
TIMELOCK_ROLES = {
    "admins": bytes(32),
    "proposers": keccak(text="PROPOSER_ROLE"),
    "cancellers": keccak(text="CANCELLER_ROLE"),
    "executors": keccak(text="EXECUTOR_ROLE"),
}


def changeable(finding: Finding) -> bool:
    """Whether a finding is about a role or a setting, which the holders of powers may change."""
    return f"{finding.contract}.{finding.field}".startswith(_CHANGEABLE)


def power_findings(contracts: Contracts, deployment: Deployment) -> list[Finding]:
    """Return every role and setting: as it was deployed, or accepted since, and as the chain has it now.

    Raises `NodeUnavailable` when the node does not give the timelock's events.
    """
    found = powers_now(contracts, deployment)
    expected = _deployed(deployment) | deployment.accepted
    return [
        Finding(
            name.partition(".")[0],
            name.partition(".")[2],
            expected.get(name, "nothing"),
            found.get(name, "nothing"),
        )
        for name in expected | found
    ]


def powers_now(contracts: Contracts, deployment: Deployment) -> dict[str, str]:
    """Return every role and setting, by `Contract.name`, as the chain has it now. Raises as above."""
    return _settings(contracts) | _roles(contracts.web3, deployment)


def holders(contracts: Contracts, deployment: Deployment, role: str) -> set[str]:
    """Return who holds one of the timelock's roles: admins, proposers, cancellers or executors."""
    return _holders(contracts.web3, deployment)[TIMELOCK_ROLES[role]]


def _deployed(deployment: Deployment) -> dict[str, str]:
    given = deployment.parameters
    prices = {
        f"CreditSales.price of tier {tier}": str(price)
        for tier, price in enumerate(given.monthly_prices, start=1)
    }
    return {
        "Timelock.delay": str(_TIMELOCK_DELAY),
        "Timelock.admins": deployment.addresses["Timelock"],
        "Timelock.proposers": given.proposer,
        "Timelock.cancellers": given.proposer,
        "Timelock.executors": given.proposer,
        "Guardian.guardian": given.guardian,
        "StakedVVV.emissionRatePerSecond": str(given.emission_per_second),
        "DiemMint.target at the end of its ramp": str(given.target),
        **prices,
        "BuybackBurner.keeper": given.keeper,
        "BuybackBurner.bounds": _joined(given.bounds),
        "EpochRoots.publisher": given.publisher,
    }


def _settings(contracts: Contracts) -> dict[str, str]:
    prices = {
        f"CreditSales.price of tier {tier}": str(contracts.view("CreditSales", "priceOf", tier))
        for tier in range(1, contracts.view("CreditSales", "tierCount") + 1)
    }
    _, target, _, _ = contracts.view("DiemMint", "ramp")
    return {
        "Timelock.delay": str(contracts.view("Timelock", "getMinDelay")),
        "Guardian.guardian": contracts.view("Guardian", "guardian"),
        "StakedVVV.emissionRatePerSecond": str(contracts.view("StakedVVV", "emissionRatePerSecond")),
        "DiemMint.target at the end of its ramp": str(target),
        **prices,
        "BuybackBurner.keeper": contracts.view("BuybackBurner", "keeper"),
        "BuybackBurner.bounds": _joined(contracts.view("BuybackBurner", "bounds")),
        "EpochRoots.publisher": contracts.view("EpochRoots", "publisher"),
    }


def _roles(web3: Web3, deployment: Deployment) -> dict[str, str]:
    """Name the holders of each of the timelock's roles."""
    names = {role: name for name, role in TIMELOCK_ROLES.items()}
    return {
        f"Timelock.{names.get(role, f'holders of role 0x{role.hex()}')}": _joined(sorted(accounts))
        for role, accounts in _holders(web3, deployment).items()
        if accounts or role in names
    }


def _holders(web3: Web3, deployment: Deployment) -> dict[bytes, set[str]]:
    """Fold the events of the timelock into the holders of each of its roles."""
    found: dict[bytes, set[str]] = {role: set() for role in TIMELOCK_ROLES.values()}
    timelock, head = deployment.addresses["Timelock"], web3.eth.block_number
    for log in logs_of(web3, timelock, [_GRANTED, _REVOKED], deployment.start_block, head):
        event, role, account = log["topics"][0], bytes(log["topics"][1]), log["topics"][2]
        of_role = found.setdefault(role, set())
        if event == _GRANTED:
            of_role.add(to_checksum_address(account[-20:]))
        else:
            of_role.discard(to_checksum_address(account[-20:]))
    return found


def logs_of(web3: Web3, address: str, topics: Sequence[bytes], first: int, last: int) -> Iterator[LogReceipt]:
    """Yield a contract's logs of these events in a range of blocks, in order.

    The range is halved while the node finds it too long. Raises `NodeUnavailable`.
    """
    wanted: FilterParams = {
        "address": to_checksum_address(address),
        "fromBlock": BlockNumber(first),
        "toBlock": BlockNumber(last),
        "topics": [[HexBytes(topic) for topic in topics]],
    }
    try:
        yield from web3.eth.get_logs(wanted)
    except Web3Exception as error:
        if last - first < SMALLEST_RANGE:
            raise NodeUnavailable(method="eth_getLogs", reason=str(error)[:200]) from error
        middle = (first + last) // 2
        yield from logs_of(web3, address, topics, first, middle)
        yield from logs_of(web3, address, topics, middle + 1, last)


def _joined(values: Iterable[object]) -> str:
    return ", ".join(map(str, values)) or "nobody"
