"""Use cases: fetch, let the core decide, write, commit, then answer. Transactions begin here alone."""
