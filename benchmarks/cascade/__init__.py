"""A cascade on public results of eleven models, its gate as noisy as the real gates were measured to be: what it costs,
and how often it is right. `benchmarks/run cascade`; the method and the figures are in docs/cascade-benchmark.md.
"""
