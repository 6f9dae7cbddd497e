"""The code on the chain against the code that was compiled, byte for byte.

solc leaves zeros where immutables go and says where. Every one of them is known here, private ones too:
filled in, the compiled code must be exactly what the chain has.
"""

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from entitlement.chain.artifacts import Artifact
from entitlement.chain.deployment import Deployment
from entitlement.core.errors import DeploymentMismatch, SetupError

_STAKE_COOLDOWN = 7 * 86_400
_DIEM_COOLDOWN = 86_400
_SHORT_STRING_BYTES = 31


def check_code(artifact: Artifact, code: bytes, deployment: Deployment) -> None:
    """Raise `DeploymentMismatch` naming the immutable that differs, or the code if something else does.

    Raises `SetupError` when the contract has an immutable that is not known here.
    """
    expected = expected_immutables(deployment)[artifact.name]
    if set(expected) != set(artifact.immutables):
        raise SetupError(
            problem=f"{artifact.name} keeps {sorted(artifact.immutables)}, known are {sorted(expected)}",
            remedy="bring chain/verify.py up to the contracts",
        )
    compiled = bytearray.fromhex(artifact.deployed_bytecode[2:])
    if len(code) != len(compiled):
        raise DeploymentMismatch(
            contract=artifact.name,
            field="code",
            expected=f"{len(compiled)} bytes",
            found=f"{len(code)} bytes at {deployment.addresses[artifact.name]}",
        )
    for name, places in artifact.immutables.items():
        for start, length in places:
            word = expected[name].to_bytes(length, "big")
            if code[start : start + length] != word:
                raise DeploymentMismatch(
                    contract=artifact.name,
                    field=name,
                    expected="0x" + word.hex(),
                    found="0x" + code[start : start + length].hex(),
                )
            compiled[start : start + length] = word
    if code != bytes(compiled):
        raise DeploymentMismatch(
            contract=artifact.name,
            field="code",
            expected="0x" + keccak(bytes(compiled)).hex(),
            found="0x" + keccak(code).hex(),
        )


def expected_immutables(deployment: Deployment) -> dict[str, dict[str, int]]:
    """Return the word that each immutable of each contract must hold."""
    at = {name: int(address, 16) for name, address in deployment.addresses.items()}
    timelock = int(deployment.parameters.timelock, 16)
    return {
        "Guardian": {"timelock": timelock},
        "VVV": {"minter": at["StakedVVV"]} | _permit("VVV", deployment),
        "StakedVVV": {
            "vvv": at["VVV"],
            "_token": at["VVV"],
            "_cooldown": _STAKE_COOLDOWN,
            "diemMint": at["DiemMint"],
            "treasury": int(deployment.parameters.treasury, 16),
            "timelock": timelock,
            "guardian": at["Guardian"],
        },
        "DIEM": {"minter": at["DiemMint"]} | _permit("DIEM", deployment),
        "DiemMint": {
            "stakedVVV": at["StakedVVV"],
            "diem": at["DIEM"],
            "timelock": timelock,
            "guardian": at["Guardian"],
            "opensAt": deployment.parameters.opens_at,
        },
        "InferenceStake": {
            "diem": at["DIEM"],
            "_token": at["DIEM"],
            "_cooldown": _DIEM_COOLDOWN,
            "guardian": at["Guardian"],
        },
    }


def _permit(name: str, deployment: Deployment) -> dict[str, int]:
    """Return what OpenZeppelin's EIP712 keeps for a token that is called as its contract, version 1."""
    address = deployment.addresses[name]
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
