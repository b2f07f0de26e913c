"""4. Providers' prompt caches: where marks are placed, whether a write pays, and what broke a prefix."""
