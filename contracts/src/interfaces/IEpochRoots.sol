// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ITimelocked} from "./ITimelocked.sol";
import {IWired} from "./IWired.sol";

/// @title The operator's daily commitment
/// @notice For every epoch, a UTC day, one Merkle root over what each account was granted and what it spent, with the
/// totals. Roots come in order, one for each epoch after the first, only for epochs that are over, and are never
/// replaced: who holds its own leaf and proof can hold the operator to it for ever.
///
/// A leaf is (account, epoch, granted, spending) in the format of OpenZeppelin's StandardMerkleTree, with the types
/// address, uint256, uint256, bytes32. Credit is counted in nano-dollars, 1e-9 USD. `granted` stands there openly, as
/// anybody can compute it from the chain. `spending` commits to what was spent and shows nothing of it: it is the hash
/// of that figure and of a salt, 32 random bytes for this one account and epoch, which its owner alone is given.
/// @dev Warning: a root proves what was promised about a leaf, not that it is true. Compare the published file with
/// the allowances on the chain. A root with a mistake stays: the truth can only be published beside it. That all the
/// hidden figures sum to the total `spent` is the publisher's word.
interface IEpochRoots is ITimelocked, IWired {
    /// @notice What was published for one epoch.
    struct Commitment {
        /// @dev Zero exactly when `accounts` is.
        bytes32 root;
        /// @dev Nano-dollars granted to all accounts.
        uint256 granted;
        /// @dev Nano-dollars spent by all accounts, at most `granted`.
        uint256 spent;
        /// @dev The number of leaves.
        uint256 accounts;
        /// @dev The digest of the published file of all leaves.
        bytes32 fileHash;
        /// @dev Unix time; 0 exactly when nothing was published for the epoch.
        uint256 publishedAt;
    }

    /// @notice The commitment to `epoch`, for ever. Credit in nano-dollars.
    event RootPublished(
        uint256 indexed epoch,
        bytes32 root,
        uint256 granted,
        uint256 spent,
        uint256 accounts,
        bytes32 fileHash
    );

    /// @notice The timelock gave the task to another address.
    event PublisherNamed(address indexed previousPublisher, address indexed newPublisher);

    /// @notice The caller is not the publisher.
    error OnlyPublisher(address caller);

    /// @notice The next root is the one of `expected`.
    error NotNextEpoch(uint256 epoch, uint256 expected);

    /// @notice The first root cannot be of an epoch before the one in which this contract was made, `earliest`.
    error EpochBeforeStart(uint256 epoch, uint256 earliest);

    /// @notice The epoch is not over: the present one is `current`.
    error EpochNotClosed(uint256 epoch, uint256 current);

    /// @notice Nobody can have spent more than was granted. Nano-dollars.
    error SpentExceedsGranted(uint256 spent, uint256 granted);

    /// @notice A root without accounts, or the reverse, or a grant to no account.
    error EmptyRootMismatch(bytes32 root, uint256 accounts, uint256 granted);

    /// @notice Nothing was published for the epoch.
    error EpochNotPublished(uint256 epoch);

    /// @notice Publishes the root of `epoch`. Only the publisher, in order, once.
    /// @dev An epoch in which nobody was granted anything has the root zero and is published too. Reverts with
    /// OnlyPublisher, NotNextEpoch, EpochBeforeStart, EpochNotClosed, SpentExceedsGranted or EmptyRootMismatch.
    function publish(
        uint256 epoch,
        bytes32 root,
        uint256 granted,
        uint256 spent,
        uint256 accounts,
        bytes32 fileHash
    ) external;

    /// @notice Gives the task to `newPublisher`. Only the timelock. Published roots stay as they are.
    function namePublisher(address newPublisher) external;

    /// @notice Whether the root of `epoch` says that `account` was granted and spent just this, as `salt` and `proof`
    /// show.
    /// @dev Reverts with EpochNotPublished, so that "no" always means that the proof is wrong.
    ///
    /// Warning: who asks a node of somebody else shows it what was spent, and who asks in a transaction shows everybody.
    /// It opens this account and epoch alone.
    function verify(
        uint256 epoch,
        address account,
        uint256 granted,
        uint256 spent,
        bytes32 salt,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice The leaf of an account in an epoch. All of it is public.
    function leafOf(uint256 epoch, address account, uint256 granted, bytes32 spending)
        external
        pure
        returns (bytes32);

    /// @notice The commitment to what an account spent: keccak256(abi.encode(spent, salt)).
    /// @dev Warning: without a salt, with one that others know, or with one used twice, the figure is found by trying
    /// all that there can be: it is at most `granted`.
    function spendingOf(uint256 spent, bytes32 salt) external pure returns (bytes32);

    /// @notice What was published for `epoch`; all zero if nothing was.
    function commitmentOf(uint256 epoch) external view returns (Commitment memory);

    /// @notice The epoch in which this contract was made; no root is of an earlier one.
    function startEpoch() external view returns (uint256);

    /// @notice The first epoch with a root; 0 before there is one.
    function firstEpoch() external view returns (uint256);

    /// @notice The epoch whose root comes next; 0 before the first one, which the publisher chooses.
    function nextEpoch() external view returns (uint256);

    /// @notice The address that publishes.
    function publisher() external view returns (address);
}
