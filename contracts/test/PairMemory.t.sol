// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PairPrice} from "../src/PairPrice.sol";
import {PairVenue} from "../src/PairVenue.sol";
import {IPairVenue} from "../src/interfaces/IPairVenue.sol";
import {DevTrader} from "../src/devnet/DevTrader.sol";
import {PairSystem} from "./support/PairSystem.sol";

/// @dev What is remembered of the price, and how far it is from what a v3 pool remembers of the same.
contract PairMemoryTest is PairSystem {
    uint256 private constant MEMORY = 1_500;
    uint256 private constant WORD = 2 ** 32;

    DevTrader private other;

    /// @dev A venue that has not been poked, and a trader on each of the two pools.
    function setUp() public override {
        super.setUp();
        venue = new PairVenue(pair);
        other = new DevTrader(v3);
        usdc.mint(address(other), 2e13);
        giveVVV(address(other), 5_000_000e18);
    }

    function test_NothingIsKnownBeforeTheFirstPoke() public {
        expectOld();
        venue.observe(ago(0, 0));
        assertRing(0, 0);
        vm.assertTrue(venue.poke(), "kept");
        assertRing(0, 1);
        (int56[] memory sums, uint160[] memory liquidity) = venue.observe(ago(0, 0));
        vm.assertTrue(sums[0] == 0 && sums[1] == 0, "the sum begins");
        vm.assertTrue(liquidity.length == 2 && liquidity[0] == 0 && liquidity[1] == 0, "of liquidity nothing");
        expectOld();
        venue.observe(ago(1, 0));
    }

    function test_ItIsKnownAsFarBackAsThereWerePokes() public {
        pass(30 minutes);
        vm.assertTrue(meanOf(30 minutes) == spotTick(), "the price that it had all the time");
        expectOld();
        venue.observe(ago(30 minutes + 1, 0));
    }

    function test_APokeIsKeptOnceAMinute() public {
        venue.poke();
        uint256 first = block.timestamp;
        for (uint256 after_ = 0; after_ < 60; after_ += 59) {
            vm.warp(first + after_);
            vm.assertTrue(!venue.poke(), "too soon");
            assertRing(0, 1);
        }
        vm.warp(first + 60);
        vm.assertTrue(venue.poke(), "a minute later");
        assertRing(1, 2);
    }

    function test_AGapOfMoreThanTenMinutesBeginsAnew() public {
        pass(30 minutes);
        uint256 last = block.timestamp;
        vm.warp(last + 10 minutes);
        meanOf(40 minutes);
        vm.warp(last + 10 minutes + 1);
        expectOld();
        venue.observe(ago(0, 0));

        uint256 before = cheats.snapshotState();
        vm.warp(last + 10 minutes);
        venue.poke();
        meanOf(40 minutes);
        cheats.revertToState(before);

        vm.expectEmit(address(venue));
        emit IPairVenue.Observed(block.timestamp, 0);
        venue.poke();
        assertRing(0, 1);
        expectOld();
        venue.observe(ago(1, 0));
        pass(30 minutes);
        meanOf(30 minutes);
    }

    function test_APokeIsTold() public {
        venue.poke();
        vm.warp(block.timestamp + 5 minutes);
        vm.expectEmit(address(venue));
        emit IPairVenue.Observed(block.timestamp, int56(spotTick()) * 5 minutes);
        venue.poke();
    }

    function test_ATradeOfThisSecondIsNotInTheMean() public {
        pass(30 minutes);
        int24 quiet = spotTick();
        crowd.moveTo(quiet + 1_000);
        vm.assertTrue(meanOf(30 minutes) == quiet, "the price was the old one for all of them");
        venue.poke();
        vm.assertTrue(meanOf(30 minutes) == quiet, "and a poke changes nothing");
        vm.warp(block.timestamp + 1);
        vm.assertLe(apart(meanOf(1), quiet + 1_000), 1, "a second later it is the mean of that second");
        pass(15 minutes);
        vm.assertLe(apart(meanOf(30 minutes), quiet + 500), 2, "half a window later, half of it is in");
        pass(15 minutes);
        vm.assertLe(apart(meanOf(30 minutes), quiet + 1_000), 2, "and then all of it");
    }

    /// forge-config: default.fuzz.runs = 100
    /// @dev Both pools at one price, moved alike, and poked whenever the price moves: the same mean.
    function test_PokedWheneverThePriceMovesTheMeanIsThatOfV3(uint256 seed) public {
        venue.poke();
        uint256 start = block.timestamp;
        for (uint256 i = 0; i < 8; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            moveBoth(int256(seed % 4_000) - 2_000);
            vm.warp(block.timestamp + 1 minutes + (seed >> 128) % 9 minutes);
            venue.poke();
        }
        uint32 window = uint32(block.timestamp - start);
        vm.assertLe(apart(meanOf(window), meanOf(v3, window)), 2, "but for rounding");
    }

    /// forge-config: default.fuzz.runs = 100
    /// @dev Whatever happens between two pokes: within ln(cosh(h / 2)) of v3's, as promised, and so h**2 / 8.
    function test_BetweenPokesTheMeanIsAsNearToV3sAsPromised(uint256 seed) public {
        venue.poke();
        uint256 start = block.timestamp;
        (int256 low, int256 high) = (0, 0);
        while (block.timestamp < start + 9 minutes) {
            seed = uint256(keccak256(abi.encode(seed)));
            int256 dearer = int256(seed % 2_000) - 1_000;
            moveBoth(dearer);
            (low, high) = (dearer < low ? dearer : low, dearer > high ? dearer : high);
            vm.warp(block.timestamp + 1 + (seed >> 128) % 100);
        }
        if (block.timestamp > start + 10 minutes) vm.warp(start + 10 minutes);
        uint32 window = uint32(block.timestamp - start);
        uint256 promised = uint256((high - low) ** 2) / 80_000 + 2;
        vm.assertLe(apart(meanOf(window), meanOf(v3, window)), promised, "h**2 / 8 and the rounding");
    }

    /// @dev Ten times the price for 12 seconds, on the real pair, against every bound of IPairVenue.
    function test_ASpikeBetweenPokesMovesTheMeanAsFarAsItSays() public {
        venue.poke();
        int24 quiet = spotTick();
        vm.warp(block.timestamp + 5 minutes);
        crowd.moveTo(quiet + 23_027);
        vm.warp(block.timestamp + 12);
        crowd.moveTo(quiet);
        vm.warp(block.timestamp + 5 minutes - 12);
        vm.assertLe(apart(meanOf(10 minutes), quiet + 918), 3, "918 ticks");
    }

    function test_BetweenTwoPokesTheSumIsOnALine(uint256 moment) public {
        venue.poke();
        uint256 start = block.timestamp;
        crowd.moveTo(spotTick() + 777);
        vm.warp(start + 3 minutes);
        venue.poke();
        vm.warp(start + 8 minutes);
        moment = bound(moment, 0, 8 minutes);
        (int56[] memory ends,) = venue.observe(ago(8 minutes, 5 minutes));
        (int56[] memory sums,) = venue.observe(ago(uint32(8 minutes - moment), 0));
        int256 expected = moment <= 3 minutes
            ? int256(ends[1]) * int256(moment) / 3 minutes
            : int256(ends[1]) + int256(sums[1] - ends[1]) * int256(moment - 3 minutes) / 5 minutes;
        vm.assertTrue(ends[0] == 0 && sums[0] == expected, "of its interval");
    }

    /// @dev A ring that is full forgets its oldest, and answers for every other moment as it did when it was written.
    function test_TheRingForgetsTheOldestAlone() public {
        uint256 rounds = MEMORY + 37;
        int56[] memory sums = new int56[](rounds);
        for (uint256 i = 0; i < rounds; ++i) {
            if (i % 100 == 0) crowd.moveTo(spotTick() + 50);
            venue.poke();
            sums[i] = newestSum();
            vm.warp(block.timestamp + 1 minutes);
        }
        assertRing((rounds - 1) % MEMORY, MEMORY);
        uint256 oldest = rounds - MEMORY;
        expectOld();
        venue.observe(ago(uint32((rounds - oldest) * 1 minutes + 1), 0));
        for (uint256 i = 0; i < 20; ++i) {
            uint256 place = i == 0 ? oldest : oldest + uint256(keccak256(abi.encode(i))) % MEMORY;
            (int56[] memory found,) = venue.observe(ago(uint32((rounds - place) * 1 minutes), 0));
            vm.assertTrue(found[0] == sums[place], "as it was");
        }
    }

    /// @dev The pair's sums start again at zero some day, on purpose, and its clock does in 2106.
    function test_SumsAndTimesThatWrapAroundChangeNothing() public {
        vm.warp((block.timestamp / WORD + 1) * WORD - 5 minutes);
        usdc.mint(address(pair), 1);
        pair.sync();
        // Where a pair keeps its two sums: found by what it answers.
        bytes32 full = bytes32(type(uint256).max - 1);
        cheats.store(address(pair), bytes32(uint256(9)), full);
        cheats.store(address(pair), bytes32(uint256(10)), full);
        vm.assertTrue(
            pair.price0CumulativeLast() == uint256(full) && pair.price1CumulativeLast() == uint256(full),
            "those"
        );
        venue.poke();
        int24 quiet = spotTick();
        vm.warp(block.timestamp + 10 minutes);
        vm.assertTrue(meanOf(10 minutes) == quiet, "read through the end of both");
        pair.sync();
        vm.assertLt(pair.price0CumulativeLast(), uint256(full), "the pair itself has wrapped");
        venue.poke();
        vm.assertTrue(meanOf(10 minutes) == quiet, "and written");
    }

    /// @dev Tokens that the pair has not counted are in no mean; from the moment they count they are.
    function test_ADonationIsInTheMeanFromWhenThePairCountsIt() public {
        pass(10 minutes);
        int24 quiet = spotTick();
        usdc.mint(address(pair), DOLLARS);
        pass(10 minutes);
        vm.assertTrue(meanOf(20 minutes) == quiet, "not counted");
        pair.sync();
        vm.assertTrue(meanOf(20 minutes) == quiet, "counted, for no second yet");
        int24 moved = spotTick();
        pass(20 minutes);
        vm.assertLe(apart(meanOf(40 minutes), (int256(quiet) + moved) / 2), 2, "half the time, half the way");
    }

    /// @dev Reserves whose price the pair can hardly write: a mean all the same, near the spot.
    function test_APairOfExtremePricesHasAMean(uint256 reserve0, uint256 reserve1) public pure {
        reserve0 = 1 << bound(reserve0, 0, 111);
        reserve1 = 1 << bound(reserve1, 0, 111);
        uint256 sum0 = (reserve1 << 112) / reserve0 * 600;
        uint256 sum1 = (reserve0 << 112) / reserve1 * 600;
        int24 mean = PairPrice.meanTick(sum0, sum1, 600);
        vm.assertLe(
            apart(mean, tickOfReserves(reserve0, reserve1)), 1, "whole powers of two are written exactly"
        );
    }

    function tickOfReserves(uint256 reserve0, uint256 reserve1) private pure returns (int256) {
        // 6931.8 ticks to a doubling.
        int256 places = int256(log2(reserve1)) - int256(log2(reserve0));
        int256 scaled = places * 69_318_183_734_137_951;
        return scaled < 0 ? -((-scaled + 1e13 - 1) / 1e13) : scaled / 1e13;
    }

    function log2(uint256 power) private pure returns (uint256 exponent) {
        while (power > 1) {
            (power, exponent) = (power >> 1, exponent + 1);
        }
    }

    /// @dev Both pools to one price, that many ticks dearer than at first, unless they are there.
    function moveBoth(int256 dearer) private {
        int24 target = tickOf(int24(dearer));
        if (apart(spotTick(), target) < 2) return;
        crowd.moveTo(target);
        other.moveTo(target);
    }

    function meanOf(uint32 window) private view returns (int24) {
        return meanOf(venue, window);
    }

    function newestSum() private view returns (int56) {
        (int56[] memory sums,) = venue.observe(ago(0, 0));
        return sums[0];
    }

    function assertRing(uint256 index, uint256 count) private view {
        (,, uint16 newest, uint16 known, uint16 most,,) = venue.slot0();
        vm.assertEq(newest, index, "the newest");
        vm.assertEq(known, count, "how many");
        vm.assertEq(most, MEMORY);
    }

    function expectOld() private {
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "OLD"));
    }
}

/// @dev The same where USDC has the higher address.
contract PairMemoryReversedTest is PairMemoryTest {
    function usdcIsToken0() internal pure override returns (bool) {
        return false;
    }
}
