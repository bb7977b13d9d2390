"""Demonstration exports of three data holders; used by the command line and by tests only."""
