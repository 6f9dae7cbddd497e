// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What a contract refuses about its partners while it is being deployed
/// @notice No contract has a setter for a partner. Each takes its partners as constructor arguments, some of them
/// as predicted CREATE addresses, and refuses to exist when a prediction was wrong.
interface IWired {
    /// @notice A partner or a receiver of power is the zero address.
    error ZeroAddress();

    /// @notice A partner that must already be deployed has no code.
    error NoCodeAt(address partner);

    /// @notice `partner` names `wiredTo` as its counterpart, which is not the contract being deployed, `self`.
    error NotWiredToThis(address partner, address wiredTo, address self);
}
