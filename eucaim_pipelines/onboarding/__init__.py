"""The tools with which a data manager writes a source contract: profiles, suggestions, templates."""
