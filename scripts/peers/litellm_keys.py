"""Keys for LiteLLM's proxy, by its own hook for keys that are kept elsewhere: each names its budget.

Imported by the proxy, in its environment. `sk-bench-950000000-7` is a key with $0.95.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownParameterType=false
# LiteLLM is not installed beside us.

from litellm.proxy._types import UserAPIKeyAuth
from starlette.requests import Request


async def authenticate(_: Request, api_key: str) -> "UserAPIKeyAuth":
    """Return a key's budget, in dollars as the proxy counts them."""
    prefix, name, budget, _number = api_key.split("-")
    if (prefix, name) != ("sk", "bench"):
        raise ValueError("an unknown key")
    return UserAPIKeyAuth(api_key=api_key, token=api_key, max_budget=int(budget) / 10**9, spend=0.0)
