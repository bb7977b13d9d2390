"""Tests of the authoring tools: suggestions, contracts that are written, templates, unmapped values."""
