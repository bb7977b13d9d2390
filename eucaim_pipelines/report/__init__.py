"""The data holder's report, local and shareable edition."""
