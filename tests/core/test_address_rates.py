"""Rates by address: never more than are allowed, whoever else asks; and what is kept has a bound."""

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from entitlement.core.address_rates import AddressRate, Guess, Guesses, Verdict, address_rates, counted_as
from entitlement.core.errors import RateLimited
from entitlement.core.rates import MICROS, Rate

NOW = 1_800_000_000 * MICROS
RATES = st.builds(Rate, st.integers(1, 40), st.integers(1, 60))
GAPS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5 * MICROS)), min_size=1, max_size=200)


def allowed(rate: AddressRate, address: str, now: int) -> bool:
    try:
        rate.count(address, now)
    except RateLimited:
        return False
    return True


@given(RATES, GAPS)
def test_in_any_stretch_an_address_makes_no_more_than_a_burst_and_the_pace(
    rate: Rate, gaps: list[tuple[str, int]]
) -> None:
    counted, now, made = AddressRate(rate, "requests"), NOW, dict[str, list[int]]()
    for address, gap in gaps:
        now += gap
        if allowed(counted, address, now):
            made.setdefault(address, []).append(now)
    for times in made.values():
        for first, begun in enumerate(times):
            for last in range(first, len(times)):
                at_the_pace = (times[last] - begun) // rate.micros_each
                assert last - first + 1 <= rate.requests + at_the_pace + 1


@given(RATES, GAPS)
def test_what_one_address_may_does_not_depend_on_the_others(rate: Rate, gaps: list[tuple[str, int]]) -> None:
    together, alone, now = AddressRate(rate, "requests"), AddressRate(rate, "requests"), NOW
    for address, gap in gaps:
        now += gap
        answer = allowed(together, address, now)
        if address == "a":
            assert answer is allowed(alone, address, now)


@given(st.integers(1, 20), st.lists(st.integers(0, 100), min_size=1, max_size=300))
def test_no_more_addresses_are_kept_than_there_is_room_for(most: int, addresses: list[int]) -> None:
    counted = AddressRate(Rate(5, 60), "requests", addresses_max=most)
    for number, address in enumerate(addresses):
        allowed(counted, str(address), NOW + number)
        assert len(counted) <= most


def test_whose_requests_have_come_to_their_end_is_forgotten() -> None:
    counted = AddressRate(Rate(60, 60), "requests")
    for number in range(1_000):
        counted.count(str(number), NOW)
    for number in range(500):
        counted.count("another", NOW + 61 * MICROS + number * MICROS)
    assert len(counted) == 1


def test_of_too_many_addresses_the_one_that_is_being_refused_is_not_forgotten() -> None:
    counted = AddressRate(Rate(1, 60), "requests", addresses_max=10)
    counted.count("loud", NOW)
    for number in range(100):
        counted.count(str(number), NOW)
        assert not allowed(counted, "loud", NOW)


def test_who_is_refused_is_told_whose_rate_it_is_and_how_long_to_wait() -> None:
    counted = AddressRate(Rate(2, 60), "requests without a credential")
    counted.count("a", NOW)
    counted.count("a", NOW)
    with pytest.raises(
        RateLimited, match="the address may make 2 requests without a credential in 60 s"
    ) as no:
        counted.count("a", NOW)
    assert no.value.facts() == {"of": "address", "requests": 2, "seconds": 60, "retry_after": 30}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2"),
        (None, "unnamed"),
        ("", "x" * 10_000),
    ],
)
def test_addresses_that_are_one(one: str | None, other: str) -> None:
    assert counted_as(one) == counted_as(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:0:1::", "2001:db8::"), ("192.0.2.1", "192.0.2.2"), ("192.0.2.1", "2001:db8::")],
)
def test_addresses_that_are_two(one: str, other: str) -> None:
    assert counted_as(one) != counted_as(other)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1))
def test_an_ipv6_network_of_64_bits_is_one_address(address: int, host: int) -> None:
    other = (address >> 64 << 64) | host
    if IPv6Address(address).ipv4_mapped is None and IPv6Address(other).ipv4_mapped is None:
        assert counted_as(str(IPv6Address(address))) == counted_as(str(IPv6Address(other)))


def test_no_rate_is_no_limit() -> None:
    rates = address_rates(0, 7)
    assert rates.anonymous is None
    assert rates.guesses == Rate(7, 60)


