"""One folder or archive de-identified without a site, a dataset or Dagster."""
