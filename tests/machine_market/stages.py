"""Where histories begin: an open market, at noon of the fourth day, on which nothing has been bought yet."""

from tests.machine.model.tokens import UNLIMITED
from tests.machine.names import PEOPLE, Question
from tests.machine.stages import Theatre
from tests.machine_market.chain import MarketChain
from tests.machine_market.model.world import Market
from tests.machine_market.names import DOLLAR, LIQUIDITY, POOL, WIDEST_TICK
from tests.machine_market.play import MarketPlay

STAGE = "open"
VVV = 10**18


class MarketTheatre(Theatre):
    """A chain that goes back to the beginning of the stage."""

    def __init__(self, chain: MarketChain) -> None:
        # Nothing of the first machine's stages is wanted, only its way to begin.
        self._chain = chain
        slot, start = Question(POOL, "slot0"), Question("EpochRoots", "startEpoch")
        found = chain.look([slot, start], 0)
        market = Market(
            is_dollar_first=chain.is_dollar_first, price=int(found[slot][0]), start_epoch=int(found[start][0])
        )
        self._play = MarketPlay(chain, STAGE, market)
        _open(self._play)
        chain.mark(STAGE)

    def begin(self, stage: str) -> MarketPlay:
        """Return a play at the beginning of the stage."""
        assert stage == STAGE, f"there is no stage {stage}"
        self._chain.go_back(STAGE)
        play = self._play.fork(STAGE)
        assert isinstance(play, MarketPlay)
        return play


def _open(play: MarketPlay) -> None:
    play.do("treasury", "VVV.transfer", "DevTrader", 5_000_000 * VVV)
    play.do("treasury", "DevDollar.mint", "DevTrader", 50_000_000 * DOLLAR)
    play.do("treasury", "DevTrader.addLiquidity", -WIDEST_TICK, WIDEST_TICK, LIQUIDITY)
    for person in PEOPLE:
        play.do("treasury", "VVV.transfer", person, 1_000 * VVV)
        play.do("treasury", "DevDollar.mint", person, 30_000 * DOLLAR)
        play.do(person, "DevDollar.approve", "CreditSales", UNLIMITED if person == "bob" else 500 * DOLLAR)
    play.do("timelock", "BuybackBurner.nameKeeper", "carol")
    play.do("timelock", "EpochRoots.namePublisher", "bob")
    play.do("treasury", "DevDollar.mint", "BuybackBurner", 15_000 * DOLLAR)
    play.wait_until(3 * 86_400 + 43_200)
