"""Assets of the restricted zone: what was received, what the headers say, clinical rows, links.

Nothing here leaves this machine; the crossings are in `deidentification`.
"""

import dagster as dg

from eucaim_pipelines.assets.common import counted, guarded, placed, progress_to, table_metadata
from eucaim_pipelines.assets.state import dataset_state
from eucaim_pipelines.cdm import coding, linkage, people
from eucaim_pipelines.ingest import clinical, inventory
from eucaim_pipelines.ingest.reception import receive
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.workers import Workers
from eucaim_pipelines.resources.zones import RestrictedZone
