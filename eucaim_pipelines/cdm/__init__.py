"""The common data model: coding, linkage, imaging and clinical tables."""
