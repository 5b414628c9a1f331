"""How dates are written: short, the month as a word, the clock with 24 hours."""
