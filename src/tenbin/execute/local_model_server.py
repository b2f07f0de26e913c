"""The embedded model's own process: llama.cpp's server with one small model, on loopback, at a given port.

Run as ``python -m tenbin.execute.local_model_server MODEL PORT ALIAS`` by ``tenbin.execute.local_model``. It
says ``ready`` on its standard output once the model is loaded, and ends with its standard input, as its parent does.
"""

import ctypes
import os
import signal
import sys
import threading

from tenbin.config.findings import EMBEDDED_CONTEXT

SLOTS = 2
"""Requests answered at a time; further ones wait their turn."""
PROMPT_CACHE_MIB = 256
"""Memory for the prompts of slots that are not in use."""
THREADS = 1
"""More would spin at barriers and slow each other down on a busy machine."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(arguments: list[str]) -> None:
    """Serve until the parent ends."""
    model, port, alias = arguments
    _end_with_parent()
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(port)
    parameters.model_alias = {alias}
    parameters.n_ctx = (
        EMBEDDED_CONTEXT * SLOTS
    )  # a buffer shared by the slots would fail two long prompts at the same time
    parameters.n_parallel = SLOTS
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.endpoint_slots = False  # it shows the prompts of others
    parameters.ui = False
    parameters.cpuparams.n_threads = THREADS
    parameters.cpuparams_batch.n_threads = THREADS
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"ready {server.listening_address}\n")
    sys.stdout.flush()
    threading.Event().wait()


def _end_with_parent() -> None:
    """Linux kills this process with its parent's thread; elsewhere, and should the parent already be gone, the end of
    standard input is what tells.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Both may reach the whole group of processes; the parent first finishes its running requests, which need the model.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_wait_for_end_of_input, daemon=True).start()


def _wait_for_end_of_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
