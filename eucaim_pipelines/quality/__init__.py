"""Checks, findings, disclosure control and tier verdicts."""
