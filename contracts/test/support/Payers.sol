// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPairVenue, ISwapPayer} from "../../src/interfaces/IPairVenue.sol";

/// @dev Swaps, and pays exactly what it is asked for, or as much more or less as it was told to.
contract Payer is ISwapPayer {
    IPairVenue internal immutable venue;
    int256 private _more;
    int256 public asked0;
    int256 public asked1;
    bytes public told;

    constructor(IPairVenue venue_) {
        venue = venue_;
    }

    function payMore(int256 more) external {
        _more = more;
    }

    function swap(address recipient, bool zeroForOne, int256 amount, uint160 limit, bytes calldata data)
        external
        returns (int256 amount0, int256 amount1)
    {
        return venue.swap(recipient, zeroForOne, amount, limit, data);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) public virtual {
        (asked0, asked1, told) = (amount0, amount1, data);
        bool isToken0 = amount0 > 0;
        int256 paid = (isToken0 ? amount0 : amount1) + _more;
        IERC20(isToken0 ? venue.token0() : venue.token1()).transfer(msg.sender, uint256(paid));
    }
}

/// @dev Does something else while it is asked to pay.
contract RestlessPayer is Payer {
    address private _target;
    bytes private _call;

    constructor(IPairVenue venue_) Payer(venue_) {}

    function meanwhile(address target, bytes calldata data) external {
        (_target, _call) = (target, data);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) public override {
        (bool isDone, bytes memory answer) = _target.call(_call);
        if (!isDone) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        super.uniswapV3SwapCallback(amount0, amount1, data);
    }
}

/// @dev Borrows from the pair, and looks at the venue while the pair is in the middle of it.
contract FlashBorrower {
    IPairVenue private immutable _venue;
    bytes public wasRefusedWith;
    uint160 public priceWithin;

    constructor(IPairVenue venue_) {
        _venue = venue_;
    }

    /// @dev All but a unit of token0; paid back with what it was given, the fee included.
    function borrow(uint256 amount0) external {
        _venue.pair().swap(amount0, 0, address(this), "borrowed");
    }

    function uniswapV2Call(address, uint256 amount0, uint256, bytes calldata) external {
        (priceWithin,,,,,,) = _venue.slot0();
        try _venue.swap(address(this), true, 1e12, 4_295_128_740, "") {}
        catch (bytes memory reason) {
            wasRefusedWith = reason;
        }
        IERC20(_venue.token0()).transfer(msg.sender, amount0 * 1_000 / 997 + 1);
    }

    function uniswapV3SwapCallback(int256 amount0, int256, bytes calldata) external {
        IERC20(_venue.token0()).transfer(msg.sender, uint256(amount0));
    }
}
