"""What caviar costs: ``suite`` (asv, over time) and ``compare`` (against others)."""
