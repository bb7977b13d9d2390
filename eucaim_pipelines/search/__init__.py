"""The private index that federated search will ask."""
