"""The timelock: what waits in it, what could be proposed, and what that would do."""
