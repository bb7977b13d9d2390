"""Everything that derives from the holder's key, and who else may decide a pseudonym."""
