// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintedToken} from "./MintedToken.sol";
import {IDIEM} from "./interfaces/IDIEM.sol";

/// @title DIEM
contract DIEM is IDIEM, MintedToken {
    /// @param minter_ The predicted address of DiemMint, whose constructor checks it.
    constructor(address minter_) MintedToken("DIEM", "DIEM", minter_) {}

    /// @inheritdoc IDIEM
    function burn(address account, uint256 amount) external {
        _requireMinter();
        _burn(account, amount);
    }
}
