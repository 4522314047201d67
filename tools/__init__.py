"""Programs for people who work on counterfoil; nothing here ships."""
