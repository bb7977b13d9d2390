"""Risk of re-identification: who can be singled out on the joined table of what a release shows."""
