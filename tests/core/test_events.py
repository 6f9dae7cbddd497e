from dataclasses import fields, is_dataclass

from entitlement.core import events
from entitlement.core.epochs import Epoch
from entitlement.core.events import (
    EVENT_KINDS,
    CreditBought,
    Delegated,
    DelegationEnded,
    LogPlace,
    MembershipBought,
    VvvStaked,
    wallets_in,
)
from entitlement.core.units import Usdc, Wallet, Wei

AT = LogPlace(1, 0, "0xb", "0xt")
GIVER, RECEIVER = Wallet("0xa"), Wallet("0xb")


def test_every_event_class_of_the_module_is_a_kind() -> None:
    declared = {
        name: found
        for name, found in vars(events).items()
        if is_dataclass(found) and any(field.name == "at" for field in fields(found))
    }
    assert declared == EVENT_KINDS


def test_every_event_begins_with_its_place_and_its_wallet() -> None:
    for kind in EVENT_KINDS.values():
        assert [field.name for field in fields(kind)][:2] == ["at", "wallet"]
        assert kind.__doc__
        assert "." in kind.__doc__.split(":")[0], "its docstring names the contract and the event"


def test_logs_are_ordered_as_the_chain_orders_them() -> None:
    late, early, between = LogPlace(10, 2, "0x0", ""), LogPlace(9, 7, "0xa", ""), LogPlace(10, 0, "0x0", "")
    assert sorted([late, early, between]) == [early, between, late]


def test_a_delegation_is_about_the_giver_and_the_receiver() -> None:
    for event in (
        Delegated(AT, GIVER, RECEIVER, 1, Wei(5), Epoch(9)),
        DelegationEnded(AT, GIVER, RECEIVER, 1, Wei(5)),
    ):
        assert wallets_in([event]) == {GIVER, RECEIVER}


def test_a_wallet_is_named_once_even_if_it_is_both_sides() -> None:
    assert wallets_in([DelegationEnded(AT, GIVER, GIVER, 1, Wei(5))]) == {GIVER}


def test_every_other_event_is_about_its_wallet_alone() -> None:
    assert wallets_in([VvvStaked(AT, GIVER, Wei(5))]) == {GIVER}


def test_a_purchase_changes_nobodys_position() -> None:
    assert wallets_in([CreditBought(AT, GIVER, Usdc(5))]) == set()
    assert wallets_in([MembershipBought(AT, GIVER, 1, 9)]) == set()
