"""Annotations of other kinds made into DICOM segmentations (PS3.3 A.51): geometry, meaning, writing."""
