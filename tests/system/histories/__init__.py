"""Random histories of two systems over the real taps, mapper, targets and local servers.

One seed makes a history: a sync definition, a world, edits of people on both sides at every moment,
settings of the servers, faults, crashes at any durable effect, lost and old STATE; then quiet. At
rest everything is judged by a reading of the definition that shares no code with the product.
"""
