"""Wiring: where settings become a running service. Its parts are apart so that a role loads what it needs."""
