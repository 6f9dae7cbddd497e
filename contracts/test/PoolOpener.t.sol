// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PoolOpener} from "../src/PoolOpener.sol";
import {PoolPrice} from "../src/PoolPrice.sol";
import {DevDollar} from "../src/devnet/DevDollar.sol";
import {IUniswapV3Factory, IUniswapV3Pool} from "../src/interfaces/IUniswapV3.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {WholeSystem} from "./support/WholeSystem.sol";

contract PoolOpenerTest is WholeSystem {
    uint24 private constant FEE_OF_POOL = 500;
    uint16 private constant OBSERVATIONS = 12;
    uint160 private price;

    IUniswapV3Factory private factory;
    address private dollar;

    function setUp() public override {
        super.setUp();
        factory = IUniswapV3Factory(pool.factory());
        dollar = address(new DevDollar());
        price = PoolPrice.sqrtPriceAt(12_345);
    }

    function open(address one, address other) private returns (IUniswapV3Pool) {
        return new PoolOpener(factory, one, other, FEE_OF_POOL, price, OBSERVATIONS).pool();
    }

    function observationsOf(IUniswapV3Pool found) private view returns (uint16 next) {
        (,,,, next,,) = found.slot0();
    }

    function priceOfPool(IUniswapV3Pool found) private view returns (uint160 spot) {
        (spot,,,,,,) = found.slot0();
    }

    function test_APoolIsMadeWithItsPriceAndMemory() public {
        vm.assertEq(factory.getPool(dollar, address(vvv), FEE_OF_POOL), address(0));
        IUniswapV3Pool made = open(dollar, address(vvv));
        vm.assertEq(address(made), factory.getPool(address(vvv), dollar, FEE_OF_POOL));
        vm.assertEq(uint256(priceOfPool(made)), price);
        vm.assertEq(uint256(observationsOf(made)), OBSERVATIONS);
        vm.assertEq(uint256(made.fee()), FEE_OF_POOL);
    }

    function test_TheOrderOfTheTokensIsAllTheSame() public {
        vm.assertEq(address(open(address(vvv), dollar)), address(open(dollar, address(vvv))));
    }

    function test_APoolThatSomebodyMadeIsGivenItsPrice() public {
        IUniswapV3Pool found = IUniswapV3Pool(factory.createPool(dollar, address(vvv), FEE_OF_POOL));
        vm.assertEq(address(open(dollar, address(vvv))), address(found));
        vm.assertEq(uint256(priceOfPool(found)), price);
    }

    function test_APoolThatSomebodyOpenedKeepsItsPriceAndItsMemory() public {
        IUniswapV3Pool found = IUniswapV3Pool(factory.createPool(dollar, address(vvv), FEE_OF_POOL));
        found.initialize(price + 7);
        found.increaseObservationCardinalityNext(OBSERVATIONS + 1);
        vm.assertEq(address(open(dollar, address(vvv))), address(found));
        vm.assertEq(uint256(priceOfPool(found)), price + 7);
        vm.assertEq(uint256(observationsOf(found)), OBSERVATIONS + 1);
    }

    function test_AFactoryWithoutCodeIsRefused() public {
        factory = IUniswapV3Factory(person("no factory"));
        vm.expectRevert(abi.encodeWithSelector(IWired.NoCodeAt.selector, address(factory)));
        new PoolOpener(factory, dollar, address(vvv), FEE_OF_POOL, price, OBSERVATIONS);
    }
}
