"""6. Which stored questions lie nearest to one that is asked: in memory, in PostgreSQL or in Redis, by the same law."""
