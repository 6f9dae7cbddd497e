"""The adapter to PostgreSQL. Functions take a Session and never commit: a transaction begins in `flows`."""
