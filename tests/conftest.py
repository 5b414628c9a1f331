"""The plumbing of all tests; tests/people.py has the people."""
