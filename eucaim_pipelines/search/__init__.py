"""Federated search: the private index, the queries asked of it, and what their answers may tell."""
