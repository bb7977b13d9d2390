"""What the tests on real objects share: the files, a byte search, vendors' numbers, conformance.

Every file is read in place; none of them is part of this project.
"""
