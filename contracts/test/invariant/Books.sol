// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DIEM} from "../../src/DIEM.sol";
import {DiemMint} from "../../src/DiemMint.sol";
import {Guardian} from "../../src/Guardian.sol";
import {InferenceStake} from "../../src/InferenceStake.sol";
import {StakedVVV} from "../../src/StakedVVV.sol";
import {VVV} from "../../src/VVV.sol";
import {IStation} from "../../src/interfaces/IStation.sol";
import {Comparisons} from "./Comparisons.sol";

struct Contracts {
    Guardian guardian;
    VVV vvv;
    StakedVVV stakedVVV;
    DIEM diem;
    DiemMint diemMint;
    InferenceStake inferenceStake;
    address timelock;
    address keeper;
    address treasury;
    address mallory;
    uint256 emissionStart;
}

/// @dev What an account should have.
struct Book {
    uint256 unlocked;
    uint256 locked;
    uint256 minted;
    uint256 staked;
    uint256 given;
    uint256 received;
    uint256 current;
    /// @dev In wei times 1e18: its part of each second's emission.
    uint256 earned;
    uint256 collected;
}

struct TicketBook {
    address owner;
    uint256 amount;
    uint256 claimableAt;
    IStation.TicketState state;
}

struct DelegationBook {
    address from;
    address to;
    uint256 amount;
    uint256 untilEpoch;
    bool open;
}

struct RampBook {
    uint256 fromTarget;
    uint256 toTarget;
    uint256 startsAt;
    uint256 endsAt;
}

/// @dev What a walk of the machine met: counted to show that the checks had something to look at.
struct Reached {
    uint256 mints;
    uint256 exoduses;
    uint256 secondsWithoutStake;
    uint256 ticketsClaimed;
    uint256 ticketsCancelled;
    uint256 claimsRefused;
    uint256 delegationsEndedByGiver;
    uint256 delegationsEndedByReceiver;
    uint256 entriesRefused;
    uint256 permitsUsedByAnother;
    bool isAtCap;
}

/// @title The handler's own books of the whole system
/// @dev They are kept from what was asked for and what was answered, never copied from the contracts' state. Time is
/// the handler's alone, so emission is summed second by second at the rate and for the stake of that second.
abstract contract Books is Comparisons {
    uint256 internal constant EPOCH = 1 days;
    uint256 internal constant PRECISION = 1e18;

    Contracts internal c;
    address[] public actors;
    mapping(address account => uint256) internal privateKeys;

    mapping(address account => Book) internal books;
    mapping(IStation station => TicketBook[]) internal tickets;
    mapping(IStation station => mapping(address account => uint256)) internal cooling;
    /// @dev Number 1 is the first.
    DelegationBook[] internal delegations;

    uint256 public genesis;
    uint256 public emitted;
    uint256 public burned;
    uint256 public rate;
    Book internal treasuryShare;
    RampBook internal ramp;
    uint256 public pausedUntil;
    uint256 public donatedVVV;
    uint256 public donatedDiem;
    Reached internal met;
    /// @dev How often anything was done; every rounding that favours the contracts happens at most once in each.
    uint256 public calls;

    constructor(Contracts memory contracts, string[] memory names) {
        c = contracts;
        for (uint256 i = 0; i < names.length; ++i) {
            address account = person(names[i]);
            actors.push(account);
            privateKeys[account] = privateKeyOf(names[i]);
        }
        genesis = c.vvv.totalSupply();
        rate = c.stakedVVV.emissionRatePerSecond();
        uint256 target = c.diemMint.target();
        ramp = RampBook(target, target, block.timestamp, block.timestamp);
    }

    /// @dev Time passes: emission for the stake there is, and at midnight every next allowance becomes current.
    function passTo(uint256 moment) internal {
        if (moment <= block.timestamp) return;
        emitUntil(moment);
        if (moment / EPOCH > block.timestamp / EPOCH) {
            for (uint256 i = 0; i < actors.length; ++i) {
                books[actors[i]].current = nextOf(actors[i]);
            }
        }
        vm.warp(moment);
        if (totalStake() == 0) requireNothingMinted();
    }

    function reached() external view returns (Reached memory) {
        return met;
    }

    function emitUntil(uint256 moment) private {
        uint256 from = block.timestamp > c.emissionStart ? block.timestamp : c.emissionStart;
        uint256 total = totalStake();
        if (moment <= from) return;
        if (total == 0) met.secondsWithoutStake += moment - from;
        if (total == 0) return;
        uint256 emission = rate * (moment - from);
        emitted += emission;
        uint256 locked = 0;
        for (uint256 i = 0; i < actors.length; ++i) {
            Book storage book = books[actors[i]];
            book.earned += emission * PRECISION * (5 * book.unlocked + 4 * book.locked) / (5 * total);
            locked += book.locked;
        }
        treasuryShare.earned += emission * PRECISION * locked / (5 * total);
    }

    function requireNothingMinted() private {
        uint256 supply = c.vvv.totalSupply();
        c.stakedVVV.accrue();
        same(c.vvv.totalSupply(), supply, "3: nothing is minted for time in which nothing was staked");
    }

    function totalStake() internal view returns (uint256 total) {
        for (uint256 i = 0; i < actors.length; ++i) {
            total += books[actors[i]].unlocked + books[actors[i]].locked;
        }
    }

    function totalDiemStake() internal view returns (uint256 total) {
        for (uint256 i = 0; i < actors.length; ++i) {
            total += books[actors[i]].staked;
        }
    }

    function totalMinted() internal view returns (uint256 total) {
        for (uint256 i = 0; i < actors.length; ++i) {
            total += books[actors[i]].minted;
        }
    }

    function totalCooling(IStation station) internal view returns (uint256 total) {
        for (uint256 i = 0; i < actors.length; ++i) {
            total += cooling[station][actors[i]];
        }
    }

    function nextOf(address account) internal view returns (uint256) {
        Book storage book = books[account];
        return book.staked - book.given + book.received;
    }

    function targetNow() internal view returns (uint256) {
        if (block.timestamp >= ramp.endsAt) return ramp.toTarget;
        uint256 passed = block.timestamp - ramp.startsAt;
        return ramp.fromTarget + (ramp.toTarget - ramp.fromTarget) * passed / (ramp.endsAt - ramp.startsAt);
    }

    function isPaused() internal view returns (bool) {
        return block.timestamp < pausedUntil;
    }

    function pick(uint256 seed) internal view returns (address) {
        return actors[seed % actors.length];
    }

    function stationOf(uint256 seed) internal view returns (IStation) {
        if (seed % 2 == 0) return c.inferenceStake;
        return c.stakedVVV;
    }

    /// @dev The one reading of a ticket, so that its form stands in one place.
    function ticketAt(IStation station, address owner, uint256 ticket)
        internal
        view
        returns (uint256 amount, uint256 claimableAt, IStation.TicketState state)
    {
        return station.ticketOf(owner, ticket);
    }

    /// @dev Half of all calls take everything there is, so that positions close again.
    function upTo(uint256 seed, uint256 available) internal pure returns (uint256) {
        return seed % 2 == 0 ? available : bound(seed, 0, available);
    }
}
