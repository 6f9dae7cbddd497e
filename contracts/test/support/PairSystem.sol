// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BuybackBurner} from "../../src/BuybackBurner.sol";
import {PairVenue} from "../../src/PairVenue.sol";
import {PoolPrice} from "../../src/PoolPrice.sol";
import {DevDollar} from "../../src/devnet/DevDollar.sol";
import {IUniswapV2Pair} from "../../src/interfaces/IUniswapV2.sol";
import {IUniswapV3Pool} from "../../src/interfaces/IUniswapV3.sol";
import {IUniswapV3PoolMinimal} from "../../src/interfaces/IUniswapV3PoolMinimal.sol";
import {BuybackSystem} from "./BuybackSystem.sol";

/// @dev What a pair offers beside what PairVenue uses of it.
interface IPair is IUniswapV2Pair {
    function mint(address to) external returns (uint256 liquidity);
    function burn(address to) external returns (uint256 amount0, uint256 amount1);
    function skim(address to) external;
    function sync() external;
    function transfer(address to, uint256 liquidity) external returns (bool);
    function balanceOf(address holder) external view returns (uint256);
}

interface IPairFactory {
    function createPair(address one, address other) external returns (IPair);
}

/// @title The whole system with its buybacks on a Uniswap v2 pair, as deep as the v3 pool was
/// @dev The pair is the bytecode that Uniswap published. The liquidity belongs to this contract.
abstract contract PairSystem is BuybackSystem {
    uint256 internal constant DOLLARS = 2_000_000e6;
    uint160 internal constant LOWEST = 4_295_128_740;
    uint160 internal constant HIGHEST = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

    IPairFactory internal factory;
    IPair internal pair;
    PairVenue internal venue;
    /// @dev Where WholeSystem had its buybacks, at the same price.
    IUniswapV3Pool internal v3;

    function setUp() public virtual override {
        super.setUp();
        v3 = pool;
        factory = IPairFactory(deployCode(bytes.concat(pairFactory(), abi.encode(address(this)))));
        pair = factory.createPair(address(usdc), address(vvv));
        venue = new PairVenue(pair);
        usdc.mint(address(pair), DOLLARS);
        giveVVV(address(pair), PoolPrice.worthUp(DOLLARS, true, PoolPrice.sqrtPriceAt(PRICE_TICK)));
        pair.mint(address(this));

        // From here on what the tests of buybacks do is done on the pair.
        pool = IUniswapV3Pool(address(venue));
        crowd = trader();
        burner = new BuybackBurner(usdc, vvv, venue, timelock, guardian, buyer, usualBounds());
        setAside(SET_ASIDE);
        pass(30 minutes);
    }

    function pairFactory() private view returns (bytes memory) {
        string memory json = vm.readFile("../node_modules/@uniswap/v2-core/build/UniswapV2Factory.json");
        return cheats.parseBytes(string.concat("0x", cheats.parseJsonString(json, ".bytecode")));
    }

    /// @dev A pair of two new tokens, which hold no value, with these reserves.
    function pairWith(uint256 reserve0, uint256 reserve1) internal returns (IPair made) {
        (DevDollar one, DevDollar other) = (new DevDollar(), new DevDollar());
        made = factory.createPair(address(one), address(other));
        DevDollar(made.token0()).mint(address(made), reserve0);
        DevDollar(made.token1()).mint(address(made), reserve1);
        if (reserve0 != 0) made.sync();
    }

    /// @dev Time goes by with a poke at its beginning and every five minutes.
    function pass(uint256 duration) internal {
        uint256 end = block.timestamp + duration;
        for (venue.poke(); block.timestamp < end; venue.poke()) {
            vm.warp(block.timestamp + 5 minutes < end ? block.timestamp + 5 minutes : end);
        }
    }

    function giveVVV(address account, uint256 amount) internal {
        vm.prank(genesisHolder);
        vvv.transfer(account, amount);
    }

    /// @dev All but one part in `parts` of the liquidity leaves.
    function thin(uint256 parts) internal {
        uint256 liquidity = pair.balanceOf(address(this));
        pair.transfer(address(pair), liquidity - liquidity / parts);
        pair.burn(address(this));
    }

    function reserves() internal view returns (uint256 reserve0, uint256 reserve1) {
        (reserve0, reserve1,) = pair.getReserves();
    }

    function spotTick() internal view returns (int24 tick) {
        (, tick,,,,,) = venue.slot0();
    }

    /// @dev The mean tick of the last `window` seconds of any pool.
    function meanOf(IUniswapV3PoolMinimal which, uint32 window) internal view returns (int24) {
        (int56[] memory sums,) = which.observe(ago(window, 0));
        return PoolPrice.meanTick(sums[1] - sums[0], window);
    }

    function ago(uint32 from, uint32 to) internal pure returns (uint32[] memory made) {
        made = new uint32[](2);
        (made[0], made[1]) = (from, to);
    }

    function apart(int256 one, int256 other) internal pure returns (uint256) {
        return uint256(one < other ? other - one : one - other);
    }
}
