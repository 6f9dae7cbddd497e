// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Timelocked} from "./Timelocked.sol";
import {Wiring} from "./Wiring.sol";
import {IEpochRoots} from "./interfaces/IEpochRoots.sol";

/// @title EpochRoots
contract EpochRoots is IEpochRoots, Timelocked {
    using SafeCast for uint256;

    uint256 private constant EPOCH = 1 days;

    /// @inheritdoc IEpochRoots
    uint256 public immutable startEpoch;

    /// @inheritdoc IEpochRoots
    address public publisher;
    uint48 private _firstEpoch;
    uint48 private _nextEpoch;

    mapping(uint256 epoch => Commitment) private _commitments;

    constructor(address publisher_, address timelock_) Timelocked(timelock_) {
        startEpoch = block.timestamp / EPOCH;
        _namePublisher(publisher_);
    }

    /// @inheritdoc IEpochRoots
    function publish(
        uint256 epoch,
        bytes32 root,
        uint256 granted,
        uint256 spent,
        uint256 accounts,
        bytes32 fileHash
    ) external {
        if (msg.sender != publisher) revert OnlyPublisher(msg.sender);
        _requireTurn(epoch);
        if (spent > granted) revert SpentExceedsGranted(spent, granted);
        if ((root == 0) != (accounts == 0) || (accounts == 0 && granted != 0)) {
            revert EmptyRootMismatch(root, accounts, granted);
        }

        if (_nextEpoch == 0) _firstEpoch = epoch.toUint48();
        _nextEpoch = (epoch + 1).toUint48();
        _commitments[epoch] = Commitment(root, granted, spent, accounts, fileHash, block.timestamp);
        emit RootPublished(epoch, root, granted, spent, accounts, fileHash);
    }

    /// @inheritdoc IEpochRoots
    function namePublisher(address newPublisher) external {
        _requireTimelock();
        _namePublisher(newPublisher);
    }

    /// @inheritdoc IEpochRoots
    function verify(
        uint256 epoch,
        address account,
        uint256 granted,
        uint256 spent,
        bytes32 salt,
        bytes32[] calldata proof
    ) external view returns (bool) {
        Commitment storage found = _commitments[epoch];
        if (found.publishedAt == 0) revert EpochNotPublished(epoch);
        bytes32 leaf = leafOf(epoch, account, granted, spendingOf(spent, salt));
        return MerkleProof.verifyCalldata(proof, found.root, leaf);
    }

    /// @inheritdoc IEpochRoots
    function leafOf(uint256 epoch, address account, uint256 granted, bytes32 spending)
        public
        pure
        returns (bytes32)
    {
        // Hashed twice, so that no inner node of a tree can be passed off as a leaf.
        return keccak256(bytes.concat(keccak256(abi.encode(account, epoch, granted, spending))));
    }

    /// @inheritdoc IEpochRoots
    function spendingOf(uint256 spent, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(spent, salt));
    }

    /// @inheritdoc IEpochRoots
    function commitmentOf(uint256 epoch) external view returns (Commitment memory) {
        return _commitments[epoch];
    }

    /// @inheritdoc IEpochRoots
    function firstEpoch() external view returns (uint256) {
        return _firstEpoch;
    }

    /// @inheritdoc IEpochRoots
    function nextEpoch() external view returns (uint256) {
        return _nextEpoch;
    }

    function _namePublisher(address newPublisher) private {
        Wiring.requireAddress(newPublisher);
        emit PublisherNamed(publisher, newPublisher);
        publisher = newPublisher;
    }

    function _requireTurn(uint256 epoch) private view {
        uint256 expected = _nextEpoch;
        if (expected != 0 && epoch != expected) revert NotNextEpoch(epoch, expected);
        if (epoch < startEpoch) revert EpochBeforeStart(epoch, startEpoch);
        uint256 current = block.timestamp / EPOCH;
        if (epoch >= current) revert EpochNotClosed(epoch, current);
    }
}
