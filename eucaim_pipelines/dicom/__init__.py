"""Reading and examining DICOM objects; the header inventory."""
