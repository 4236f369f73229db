"""What the product's parts cost: ``python -m tests.benchmarks`` measures and judges."""
