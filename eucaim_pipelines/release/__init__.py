"""Object stores, manifests and the file structure of a release."""
