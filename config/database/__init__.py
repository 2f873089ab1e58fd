"""Django's PostgreSQL, except that nobody waits for ever for a server that says nothing."""
