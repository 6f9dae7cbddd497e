"""LiteLLM's proxy from PyPI, in an environment of its own, before the model.

    python -m scripts.peers.litellm     makes that environment, and names its Python

Keys and their budgets come by the proxy's hook for keys that are kept elsewhere, with its own checks of
budgets and its own reservations: its database needs an engine that is downloaded from its maker's server when
it starts. So what it counts is in its memory, or in Redis where that is installed.
"""

import itertools
import json
import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from scripts.peers.environments import environment
from scripts.peers.processes import START_SECONDS, Program

FOLDER = Path(__file__).parent
REQUIREMENTS = FOLDER / "requirements.txt"
ENVIRONMENT = FOLDER.parents[1] / ".venv-peers"
MODEL = "{model: openai/bench, api_base: '%s/v1', api_key: none, max_retries: 0}"
CONFIG = """
model_list:
  - model_name: bench
    litellm_params: %(model)s
    model_info:
      {input_cost_per_token: 0.0, output_cost_per_token: 0.001, max_output_tokens: 1000, max_tokens: 1000}
general_settings:
  custom_auth: litellm_keys.authenticate
  custom_auth_run_common_checks: true
  disable_budget_reservation: %(unreserved)s
litellm_settings:
  num_retries: 0
%(redis)s
"""
REDIS = """
  cache: true
  cache_params: {type: redis, host: 127.0.0.1, port: %d, supported_call_types: []}
"""


@dataclass(frozen=True, slots=True)
class SetUp:
    """How the proxy is run."""

    name: str
    workers: int = 1
    redis: bool = False
    reserves: bool = True


SET_UPS = (
    SetUp("LiteLLM, 1 worker"),
    SetUp("LiteLLM, 2 workers and Redis", workers=2, redis=True),
    SetUp("LiteLLM, 2 workers", workers=2),
    SetUp("LiteLLM, no reservation", reserves=False),
)


def programs() -> Path:
    """Return the folder of programs of LiteLLM's environment, which takes some minutes to make."""
    return environment(ENVIRONMENT, REQUIREMENTS, "LiteLLM")


@dataclass
class LiteLlm:
    """The proxy in one set-up."""

    set_up: SetUp
    upstream: str
    port: int
    folder: Path
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1), init=False)

    def __post_init__(self) -> None:
        self.name = self.set_up.name
        self.chat = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        redis = REDIS % (self.port + 1) if self.set_up.redis else ""
        config = self.folder / "config.yaml"
        config.write_text(
            CONFIG
            % {
                "model": MODEL % self.upstream,
                "unreserved": json.dumps(not self.set_up.reserves),
                "redis": redis,
            }
        )
        # It looks for its hooks beside its settings.
        shutil.copy(FOLDER / "litellm_keys.py", self.folder)
        # A worker takes longer to begin than the time after which it is taken for dead.
        words = f"--host 127.0.0.1 --port {self.port} --num_workers {self.set_up.workers}"
        patience = f"--timeout_worker_healthcheck {START_SECONDS:.0f}"
        self._program = Program(
            [str(programs() / "litellm"), "--config", str(config), *words.split(), *patience.split()],
            {
                "PATH": os.environ["PATH"],
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(32)}",
                "LITELLM_LOG": "CRITICAL",
            },
            f"http://127.0.0.1:{self.port}/health/liveliness",
            self.folder / "litellm.log",
        )

    def key(self, budget: int) -> str:
        """Return a key with a budget."""
        return f"sk-bench-{budget}-{next(self._numbers)}"

    def start(self) -> float:
        """Start the proxy, and return how many seconds it took."""
        return self._program.start()

    def kill(self) -> None:
        """`kill -9`, its workers too; Redis goes on."""
        self._program.kill()


if __name__ == "__main__":
    print(programs() / "python")
