"""Contracts read and cross-checked: source contracts, table contracts, vocabularies, tiers."""
