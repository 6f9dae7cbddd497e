"""The code on the chain against the code that was compiled, byte for byte.

solc leaves zeros where immutables go and says where. Every one of them is known here, private ones too:
filled in, the compiled code must be exactly what the chain has.
"""

from eth_utils.crypto import keccak

from entitlement.chain.abi import encode
from entitlement.chain.artifacts import Artifact
from entitlement.chain.deployment.findings import Finding
from entitlement.chain.deployment.order import DEV_DOLLAR, DEV_TRADER, PAIR_VENUE
from entitlement.chain.deployment.record import Deployment
from entitlement.core.errors import SetupError

_STAKE_COOLDOWN = 7 * 86_400
_DIEM_COOLDOWN = 86_400
_SHORT_STRING_BYTES = 31


def code_findings(artifact: Artifact, code: bytes, deployment: Deployment) -> list[Finding]:
    """Return what the code of a contract should be and is: each immutable, and all the rest.

    Raises `SetupError` when the contract has an immutable that is not known here.
    """
    name, expected = artifact.name, expected_immutables(deployment)[artifact.name]
    if set(expected) != set(artifact.immutables):
        raise SetupError(
            problem=f"{name} keeps {sorted(artifact.immutables)}, known are {sorted(expected)}",
            remedy="bring chain/deployment/code.py up to the contracts",
        )
    compiled = bytearray.fromhex(artifact.deployed_bytecode[2:])
    if len(code) != len(compiled):
        there = f"{len(code)} bytes at {deployment.addresses[name]}"
        return [Finding(name, "code", f"{len(compiled)} bytes", there)]
    findings: list[Finding] = []
    for immutable, places in artifact.immutables.items():
        for start, length in places:
            word = expected[immutable].to_bytes(length, "big")
            found = code[start : start + length]
            compiled[start : start + length] = found
            one = Finding(name, immutable, hex(expected[immutable]), hex(int.from_bytes(found, "big")))
            assert one.is_surprise == (found != word)
            if one not in findings:
                findings.append(one)
    # An immutable that differs has its own finding: here it counts as what the chain says it is.
    findings.append(Finding(name, "code", _digest(compiled), _digest(code)))
    return findings


def _digest(code: bytes | bytearray) -> str:
    return f"0x{keccak(bytes(code)).hex()}"


def expected_immutables(deployment: Deployment) -> dict[str, dict[str, int]]:
    """Return the word that each immutable of each contract must hold."""
    at = {name: int(address, 16) for name, address in deployment.addresses.items()}
    given, market = deployment.parameters, deployment.market
    usdc, pool = int(market.usdc, 16), int(market.pool, 16)
    timelock, guardian = {"timelock": at["Timelock"]}, {"guardian": at["Guardian"]}
    return {
        "Timelock": {},
        "Guardian": timelock,
        "VVV": {"minter": at["StakedVVV"]} | _permit("VVV", "VVV", deployment),
        "StakedVVV": {
            "vvv": at["VVV"],
            "_token": at["VVV"],
            "_cooldown": _STAKE_COOLDOWN,
            "diemMint": at["DiemMint"],
            "treasury": int(given.treasury, 16),
        }
        | timelock
        | guardian,
        "DIEM": {"minter": at["DiemMint"]} | _permit("DIEM", "DIEM", deployment),
        "DiemMint": {"stakedVVV": at["StakedVVV"], "diem": at["DIEM"], "opensAt": given.opens_at}
        | timelock
        | guardian,
        "InferenceStake": {"diem": at["DIEM"], "_token": at["DIEM"], "_cooldown": _DIEM_COOLDOWN} | guardian,
        "PoolOpener": {"pool": pool},
        "CreditSales": {"usdc": usdc, "revenue": int(given.revenue, 16)} | timelock | guardian,
        "BuybackBurner": {
            "usdc": usdc,
            "vvv": at["VVV"],
            "pool": at.get(PAIR_VENUE, pool),
            "_usdcIsToken0": int(usdc < at["VVV"]),
        }
        | timelock
        | guardian,
        "EpochRoots": {"startEpoch": deployment.roots_start_epoch} | timelock,
        "Lens": {
            "stakedVVV": at["StakedVVV"],
            "diemMint": at["DiemMint"],
            "inferenceStake": at["InferenceStake"],
            "creditSales": at["CreditSales"],
            "buybackBurner": at["BuybackBurner"],
            "epochRoots": at["EpochRoots"],
            "_vvv": at["VVV"],
            "_diem": at["DIEM"],
            "_usdc": usdc,
            "_guardian": at["Guardian"],
            "_timelock": at["Timelock"],
        },
    } | _of_the_market(deployment, usdc, pool, at["VVV"])


def _of_the_market(deployment: Deployment, usdc: int, pool: int, vvv: int) -> dict[str, dict[str, int]]:
    """Return the same of what not every deployment has."""
    token0, token1, pair = min(usdc, vvv), max(usdc, vvv), deployment.parameters.pair
    found: dict[str, dict[str, int]] = {}
    if pair is not None:
        found[PAIR_VENUE] = {"pair": int(pair, 16), "token0": token0, "token1": token1}
    if DEV_DOLLAR in deployment.addresses:
        found[DEV_DOLLAR] = _permit(DEV_DOLLAR, "USD Coin", deployment)
        found[DEV_TRADER] = {"_pool": pool, "_token0": token0, "_token1": token1}
    return found


def _permit(contract: str, name: str, deployment: Deployment) -> dict[str, int]:
    """Return what OpenZeppelin's EIP712 keeps for a token with this name, version 1."""
    address = deployment.addresses[contract]
    hashed_name, hashed_version = keccak(text=name), keccak(text="1")
    domain = keccak(text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    separator = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [domain, hashed_name, hashed_version, deployment.chain_id, address],
        )
    )
    words = {
        "_cachedDomainSeparator": separator,
        "_hashedName": hashed_name,
        "_hashedVersion": hashed_version,
        "_name": _short_string(name),
        "_version": _short_string("1"),
    }
    return {key: int.from_bytes(word, "big") for key, word in words.items()} | {
        "_cachedChainId": deployment.chain_id,
        "_cachedThis": int(address, 16),
    }


def _short_string(text: str) -> bytes:
    """Return OpenZeppelin's ShortString: the text to the left, its length in the last byte."""
    return text.encode().ljust(_SHORT_STRING_BYTES, b"\0") + bytes([len(text)])
