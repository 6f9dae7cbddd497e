// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDiemMint} from "../../src/interfaces/IDiemMint.sol";
import {IInferenceStake} from "../../src/interfaces/IInferenceStake.sol";
import {IStakedVVV} from "../../src/interfaces/IStakedVVV.sol";
import {IStation} from "../../src/interfaces/IStation.sol";
import {Vm} from "./Vm.sol";

/// @title The whole state of the system as the logs tell it
/// @dev Reads nothing but logs. Stations are told apart by the emitter.
contract LogFold {
    struct Ticket {
        address account;
        uint256 amount;
        uint256 claimableAt;
        IStation.TicketState state;
    }

    struct Delegation {
        address from;
        address to;
        uint256 amount;
        uint256 untilEpoch;
        bool open;
    }

    struct Slot {
        uint256 epoch;
        uint256 current;
        uint256 next;
    }

    mapping(address station => mapping(address account => uint256)) public staked;
    mapping(address station => mapping(address account => uint256)) public cooling;
    mapping(address station => mapping(uint256 ticket => Ticket)) public tickets;
    mapping(address station => uint256) public ticketCount;
    mapping(address account => uint256) public locked;
    mapping(address account => uint256) public lockedByPosition;
    mapping(address account => uint256) public minted;
    mapping(address account => uint256) public delegated;
    mapping(address account => Slot) public slots;
    mapping(uint256 id => Delegation) public delegations;
    uint256 public delegationCount;
    uint256 public diemSupply;
    uint256 public emitted;
    uint256 public unlockedIndex;
    uint256 public lockedIndex;
    uint256 public emissionRate;
    uint256 public targetAtEnd;

    function apply_(Vm.Log[] calldata logs) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            applyToStation(logs[i]);
            applyToStakedVVV(logs[i]);
            applyToDiemMint(logs[i]);
            applyToInferenceStake(logs[i]);
        }
    }

    function applyToStation(Vm.Log calldata log) private {
        bytes32 kind = log.topics[0];
        if (kind == IStation.Staked.selector) {
            staked[log.emitter][account(log, 2)] += abi.decode(log.data, (uint256));
        } else if (kind == IStation.UnstakeRequested.selector) {
            (uint256 amount, uint256 claimableAt) = abi.decode(log.data, (uint256, uint256));
            staked[log.emitter][account(log, 1)] -= amount;
            cooling[log.emitter][account(log, 1)] += amount;
            tickets[log.emitter][number(log, 2)] =
                Ticket(account(log, 1), amount, claimableAt, IStation.TicketState.Open);
            ++ticketCount[log.emitter];
        } else if (kind == IStation.UnstakeCancelled.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            staked[log.emitter][account(log, 1)] += amount;
            cooling[log.emitter][account(log, 1)] -= amount;
            tickets[log.emitter][number(log, 2)].state = IStation.TicketState.Cancelled;
        } else if (kind == IStation.UnstakeClaimed.selector) {
            cooling[log.emitter][account(log, 1)] -= abi.decode(log.data, (uint256));
            tickets[log.emitter][number(log, 2)].state = IStation.TicketState.Claimed;
        }
    }

    /// @dev `staked` is the unlocked part there.
    function applyToStakedVVV(Vm.Log calldata log) private {
        bytes32 kind = log.topics[0];
        if (kind == IStakedVVV.Locked.selector) {
            staked[log.emitter][account(log, 1)] -= abi.decode(log.data, (uint256));
            locked[account(log, 1)] += abi.decode(log.data, (uint256));
        } else if (kind == IStakedVVV.Unlocked.selector) {
            staked[log.emitter][account(log, 1)] += abi.decode(log.data, (uint256));
            locked[account(log, 1)] -= abi.decode(log.data, (uint256));
        } else if (kind == IStakedVVV.Accrued.selector) {
            uint256 emission;
            (emission, unlockedIndex, lockedIndex) = abi.decode(log.data, (uint256, uint256, uint256));
            emitted += emission;
        } else if (kind == IStakedVVV.EmissionRateLowered.selector) {
            (, emissionRate) = abi.decode(log.data, (uint256, uint256));
        }
    }

    function applyToDiemMint(Vm.Log calldata log) private {
        bytes32 kind = log.topics[0];
        if (kind == IDiemMint.DiemMinted.selector) {
            (uint256 amount, uint256 lock, uint256 supply) = abi.decode(log.data, (uint256, uint256, uint256));
            minted[account(log, 1)] += amount;
            lockedByPosition[account(log, 1)] += lock;
            diemSupply = supply;
        } else if (kind == IDiemMint.DiemBurned.selector) {
            (uint256 amount, uint256 unlock, uint256 supply) =
                abi.decode(log.data, (uint256, uint256, uint256));
            minted[account(log, 1)] -= amount;
            lockedByPosition[account(log, 1)] -= unlock;
            diemSupply = supply;
        } else if (kind == IDiemMint.TargetRampStarted.selector) {
            (, targetAtEnd,,) = abi.decode(log.data, (uint256, uint256, uint256, uint256));
        }
    }

    function applyToInferenceStake(Vm.Log calldata log) private {
        bytes32 kind = log.topics[0];
        if (kind == IInferenceStake.AllowanceChanged.selector) {
            (uint256 current, uint256 next) = abi.decode(log.data, (uint256, uint256));
            slots[account(log, 1)] = Slot(number(log, 2), current, next);
        } else if (kind == IInferenceStake.Delegated.selector) {
            (uint256 amount, uint256 untilEpoch) = abi.decode(log.data, (uint256, uint256));
            delegations[number(log, 1)] =
                Delegation(account(log, 2), account(log, 3), amount, untilEpoch, true);
            delegated[account(log, 2)] += amount;
            ++delegationCount;
        } else if (kind == IInferenceStake.DelegationEnded.selector) {
            delegations[number(log, 1)].open = false;
            delegated[account(log, 2)] -= abi.decode(log.data, (uint256));
        }
    }

    function account(Vm.Log calldata log, uint256 topic) private pure returns (address) {
        return address(uint160(number(log, topic)));
    }

    function number(Vm.Log calldata log, uint256 topic) private pure returns (uint256) {
        return uint256(log.topics[topic]);
    }
}
