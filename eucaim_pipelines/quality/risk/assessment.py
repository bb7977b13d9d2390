"""The risk of a release and who carries it, from its tables and those of the release before."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.hierarchies import Hierarchy
from eucaim_pipelines.contracts.source_risk import QuasiIdentifier
from eucaim_pipelines.quality.risk import difference
from eucaim_pipelines.quality.risk.difference import Difference
from eucaim_pipelines.quality.risk.groups import People
from eucaim_pipelines.quality.risk.joined import PEOPLE, Joined, join, of_tables, readable
from eucaim_pipelines.quality.risk.measure import Risk, measure
from eucaim_pipelines.quality.selection import View
from eucaim_pipelines.quality.sql import PATIENT

ALIKE = pa.schema(
    [
        (PATIENT, pa.string()),
        ("alike", pa.int64()),
        ("kind", pa.string()),
        ("alike_in_difference", pa.int64()),
    ]
)
"""How many look like each person; `kind`: new or changed, and then how many of these look like him."""


def assess(
    views: Mapping[str, View],
    earlier: Mapping[str, View] | None,
    fields: Sequence[QuasiIdentifier],
    hierarchies: Mapping[str, Hierarchy],
    versions: tuple[str, str | None],
) -> tuple[Risk, pa.Table]:
    """The risk of a release, and each person's part of it (`ALIKE`).

    Parameters
    ----------
    views
        Tables of the release, and no others: a tier shows what its own tables hold.
    earlier
        Tables of the release before that can still be read; None at the first.
    versions
        Of the release and of the one before.
    """
    now = join(views, of_tables(fields, views), hierarchies)
    kind = pa.nulls(now.table.num_rows, pa.string())
    found = Difference(comparable=earlier is None)
    if earlier is not None and PEOPLE in earlier:
        before = join(earlier, readable(fields, earlier), hierarchies)
        kind = difference.kinds(now, before)
        found = difference.compare(now, before, kind)
    return measure(now, *versions, found), _people(now, kind)


def _people(now: Joined, kind: pa.Array) -> pa.Table:
    known = list(now.known_columns.values())
    with People(now.coded().append_column("kind", kind)) as people:
        alike, among = people.sizes(known), people.sizes([*known, "kind"])
    seen = pc.if_else(kind.is_valid(), among, None)
    return pa.table([now.table[PATIENT], alike, kind, seen], schema=ALIKE)
