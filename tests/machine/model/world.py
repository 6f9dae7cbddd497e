"""The whole model: its parts, its clock, and a call by name as a wallet makes it."""

import re

from entitlement.core.epochs import SECONDS_PER_EPOCH
from tests.machine.model.brake import Brake
from tests.machine.model.diem_mint import DiemMint
from tests.machine.model.inference_stake import InferenceStake
from tests.machine.model.staked_vvv import StakedVVV
from tests.machine.model.station import State
from tests.machine.model.tokens import Token
from tests.machine.names import (
    EMISSION_START,
    GENESIS_SUPPLY,
    OPENS_AT,
    ORIGIN,
    Answer,
    Clock,
    Question,
)


class World:
    """What the contracts must do, from their written rules; it has never read their code."""

    def __init__(self, deployed_at: int) -> None:
        self.clock = Clock()
        self.vvv, self.diem = Token("VVV"), Token("DIEM")
        self.vvv.balances["treasury"] = GENESIS_SUPPLY
        self.brake = Brake(self.clock)
        self.staked_vvv = StakedVVV(self.vvv, self.brake, self.clock)
        self.mint = DiemMint(self.staked_vvv, self.diem, self.brake, self.clock, deployed_at)
        self.inference = InferenceStake(self.diem, self.brake, self.clock)
        self.stations = {"StakedVVV": self.staked_vvv, "InferenceStake": self.inference}
        self._parts = {
            "VVV": self.vvv,
            "DIEM": self.diem,
            "Guardian": self.brake,
            "DiemMint": self.mint,
            **self.stations,
        }

    @property
    def now(self) -> int:
        """Seconds from the origin."""
        return self.clock.now

    def wait_until(self, moment: int) -> None:
        """Let time pass, through every midnight on the way."""
        assert moment >= self.now, "time does not run backwards"
        before = self.clock.epoch
        self.clock.now = moment
        if self.clock.epoch > before:
            self.inference.midnight()

    def call(self, who: str, contract: str, function: str, arguments: tuple[object, ...]) -> Answer:
        """Do what a transaction does and return what the function returns; raises `Refused`."""
        method = re.sub(r"(?=[A-Z])", "_", function).lower()
        return getattr(self._parts[contract], method)(who, *arguments)

    def facts(self) -> dict[Question, Answer]:
        """Everything that the contracts' views must answer now."""
        return dict(fact for part in self._parts.values() for fact in part.facts())

    def due_times(self) -> list[int]:
        """Every later moment at which a rule changes its mind, in order; seconds from the origin."""
        midnight = (self.clock.epoch + 1) * SECONDS_PER_EPOCH - ORIGIN
        found = {EMISSION_START, OPENS_AT, midnight, midnight + SECONDS_PER_EPOCH, self.mint.ramp.ends_at}
        if self.brake.until is not None:
            found |= {self.brake.until, self.brake.next_pause_at - ORIGIN}
        for station in self.stations.values():
            found |= {ticket.due_at for ticket in station.tickets if ticket.state is State.OPEN}
        found |= {
            each.until_epoch * SECONDS_PER_EPOCH - ORIGIN
            for each in self.inference.delegations
            if each.is_open
        }
        return sorted(moment for moment in found if moment > self.now + 1)
