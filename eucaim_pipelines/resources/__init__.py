"""Places: zones, stores, workers, the site key. No processes."""
