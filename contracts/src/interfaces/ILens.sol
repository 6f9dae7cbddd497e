// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBuybackBurner} from "./IBuybackBurner.sol";
import {ICreditSales} from "./ICreditSales.sol";
import {IDiemMint} from "./IDiemMint.sol";
import {IEpochRoots} from "./IEpochRoots.sol";
import {IInferenceStake} from "./IInferenceStake.sol";
import {IStakedVVV} from "./IStakedVVV.sol";
import {IStation} from "./IStation.sol";
import {IWired} from "./IWired.sol";

/// @title Everything a dashboard shows, in two calls
/// @notice Views only: it holds nothing, and nothing depends on it. Each answer is of one block, whose time and epoch
/// it carries. Amounts are in units of the token: wei, for USDC millionths. Times are Unix seconds.
interface ILens is IWired {
    /// @dev One token in the hand of an account.
    struct Holding {
        uint256 balance;
        /// @dev What the contract that takes this token may take: StakedVVV, InferenceStake, CreditSales.
        uint256 allowance;
        /// @dev For the next ERC-2612 permit.
        uint256 nonce;
    }

    struct StakeView {
        uint256 unlocked;
        uint256 locked;
        uint256 cooling;
        uint256 pendingRewards;
    }

    struct PositionView {
        uint256 locked;
        uint256 minted;
        /// @dev The DIEM that all unlocked stake would mint now, and the lock that this takes.
        uint256 mintable;
        uint256 mintableLock;
    }

    struct RightView {
        uint256 staked;
        uint256 delegated;
        uint256 cooling;
        /// @dev What may be spent in this epoch, and in the next as things stand.
        uint256 current;
        uint256 next;
    }

    struct TicketView {
        uint256 ticket;
        uint256 amount;
        uint256 claimableAt;
        /// @dev `None` if the account asked for has no ticket of this number.
        IStation.TicketState state;
        /// @dev Whether the account asked for may claim it now.
        bool isClaimable;
    }

    struct DelegationView {
        uint256 id;
        address from;
        address to;
        uint256 amount;
        uint256 untilEpoch;
        bool open;
    }

    struct AccountView {
        uint256 timestamp;
        uint256 epoch;
        Holding vvv;
        Holding diem;
        Holding usdc;
        StakeView stake;
        PositionView position;
        RightView right;
        /// @dev The end of the membership of tier 1, 2, and so on; 0 for none.
        uint256[] memberUntil;
        TicketView[] vvvTickets;
        TicketView[] diemTickets;
        DelegationView[] delegations;
    }

    struct VvvView {
        uint256 supply;
        uint256 staked;
        uint256 locked;
        uint256 cooling;
        /// @dev Wei per second.
        uint256 emissionRate;
        uint256 lastRewardTimestamp;
        uint256 pendingTreasury;
    }

    struct DiemView {
        uint256 supply;
        /// @dev The largest supply at the present target.
        uint256 cap;
        uint256 staked;
        uint256 cooling;
        /// @dev Wei of sVVV for one whole DIEM.
        uint256 rate;
        uint256 target;
        uint256 rampFrom;
        uint256 rampTo;
        uint256 rampStartsAt;
        uint256 rampEndsAt;
        uint256 opensAt;
    }

    struct PauseView {
        bool isPaused;
        uint256 pausedUntil;
        uint256 nextPauseAt;
    }

    struct SalesView {
        uint256 minimumTopUp;
        /// @dev A month of tier 1, 2, and so on.
        uint256[] prices;
    }

    struct BuybackView {
        /// @dev What is set aside.
        uint256 usdc;
        uint256 nextRun;
        uint256 nextRunAt;
        IBuybackBurner.Bounds bounds;
        /// @dev Whether the pool remembers a window. If not, these are 0, and no run can be.
        bool hasMean;
        uint256 referencePrice;
        int24 meanTick;
        int24 spotTick;
    }

    struct RootsView {
        uint256 firstEpoch;
        uint256 nextEpoch;
    }

    /// @dev Who may do what; all there is.
    struct PowersView {
        address timelock;
        /// @dev Seconds; 0 if the timelock is not a contract, as on a development chain.
        uint256 timelockDelay;
        address guardian;
        address keeper;
        address publisher;
        address treasury;
        address revenue;
    }

    struct SystemView {
        uint256 timestamp;
        uint256 epoch;
        VvvView vvv;
        DiemView diem;
        PauseView pause;
        SalesView sales;
        BuybackView buyback;
        RootsView roots;
        PowersView powers;
    }

    /// @notice Two contracts that should share a partner do not.
    error PartnersDiffer(address one, address other);

    /// @notice Everything about `account`, with the tickets of both stations and the delegations of these numbers.
    function accountOf(
        address account,
        uint256[] calldata vvvTickets,
        uint256[] calldata diemTickets,
        uint256[] calldata delegations
    ) external view returns (AccountView memory);

    /// @notice Everything about the system.
    function system() external view returns (SystemView memory);

    /// @notice Where the figures are from.
    function stakedVVV() external view returns (IStakedVVV);

    /// @notice Where the figures are from.
    function diemMint() external view returns (IDiemMint);

    /// @notice Where the figures are from.
    function inferenceStake() external view returns (IInferenceStake);

    /// @notice Where the figures are from.
    function creditSales() external view returns (ICreditSales);

    /// @notice Where the figures are from.
    function buybackBurner() external view returns (IBuybackBurner);

    /// @notice Where the figures are from.
    function epochRoots() external view returns (IEpochRoots);
}
