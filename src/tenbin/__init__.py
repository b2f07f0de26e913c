"""Tenbin, an LLM gateway. The packages in alphabetical order are the life of a request: api, codecs, core, decide,
discern, execute, ledger, measure, replay, web.
"""

__version__ = "0.1.0"
