"""Clients' keys: the store on disk, and what a running gateway knows of it."""
