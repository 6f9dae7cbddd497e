"""What anybody may have written is decoded, or refused by one error."""

import pytest
from eth_abi.abi import encode as encode_by_library
from hypothesis import example, given
from hypothesis import strategies as st

from entitlement.chain.abi import Undecodable, decode, encode

WORD = 32
FAR = (2**255).to_bytes(WORD, "big")
TYPES = st.lists(
    st.sampled_from(
        ["uint256", "address", "bool", "bytes32", "bytes", "string", "bytes[]", "(address,string)[]"]
    ),
    min_size=1,
    max_size=3,
)


@given(types=TYPES, words=st.lists(st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 200)), max_size=12))
@example(types=["bytes"], words=[2**255])
@example(types=["string"], words=[WORD, 1, 0xFF << 248])
@example(types=["bytes[]"], words=[WORD, 2**255])
def test_whatever_the_words_are_they_are_values_or_undecodable(types: list[str], words: list[int]) -> None:
    data = b"".join(word.to_bytes(WORD, "big") for word in words)
    try:
        values = decode(types, data)
    except Undecodable:
        return
    assert len(values) == len(types)


@pytest.mark.parametrize(
    ("types", "data"),
    [
        (["bytes"], FAR),
        (["string"], WORD.to_bytes(WORD, "big") + (1).to_bytes(WORD, "big") + b"\xff" + bytes(WORD - 1)),
        (["uint256"], b""),
        (["bool"], FAR),
    ],
    ids=["an offset beyond memory", "text that is no UTF-8", "nothing", "a bool that is neither"],
)
def test_what_does_not_fit_is_told_with_the_types(types: list[str], data: bytes) -> None:
    with pytest.raises(Undecodable, match=f"^{len(data)} bytes are not {types[0]}: "):
        decode(types, data)


def test_what_is_encoded_is_what_the_library_makes_of_it() -> None:
    types, values = ["address", "bytes", "uint256[]"], ["0x" + "ab" * 20, b"some", [1, 2**256 - 1]]
    assert encode(types, values) == encode_by_library(types, values)
    assert decode(types, encode(types, values)) == ("0x" + "ab" * 20, b"some", (1, 2**256 - 1))
