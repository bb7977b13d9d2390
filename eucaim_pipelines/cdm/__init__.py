"""The common data model: coding, linkage, imaging and clinical tables.

`build(table, CdmInputs(...))` makes a table; `coding`, `linkage` and `people` work before the crossing.
"""

from eucaim_pipelines.cdm.inputs import CdmInputs
from eucaim_pipelines.cdm.tables import build, depends_on

__all__ = ["CdmInputs", "build", "depends_on"]
