"""How well quality gates tell right answers from wrong ones, measured on answers that somebody has judged.

Nothing here takes part in a request's life.
"""
