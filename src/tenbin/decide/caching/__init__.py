"""4. The response cache decides: what the same request is, who shares it, for how long, what is never kept."""
