// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BuybackBurner} from "../../src/BuybackBurner.sol";
import {CreditSales} from "../../src/CreditSales.sol";
import {DIEM} from "../../src/DIEM.sol";
import {DiemMint} from "../../src/DiemMint.sol";
import {EpochRoots} from "../../src/EpochRoots.sol";
import {Guardian} from "../../src/Guardian.sol";
import {InferenceStake} from "../../src/InferenceStake.sol";
import {Lens} from "../../src/Lens.sol";
import {PoolPrice} from "../../src/PoolPrice.sol";
import {StakedVVV} from "../../src/StakedVVV.sol";
import {VVV} from "../../src/VVV.sol";
import {DevDollar} from "../../src/devnet/DevDollar.sol";
import {IBuybackBurner} from "../../src/interfaces/IBuybackBurner.sol";
import {MarketVm} from "./MarketVm.sol";
import {System} from "./System.sol";
import {DevTrader} from "../../src/devnet/DevTrader.sol";
import {IUniswapV3Factory, IUniswapV3Pool} from "../../src/interfaces/IUniswapV3.sol";

/// @title The system with everything around it: sales, roots, the lens, and buybacks on a real Uniswap v3 pool
/// @dev The pool is the bytecode that Uniswap published, with liquidity over the whole range.
abstract contract WholeSystem is System {
    string private constant UNISWAP = "../node_modules/@uniswap/v3-core/artifacts/contracts/";
    uint24 private constant FEE = 3_000;
    int24 internal constant RANGE = 887_220;
    /// @dev About two million dollars on each side.
    uint128 internal constant LIQUIDITY = 1e18;
    /// @dev Ticks for a price of 4.02 USDC for one VVV, seen from the token with the lower address.
    int24 internal constant PRICE_TICK = 262_400;
    uint256 internal constant LOT = 10_000e6;

    MarketVm internal constant cheats = MarketVm(address(vm));

    address internal immutable revenue = person("revenue");
    address internal immutable buyer = person("keeper of buybacks");
    address internal immutable publisher = person("publisher");

    DevDollar internal usdc;
    IUniswapV3Pool internal pool;
    DevTrader internal crowd;
    CreditSales internal creditSales;
    BuybackBurner internal burner;
    EpochRoots internal epochRoots;
    Lens internal lens;

    function setUp() public virtual override {
        vm.warp(NOON);
        deployWhole(timelock, usdcIsToken0());
    }

    /// @dev On the chain addresses decide it, so the tests of buybacks run both ways.
    function usdcIsToken0() internal view virtual returns (bool) {
        return true;
    }

    function deployWhole(address timelock_, bool usdcFirst) internal {
        deployUnder(timelock_);
        usdc = dollarOnSide(usdcFirst);
        pool = deployPool(address(usdc), address(vvv));
        openMarket();

        creditSales = new CreditSales(usdc, revenue, timelock_, guardian, prices());
        burner = new BuybackBurner(usdc, vvv, pool, timelock_, guardian, buyer, usualBounds());
        epochRoots = new EpochRoots(publisher, timelock_);
        lens = new Lens(diemMint, inferenceStake, creditSales, burner, epochRoots);
    }

    function usualBounds() internal pure returns (IBuybackBurner.Bounds memory) {
        return
            IBuybackBurner.Bounds({lot: LOT, hop: 4 hours, window: 30 minutes, deviation: 150, floor: 9_800});
    }

    function prices() internal pure returns (uint256[] memory) {
        uint256[] memory made = new uint256[](2);
        (made[0], made[1]) = (18e6, 68e6);
        return made;
    }

    /// @dev In the order of System, under any timelock.
    function deployUnder(address timelock_) private {
        guardian = new Guardian(keeper, timelock_);
        vvv = new VVV(genesisHolder, GENESIS, predicted(1));
        stakedVVV = new StakedVVV(vvv, predicted(2), treasury, timelock_, guardian, EMISSION, block.timestamp);
        diem = new DIEM(predicted(1));
        diemMint = new DiemMint(stakedVVV, diem, timelock_, guardian, TARGET, block.timestamp);
        inferenceStake = new InferenceStake(diem, guardian);
    }

    /// @dev Every second address or so is on the wanted side.
    function dollarOnSide(bool usdcFirst) private returns (DevDollar made) {
        do {
            made = new DevDollar();
        } while ((address(made) < address(vvv)) != usdcFirst);
    }

    function deployPool(address one, address other) internal returns (IUniswapV3Pool) {
        address factory = deployCode(bytecodeOf("UniswapV3Factory"));
        return IUniswapV3Pool(IUniswapV3Factory(factory).createPool(one, other, FEE));
    }

    function bytecodeOf(string memory name) private view returns (bytes memory) {
        string memory path = string.concat(UNISWAP, name, ".sol/", name, ".json");
        return cheats.parseJsonBytes(cheats.readFile(path), ".bytecode");
    }

    function deployCode(bytes memory code) internal returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        require(made != address(0), "the published bytecode did not deploy");
    }

    /// @dev A market that has been quiet at one price for a day.
    function openMarket() private {
        int24 tick = tickOf(0);
        pool.initialize(PoolPrice.sqrtPriceAt(tick));
        pool.increaseObservationCardinalityNext(300);
        crowd = trader();
        crowd.addLiquidity(-RANGE, RANGE, LIQUIDITY);
        vm.warp(block.timestamp + 1 days);
    }

    /// @dev The tick at which VVV is `dearer` ticks dearer than at the beginning, in the pool's own direction.
    function tickOf(int24 dearer) internal view returns (int24) {
        return address(usdc) < address(vvv) ? PRICE_TICK - dearer : dearer - PRICE_TICK;
    }

    /// @dev A trader with plenty of both tokens.
    function trader() internal returns (DevTrader made) {
        made = new DevTrader(pool);
        usdc.mint(address(made), 20_000_000e6);
        vm.prank(genesisHolder);
        vvv.transfer(address(made), 5_000_000e18);
    }

    function setAside(uint256 amount) internal {
        usdc.mint(address(burner), amount);
    }

    /// @dev The next run, by the keeper, without a minimum of its own.
    function run(uint256 usdcIn) internal returns (uint256 spent, uint256 burned) {
        uint256 number = burner.nextRun();
        vm.prank(buyer);
        return burner.execute(number, usdcIn, 0, block.timestamp);
    }
}
