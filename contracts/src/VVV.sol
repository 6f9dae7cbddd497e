// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintedToken} from "./MintedToken.sol";
import {IVVV} from "./interfaces/IVVV.sol";

/// @title VVV
contract VVV is IVVV, MintedToken {
    /// @param genesisHolder Receives the whole genesis supply.
    /// @param genesisSupply Wei of VVV.
    /// @param minter_ The predicted address of StakedVVV, whose constructor checks it.
    constructor(address genesisHolder, uint256 genesisSupply, address minter_)
        MintedToken("VVV", "VVV", minter_)
    {
        _mint(genesisHolder, genesisSupply);
    }

    /// @inheritdoc IVVV
    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    /// @inheritdoc IVVV
    function burnFrom(address account, uint256 amount) external {
        _spendAllowance(account, msg.sender, amount);
        _burn(account, amount);
    }
}
