"""Exports, archives, clinical files and the ledger of what was received."""
