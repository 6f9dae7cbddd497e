import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.blocks import Header
from entitlement.core.errors import ForkBelowWindow
from entitlement.core.reorg import fork_point, is_linked

LONGEST = 400
WINDOW = 200
QUESTIONS_MAX = 8


def chain(length: int, *, fork_after: int | None = None) -> list[Header]:
    """Blocks 0..length-1; with `fork_after`, those above it are others."""

    def name(number: int) -> str:
        is_ours = fork_after is None or number <= fork_after
        return f"{'ours' if is_ours else 'node'}{number}"

    return [Header(number, name(number), name(number - 1), number) for number in range(length)]


@given(
    st.integers(min_value=1, max_value=LONGEST),
    st.integers(min_value=0, max_value=LONGEST),
    st.integers(min_value=1, max_value=LONGEST),
    st.sets(st.integers(min_value=0, max_value=LONGEST)),
)
def test_the_fork_point_is_the_highest_kept_block_that_both_have(
    ours: int, fork_after: int, theirs: int, kept: set[int]
) -> None:
    node = chain(theirs, fork_after=fork_after)
    window = [header for header in chain(ours) if header.number in kept]
    shared = [header for header in window if header in node]

    def hash_on_node(number: int) -> str | None:
        return node[number].hash if number < len(node) else None

    if shared:
        assert fork_point(window, hash_on_node) == shared[-1]
    else:
        with pytest.raises(ForkBelowWindow):
            fork_point(window, hash_on_node)


@pytest.mark.parametrize("shared", [1, 2, 100, 199, 200])
def test_a_window_of_two_hundred_blocks_takes_eight_questions(shared: int) -> None:
    asked: list[int] = []
    node = chain(WINDOW, fork_after=shared - 1)

    def hash_on_node(number: int) -> str | None:
        asked.append(number)
        return node[number].hash

    assert fork_point(chain(WINDOW), hash_on_node).number == shared - 1
    assert len(asked) <= QUESTIONS_MAX


def test_a_chain_that_shares_nothing_names_the_oldest_block_that_was_kept() -> None:
    with pytest.raises(ForkBelowWindow) as caught:
        fork_point(chain(WINDOW)[50:], lambda _: None)
    assert caught.value.oldest_kept == 50


def test_without_any_kept_block_there_is_no_fork_point() -> None:
    with pytest.raises(ForkBelowWindow):
        fork_point([], lambda _: "0x")


LINKED = chain(5)


@pytest.mark.parametrize(
    ("case", "headers", "parent", "expected"),
    [
        ("a chain", LINKED, None, True),
        ("nothing", [], LINKED[0], True),
        ("a chain on its parent", LINKED[2:], LINKED[1], True),
        ("a gap", [LINKED[0], LINKED[2]], None, False),
        ("the wrong order", [LINKED[1], LINKED[0]], None, False),
        ("the same twice", [LINKED[0], LINKED[0]], None, False),
        ("a gap after the parent", LINKED[3:], LINKED[1], False),
        ("another parent", LINKED[2:], Header(1, "other", "", 1), False),
        ("another number", [Header(9, "x", LINKED[0].hash, 0)], LINKED[0], False),
    ],
)
def test_blocks_are_linked_by_number_and_by_hash(
    case: str, headers: list[Header], parent: Header | None, *, expected: bool
) -> None:
    assert is_linked(headers, parent) is expected, case
