"""The search for identities in what is released, by code that shares nothing with reader or engine."""
