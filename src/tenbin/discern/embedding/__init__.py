"""2. Texts as vectors: what is near in meaning lies near in direction. One module per model, none loaded before it is
asked for.
"""
