"""`python -m tenbin.simulator [PORT]` serves the simulator in a process of its own, on 127.0.0.1."""

import sys

from tenbin.simulator.running import serve

serve(port=int(sys.argv[1]) if len(sys.argv) > 1 else 4010, announce=lambda line: print(line, flush=True))  # noqa: T201
