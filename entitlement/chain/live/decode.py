"""The live contracts' logs: which wallet each of them touches, and what it proves.

    sVVV  Transfer 0x0 -> wallet     stake              proven: the amount
    sVVV  Transfer wallet -> 0x0     exit requested     proven: the amount
    DIEM  Staked(wallet)             stake              proven: the amount
    DIEM  Transfer 0x0 -> wallet     mint               touches: lockedStakes says what was locked and minted
    DIEM  Transfer wallet -> 0x0     burn               touches, likewise
    DIEM  Transfer DIEM -> wallet    exit paid          touches: stakedInfos says what
    VVV   Transfer sVVV -> wallet    exit or rewards    touches: stakes says what
    sVVV  Staked(wallet)             stake              touches: it may name payer or receiver

A request to unstake DIEM writes no log that is proven; the reader finds it by asking.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from entitlement.chain.decode import TableDecoder
from entitlement.chain.live.profile import DIEM, STAKED_VVV, VVV, LiveProfile
from entitlement.core.events import LogPlace
from entitlement.core.live import Logged
from entitlement.core.units import Wallet, Wei

NOBODY = Wallet("0x" + "00" * 20)


@dataclass(frozen=True, slots=True)
class Moved:
    """ERC-20's Transfer of some token."""

    at: LogPlace
    source: Wallet
    target: Wallet
    amount: Wei


class VvvMoved(Moved):
    """Transfer of VVV."""

    __slots__ = ()


class StakedVvvMoved(Moved):
    """Transfer of sVVV: a mint or a burn, as it moves in no other way."""

    __slots__ = ()


class DiemMoved(Moved):
    """Transfer of DIEM."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class VvvStakeSaid:
    """Staked of sVVV."""

    at: LogPlace
    user: Wallet
    amount: Wei


@dataclass(frozen=True, slots=True)
class DiemStakeSaid:
    """Staked of DIEM."""

    at: LogPlace
    user: Wallet
    amount: Wei


LiveLog = VvvMoved | StakedVvvMoved | DiemMoved | VvvStakeSaid | DiemStakeSaid

_FOLLOWED: Mapping[tuple[str, str], tuple[type[LiveLog], str]] = {
    (VVV, "Transfer"): (VvvMoved, "from to value"),
    (STAKED_VVV, "Transfer"): (StakedVvvMoved, "from to value"),
    (STAKED_VVV, "Staked"): (VvvStakeSaid, "user amount"),
    (DIEM, "Transfer"): (DiemMoved, "from to value"),
    (DIEM, "Staked"): (DiemStakeSaid, "user amount"),
}


class LiveDecoder(TableDecoder[LiveLog]):
    """Turns logs of a live deployment into what they say, and that into whom they touch."""

    def __init__(self, profile: LiveProfile) -> None:
        """Take a profile; raises `SetupError` when its ABI lacks an event."""
        super().__init__(profile.artifacts, profile.addresses, _FOLLOWED)
        self._staking = Wallet(profile.addresses[STAKED_VVV].lower())
        self._diem = Wallet(profile.addresses[DIEM].lower())

    # One line for each kind of log: splitting it would only hide that it is whole.
    def touched(self, log: LiveLog) -> tuple[Wallet, Logged] | None:  # noqa: PLR0911
        """Return the wallet whose account has to be looked at after `log`, and what the log proves of it."""
        match log:
            case DiemStakeSaid():
                return log.user, Logged(diem_staked=log.amount)
            case VvvStakeSaid():
                return log.user, Logged()
            case StakedVvvMoved() if log.source == NOBODY:
                return log.target, Logged(vvv_staked=log.amount)
            case StakedVvvMoved() if log.target == NOBODY:
                return log.source, Logged(vvv_requested=log.amount)
            case DiemMoved() if log.source in {NOBODY, self._diem}:
                return log.target, Logged()
            case DiemMoved() if log.target == NOBODY:
                return log.source, Logged()
            case VvvMoved() if log.source == self._staking:
                return log.target, Logged()
            case _:
                return None
