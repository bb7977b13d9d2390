"""The compressed streams, one module a kind: what they are made of, and what is taken out of them."""
