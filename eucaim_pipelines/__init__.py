"""EUCAIM pipelines: a hospital repository's exports become Tier 1, 2 and 3 releases."""
