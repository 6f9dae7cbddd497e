// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Wiring} from "./Wiring.sol";
import {IUniswapV3Factory, IUniswapV3Pool} from "./interfaces/IUniswapV3.sol";

/// @title Opens the market of a new token
/// @notice Once this is deployed, its pool exists, has a price, and will remember as many prices as were asked for. It
/// has no function that changes anything, holds nothing and may do nothing.
///
/// What somebody else has opened before is taken as it is: a stranger who foresaw the token's address can neither stop
/// a deployment nor gain by it, as a price with no liquidity behind it can be moved by anybody for nothing.
/// @dev One transaction, so that nobody can come in between a pool and its first price.
contract PoolOpener {
    /// @notice The pool that was opened.
    IUniswapV3Pool public immutable pool;

    /// @param one Either of the two tokens.
    /// @param fee In millionths.
    /// @param firstPrice The square root of the price of token0 in token1, times 2**96.
    /// @param observations How many prices the pool shall be able to remember, at least.
    constructor(
        IUniswapV3Factory factory,
        address one,
        address other,
        uint24 fee,
        uint160 firstPrice,
        uint16 observations
    ) {
        Wiring.requireCode(address(factory));
        address found = factory.getPool(one, other, fee);
        pool = IUniswapV3Pool(found == address(0) ? factory.createPool(one, other, fee) : found);

        // slither-disable-next-line unused-return whether it has a price is all that is asked for
        (uint160 price,,,,,,) = pool.slot0();
        if (price == 0) pool.initialize(firstPrice);
        pool.increaseObservationCardinalityNext(observations);
    }
}
