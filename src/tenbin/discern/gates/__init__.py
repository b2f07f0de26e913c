"""7. Quality gates: pure functions that judge a given answer, each with a score 0..1 and its evidence in words.

No live decision uses them yet: they judge recorded or given answers.
"""
