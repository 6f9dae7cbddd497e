"""Something of all that public figures tell of: buybacks, burns, gifts, roots, operations of the timelock."""

from dataclasses import dataclass

from eth_utils.crypto import keccak

from entitlement.chain.transactions import transact
from entitlement.cli.actor import Actor
from entitlement.cli.genesis import open_market
from entitlement.core.epochs import SECONDS_PER_EPOCH, epoch_at
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN
from tests.chain.system import DEPLOYER, System

VVV, DOLLAR, DAY = WEI_PER_TOKEN, USDC_PER_DOLLAR, SECONDS_PER_EPOCH
HOURS = 3_600
DELAY = 9 * DAY
NOTHING = bytes(32)
DEAD = "0x000000000000000000000000000000000000dEaD"
LOT = 2_000 * DOLLAR


def reason_of(number: int) -> str:
    """Why the story's operation of this number, from 1 on, was scheduled."""
    return f"the story's reason {number}"


@dataclass
class Story:
    """Who tells it; the deployer holds every power."""

    system: System
    runs: int = 0
    salts: int = 0

    def do(self, contract: str, function: str, *arguments: object, who: int = DEPLOYER) -> str:
        """Send a transaction and return its hash."""
        system = self.system
        receipt = transact(system.contracts, system.account(who), contract, function, *arguments)
        return "0x" + bytes(receipt["transactionHash"]).hex()

    def wait(self, seconds: int) -> None:
        self.system.devnet.jump_to(self.system.devnet.head().timestamp + seconds)

    def open_market(self) -> None:
        open_market(self.system.contracts, Actor(self.system.contracts, self.system.account(DEPLOYER)))
        self.do("DevDollar", "mint", self.system.contracts.address("BuybackBurner"), 100_000 * DOLLAR)
        self.wait(3 * HOURS)

    def buy_back(self, lot: int = LOT, *, gift: int = 0) -> str:
        """Run the next buyback and return its transaction; `gift` wei of VVV are sent there before."""
        if gift:
            self.do("VVV", "transfer", self.system.contracts.address("BuybackBurner"), gift)
        self.wait(5 * HOURS)
        transaction = self.do("BuybackBurner", "execute", self.runs, lot, 1, 2**40)
        self.runs += 1
        return transaction

    def trade(self, vvv: int) -> None:
        """Somebody sells VVV, so that the price moves."""
        self.do("VVV", "transfer", self.system.contracts.address("DevTrader"), vvv)
        self.do("DevTrader", "sell", self.system.contracts.address("VVV"), vvv)

    def publish(self, days: int, granted: int = 28_400 * 10**9) -> None:
        """Publish a root for each of the last days that are over."""
        today = epoch_at(self.system.devnet.head().timestamp)
        for number in range(days, 0, -1):
            spent = granted * (5 + number % 4) // 10
            self.do(
                "EpochRoots",
                "publish",
                today - number,
                number.to_bytes(32, "big"),
                granted,
                spent,
                40 + number,
                NOTHING,
            )

    def schedule(self, *calls: tuple[str, str, tuple[object, ...]]) -> tuple[object, ...]:
        """Schedule an operation and return what `execute` takes."""
        contracts, self.salts = self.system.contracts, self.salts + 1
        salt = keccak(text=reason_of(self.salts))
        targets = [contracts.address(contract) for contract, _, _ in calls]
        data = [
            bytes.fromhex(contracts.call_data(contract, function, *arguments)[2:])
            for contract, function, arguments in calls
        ]
        if len(calls) == 1:
            given: tuple[object, ...] = (targets[0], 0, data[0], NOTHING, salt)
            self.do("Timelock", "schedule", *given, DELAY)
            return given
        given = (targets, [0] * len(calls), data, NOTHING, salt)
        self.do("Timelock", "scheduleBatch", *given, DELAY)
        return given

    def cancel(self, given: tuple[object, ...]) -> None:
        self.do("Timelock", "cancel", self.system.contracts.view("Timelock", "hashOperation", *given))

    def tell(self) -> None:
        """Do something of everything, over a month and a half."""
        contracts = self.system.contracts
        self.open_market()
        self.do("VVV", "burn", 12_345 * VVV)
        self.do("VVV", "transfer", DEAD, 77 * VVV)
        self.buy_back()
        self.trade(3_000 * VVV)
        self.buy_back(gift=5 * VVV)
        rate = contracts.view("StakedVVV", "emissionRatePerSecond")
        lower = self.schedule(("StakedVVV", "lowerEmissionRate", (rate * 3 // 4,)))
        self.wait(DELAY)
        self.do("Timelock", "execute", *lower)
        self.wait(21 * DAY)
        self.buy_back(LOT // 2)
        self.cancel(self.schedule(("DiemMint", "raiseTarget", (41_000 * VVV, 400 * DAY))))
        self.schedule(("StakedVVV", "lowerEmissionRate", (rate // 2,)))
        self.wait(12 * DAY)
        self.buy_back()
        self.schedule(
            ("BuybackBurner", "setBounds", ((5_000 * DOLLAR, 6 * HOURS, HOURS, 100, 9_900),)),
            ("EpochRoots", "namePublisher", (self.system.address(2),)),
        )
        self.publish(5)
