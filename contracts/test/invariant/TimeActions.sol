// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "../../src/interfaces/IStation.sol";
import {DelegationBook} from "./Books.sol";
import {UserActions} from "./UserActions.sol";

/// @title Time passes, to anywhere and to the seconds around every moment at which something changes
abstract contract TimeActions is UserActions {
    function pass(uint256 duration) external watched {
        passTo(block.timestamp + bound(duration, 1, 2 days));
    }

    function passToMidnight(uint256 offset) external watched {
        passAround((block.timestamp / EPOCH + 1) * EPOCH, offset);
    }

    function passToTicket(uint256 stationSeed, uint256 seed, uint256 offset) external watched {
        IStation station = stationOf(stationSeed);
        uint256 ticket = openTicket(station, seed);
        if (ticket != 0) passAround(tickets[station][ticket - 1].claimableAt, offset);
    }

    function passToTerm(uint256 seed, uint256 offset) external watched {
        if (delegations.length == 0) return;
        DelegationBook storage term = delegations[seed % delegations.length];
        if (term.open) passAround(term.untilEpoch * EPOCH, offset);
    }

    /// @dev The end of a ramp, of a pause, of the rest after a pause, or the beginning of the emission.
    function passToSetting(uint256 seed, uint256 offset) external watched {
        uint256[4] memory ends = [ramp.endsAt, pausedUntil, c.guardian.nextPauseAt(), c.emissionStart];
        passAround(ends[seed % ends.length], offset);
    }

    /// @dev The second before, the second itself, or the one after; nothing if it has gone by.
    function passAround(uint256 moment, uint256 offset) private {
        if (moment != 0) passTo(moment + offset % 3 - 1);
    }
}
