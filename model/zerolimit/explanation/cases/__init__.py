"""Scripted cases: one borrower with given traits inside a market, and the same market with one thing changed."""
