"""Stage 6, a decision is carried out: providers are called, answers observed, upstreams kept healthy."""
