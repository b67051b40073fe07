"""Ways to share what is left of the pool. All serve a prefix of an order, exactly (engine/prefix.py)."""
