"""8. What experiments and shadow evaluations have shown: figures of each arm, tests that may be looked at any time, the
quality that is kept, and estimates from propensities.
"""