class Guessing(RuleBasedStateMachine):
    """Credentials of all kinds from one address, many at once; only what was good is ever given back."""

    rate = Rate(4, 60)

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.guesses = Guesses(self.rate, addresses_max=3, credentials_max=3)
        self.under_way = list[tuple[Guess, bool]]()
        self.refused = list[int]()

    @rule(gap=st.integers(0, 40 * MICROS))
    def time_goes_on(self, gap: int) -> None:
        self.now += gap

    @rule(number=st.integers(0, 255), is_good=st.booleans())
    def asks(self, number: int, *, is_good: bool) -> None:
        credential = bytes([is_good, number])
        try:
            guess = self.guesses.begin("a", credential, self.now)
        except RateLimited:
            return
        self.under_way.append((guess, is_good))
        if not is_good:
            self.refused.append(self.now)

    @rule(number=st.integers(0, 1_000), answers=st.booleans())
    def is_answered(self, number: int, *, answers: bool) -> None:
        if self.under_way:
            guess, is_good = self.under_way.pop(number % len(self.under_way))
            verdict = (Verdict.GOOD if is_good else Verdict.REFUSED) if answers else Verdict.OPEN
            self.guesses.end(guess, verdict, self.now)

    @invariant()
    def no_more_bad_ones_were_looked_at_than_a_burst_and_the_pace(self) -> None:
        for first, begun in enumerate(self.refused):
            at_the_pace = (self.refused[-1] - begun) // self.rate.micros_each
            assert len(self.refused) - first <= self.rate.requests + at_the_pace + 1

    @invariant()
    def what_is_kept_is_bounded(self) -> None:
        assert len(self.guesses) <= 1 + 3


TestGuessing = Guessing.TestCase


def test_a_good_credential_passes_whatever_its_address_has_used_up_and_a_refused_one_no_more() -> None:
    guesses = Guesses(Rate(3, 60))
    guesses.end(guesses.begin("a", b"mine", NOW), Verdict.GOOD, NOW)
    for number in range(3):
        guesses.end(guesses.begin("a", bytes([number]), NOW), Verdict.REFUSED, NOW)
    with pytest.raises(RateLimited):
        guesses.begin("a", b"another", NOW)
    for _ in range(10):
        mine = guesses.begin("a", b"mine", NOW)
        guesses.end(mine, Verdict.OPEN, NOW)
    guesses.end(mine, Verdict.REFUSED, NOW)
    with pytest.raises(RateLimited):
        guesses.begin("a", b"mine", NOW)


def test_many_good_credentials_from_one_address_use_nothing_up() -> None:
    guesses = Guesses(Rate(2, 60))
    for number in range(250):
        guesses.end(guesses.begin("a", bytes([number]), NOW), Verdict.GOOD, NOW + number)


def test_of_good_credentials_no_more_are_remembered_than_there_is_room_for() -> None:
    guesses = Guesses(Rate(1, 60), credentials_max=3)
    for number in range(10):
        guesses.end(guesses.begin("a", bytes([number]), NOW + number), Verdict.GOOD, NOW + number)
    assert len(guesses) == 1 + 3


def guessed(guesses: Guesses, number: int, now: int) -> bool:
    try:
        guesses.begin("a", bytes([number]), now)
    except RateLimited:
        return False
    return True


def test_what_comes_back_by_itself_is_not_given_back_a_second_time() -> None:
    guesses, begun = Guesses(Rate(2, 60)), NOW + 20 * MICROS
    good = guesses.begin("a", b"good", NOW)
    assert guessed(guesses, 1, begun)
    guesses.end(good, Verdict.GOOD, begun)
    assert guessed(guesses, 2, begun)
    assert not guessed(guesses, 3, begun + 10 * MICROS)
    assert guessed(guesses, 3, begun + 30 * MICROS)


def test_a_good_credential_that_took_long_costs_nobody_anything_and_pays_for_nothing() -> None:
    guesses, later = Guesses(Rate(2, 60)), NOW + 100 * MICROS
    good = guesses.begin("a", b"good", NOW)
    assert guessed(guesses, 1, later)
    guesses.end(good, Verdict.GOOD, later)
    assert guessed(guesses, 2, later)
    assert not guessed(guesses, 3, later)
