"""What caviar costs, commit by commit: the benchmarks that asv runs."""
