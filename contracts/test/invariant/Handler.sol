// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Books, Contracts} from "./Books.sol";
import {Experiments} from "./Experiments.sol";

/// @title Everything that anybody may do, in any order, each followed by the checks
/// @dev Every external function that changes state is an action. One layer in each file:
/// Books, StakeMoves, DiemMoves, Sight, StakingChecks, DiemChecks, Watch, UserActions, TimeActions, PowerActions,
/// Mischief, Exits, Experiments.
contract Handler is Experiments {
    constructor(Contracts memory contracts, string[] memory names) Books(contracts, names) {
        remember(totals());
    }
}
