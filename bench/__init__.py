"""Measured claims: `make bench` runs them all, `python -m bench walls` one of them.

Each is a ratio against a baseline of the same run: a machine that is shared says nothing by its
seconds. docs/performance.md quotes the figures.
"""
