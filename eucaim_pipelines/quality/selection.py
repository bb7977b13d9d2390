"""The tables of one dataset as views of DuckDB, and the rows of them that a query gives.

No view is written, and no file or address is read that was not given.
"""

from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import Self, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from eucaim_pipelines.errors import ContractError

View: TypeAlias = pa.Table | ds.Dataset
STUDY, SERIES, SEGMENTATIONS = "study_uid", "series_uid", "segmentation_series_uid"
_SERIES = """
SELECT DISTINCT SeriesInstanceUID AS series_uid, StudyInstanceUID AS study_uid FROM instances ORDER BY ALL
"""
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # a query reads no variable of this program
    "threads": 2,
}


class Selection:
    """Views by name: tables of the common data model, `instances`, `links` and `records_<file>`.

    A dataset of Parquet files is read column by column, as a query asks for them.
    """

    def __init__(self, views: Mapping[str, View]) -> None:
        self._connection = duckdb.connect(config=CONFIG)
        for name, view in views.items():
            self._connection.register(name, view)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @cached_property
    def _studies(self) -> pa.Table:
        return self._connection.sql(_SERIES).to_arrow_table()

    def studies_of_series(self) -> pa.Table:
        """`series_uid` and `study_uid` of every image and annotation series, asked for once."""
        return self._studies

    def rows(self, query: str, check: str) -> pa.Table:
        """The rows of a query, in the order in which it gives them.

        Raises
        ------
        ContractError
            The query of `check` cannot be run; DuckDB's own words stay out, they may quote a cell.
        """
        try:
            return self._connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise ContractError(
                file=f"{check.partition('.')[0]}.odcs.yaml",
                line=None,
                what=f"The query of the check '{check}' cannot be run ({type(error).__name__}).",
                remedy="It may use the columns of the tables that the rule needs, in DuckDB's SQL.",
            ) from None
