"""What Tenbin costs beside other gateways: `benchmarks/run` is the command, `harness` what it does."""
