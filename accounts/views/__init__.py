"""Pages of accounts: each fetches, calls one verb, and answers."""
