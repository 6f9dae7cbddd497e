"""The rules. Pure: no input or output, no clock, no settings, no logging, no ORM, no web3."""
