"""What the operator signs for others: receipts and statements, as typed data (EIP-712) that any wallet reads.

A document is JSON with `domain`, `types`, `primaryType` and `message`, as EIP-712 has them, and beside them
`operator` and `signature`. Integers are decimal text, since not every reader of JSON has more than 53 bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from entitlement.core.errors import InvalidRequest

NAME, VERSION = "Entitlement", "1"
Document = dict[str, object]
Types = Mapping[str, tuple[tuple[str, str], ...]]
"""Of each struct its members: name and type."""

DOMAIN = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
SOURCES = ("diem", "pro_rata", "membership", "prepaid")
RECEIPT: Types = {
    "Receipt": (
        ("account", "address"),
        ("key_id", "string"),
        ("gateway", "string"),
        ("request_id", "string"),
        ("hold_id", "string"),
        # In nano-USD, by what paid; `shortfall` is what nobody paid.
        *((source, "uint256") for source in SOURCES),
        ("shortfall", "uint256"),
        ("model", "string"),
        ("price_version", "string"),
        # -1 where the gateway told none.
        ("input_tokens", "int256"),
        ("output_tokens", "int256"),
        ("epoch", "uint256"),
        ("booked_at", "uint256"),
        # Where it stands in the journal: core.journal_chain.
        ("entry_id", "uint256"),
        ("lane", "uint256"),
        ("batch", "uint256"),
        ("batch_hash", "bytes32"),
    )
}
LEASE_RECEIPT: Types = {
    "LeaseReceipt": (
        ("account", "address"),
        ("key_id", "string"),
        ("gateway", "string"),
        ("lease_id", "string"),
        ("lease_request_id", "string"),
        # The request: its place in the lease and its name, as the gateway told them.
        ("number", "uint256"),
        ("request_id", "string"),
        # What it cost in nano-USD, by which currency paid; `shortfall` is what nobody paid.
        ("diem", "uint256"),
        ("usd", "uint256"),
        ("shortfall", "uint256"),
        ("model", "string"),
        ("price_version", "string"),
        # -1 where the gateway told none.
        ("input_tokens", "int256"),
        ("output_tokens", "int256"),
        ("epoch", "uint256"),
        ("booked_at", "uint256"),
        # The renewal that told of it: from which to which number, and what those cost together. The entry
        # below charges exactly that.
        ("first_number", "uint256"),
        ("last_number", "uint256"),
        ("renewal_cost", "uint256"),
        # The lease when this was signed: how many requests were told of, and what they cost together.
        ("lease_requests", "uint256"),
        ("lease_cost", "uint256"),
        ("entry_id", "uint256"),
        ("lane", "uint256"),
        ("batch", "uint256"),
        ("batch_hash", "bytes32"),
    )
}
LEASE_AMOUNTS = ("diem", "usd", "shortfall", "renewal_cost", "lease_cost")
"""In nano-USD."""


@dataclass(frozen=True, slots=True)
class Domain:
    """For whom it was signed: a chain, and there the contract that holds the published roots."""

    chain_id: int
    verifying_contract: str


def document(domain: Domain, types: Types, message: Mapping[str, object]) -> Document:
    """Return a document that is to be signed, of the first of `types`."""
    primary = next(iter(types))
    assert set(message) == {name for name, _ in types[primary]}
    return {
        "domain": {
            "name": NAME,
            "version": VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.verifying_contract,
        },
        "types": {
            name: [{"name": member, "type": kind} for member, kind in members]
            for name, members in {"EIP712Domain": DOMAIN, **types}.items()
        },
        "primaryType": primary,
        "message": dict(message),
    }


def check_form(signed: Mapping[str, object], types: Types) -> Mapping[str, object]:
    """Return the message of a document that is of the first of `types` and of ours. Raises InvalidRequest.

    A signature holds for whatever types a document names: only these mean what they say here.
    """
    primary = next(iter(types))
    domain, message = signed.get("domain"), signed.get("message")
    plain = document(Domain(0, ""), types, dict.fromkeys(name for name, _ in types[primary]))
    if (
        not isinstance(domain, dict)
        or not isinstance(message, dict)
        or signed.get("primaryType") != primary
        or signed.get("types") != plain["types"]
        or (domain.get("name"), domain.get("version")) != (NAME, VERSION)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - whatever it is
        or set(message) != {name for name, _ in types[primary]}  # pyright: ignore[reportUnknownArgumentType] - likewise
    ):
        raise InvalidRequest(f"this is no {primary.lower()} of this form")
    return {str(name): value for name, value in message.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - likewise
