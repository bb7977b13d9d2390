"""A plain pydicom implementation of the profile: slow, simple, and the measure of the engine that is used.

It reads, walks and writes with pydicom; only the tables, the key and the dates are the package's own.
"""
