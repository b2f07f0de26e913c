"""Who is measured, in the order of the report."""

from benchmarks.harness.contestants.base import Contestant
from benchmarks.harness.contestants.claude_code_router import ClaudeCodeRouter
from benchmarks.harness.contestants.litellm import LiteLLM
from benchmarks.harness.contestants.nginx import Nginx
from benchmarks.harness.contestants.portkey import Portkey
from benchmarks.harness.contestants.tenbin import Tenbin
from benchmarks.harness.contestants.tensorzero import TensorZero

CONTESTANTS: tuple[Contestant, ...] = (
    Nginx(),
    Tenbin(),
    TensorZero(),
    Portkey(),
    ClaudeCodeRouter(),
    LiteLLM(),
)

__all__ = ["CONTESTANTS", "Contestant"]
