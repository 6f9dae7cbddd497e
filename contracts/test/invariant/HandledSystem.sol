// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {System} from "../support/System.sol";
import {Contracts} from "./Books.sol";
import {Handler} from "./Handler.sol";

/// @title The system with a handler before it
abstract contract HandledSystem is System {
    Handler internal handler;

    /// @dev The people with VVV in the hand, and the handler's books, which begin here: before anybody has staked.
    function begin(string[] memory names, uint256 amount) internal {
        for (uint256 i = 0; i < names.length; ++i) {
            fund(person(names[i]), amount);
        }
        Contracts memory contracts = Contracts({
            guardian: guardian,
            vvv: vvv,
            stakedVVV: stakedVVV,
            diem: diem,
            diemMint: diemMint,
            inferenceStake: inferenceStake,
            timelock: timelock,
            keeper: keeper,
            treasury: treasury,
            mallory: person("mallory"),
            emissionStart: stakedVVV.lastRewardTimestamp()
        });
        handler = made(contracts, names);
    }

    function made(Contracts memory contracts, string[] memory names) internal virtual returns (Handler) {
        return new Handler(contracts, names);
    }
}
