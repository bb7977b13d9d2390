"""The Dagster assets, checks and automation: glue around one domain call each."""
