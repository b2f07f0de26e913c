"""How well requests are routed, measured on tables of what several models made of the same prompts.

Nothing here takes part in a request's life: it reads outcomes that somebody recorded, and asks the router what it would
have done.
"""
