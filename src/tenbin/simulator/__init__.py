"""A provider simulator: a real HTTP server that speaks the providers' dialects and misbehaves on request.

It shares no code with the gateway, so that a mistake cannot hide by being made on both sides.
"""

from tenbin.simulator.running import RunningSimulator, serve
from tenbin.simulator.server import Simulator
from tenbin.simulator.tokens import count, exact_text, prompt_text

__all__ = ["RunningSimulator", "Simulator", "count", "exact_text", "prompt_text", "serve"]
