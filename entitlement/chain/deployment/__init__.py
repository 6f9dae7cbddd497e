"""Deploying our contracts, and proving at any later time that what stands on a chain is what was meant.

parameters -> plan -> carry_out (journal) -> record: deployments/<chain id>.json -> check (code, powers)
"""
