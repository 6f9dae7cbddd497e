"""Calls to addresses that account holders choose: never into the network that we are in."""
