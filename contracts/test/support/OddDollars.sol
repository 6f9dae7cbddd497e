// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DevDollar} from "../../src/devnet/DevDollar.sol";

/// @dev Keeps a millionth of a dollar of every transfer.
contract FeeDollar is DevDollar {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0) && amount != 0) super._update(to, address(0), 1);
    }
}

/// @dev Says that it moved, and did not.
contract IdleDollar is DevDollar {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// @dev Says that it did not move, and did not.
contract RefusingDollar is DevDollar {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @dev Moves more than it was asked to.
contract GenerousDollar is DevDollar {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(address(0), to, 1);
    }
}

/// @dev Refuses those on a list, as USDC can.
contract ListingDollar is DevDollar {
    error Listed(address account);

    mapping(address account => bool) public isListed;

    function list(address account) external {
        isListed[account] = true;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isListed[from]) revert Listed(from);
        if (isListed[to]) revert Listed(to);
        super._update(from, to, amount);
    }
}

/// @dev Tells the payer, or somebody else, before or after it moves, as some tokens do.
contract CallingDollar is DevDollar {
    bool public isBefore;
    address public listener;

    function tell(address listener_) external {
        listener = listener_;
    }

    function callBefore(bool isBefore_) external {
        isBefore = isBefore_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        address told = listener == address(0) ? from : listener;
        if (isBefore) call(told);
        super._update(from, to, amount);
        if (!isBefore) call(told);
    }

    function call(address told) private {
        if (told.code.length != 0) ITold(told).tokensSent();
    }
}

interface ITold {
    function tokensSent() external;
}
