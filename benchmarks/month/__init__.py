"""A simulated month of coding-agent and application traffic, played through the real gateway under several policies."""
