"""What every asset shares: the partition, its place in graph and zone, and the wall for error messages.

No asset is defined here.
"""

import functools
import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import pyarrow as pa

from eucaim_pipelines.errors import EucaimError
from eucaim_pipelines.resources.zones import Shelf

DATASETS = dg.DynamicPartitionsDefinition(name="dataset")
OWNERS = ["team:data-engineering"]
DATASET_PATTERN = r"^[A-Za-z0-9_-]{1,150}$"
Zone = Literal["restricted", "release"]


def placed(zone: Zone, group: str, *kinds: str) -> dict[str, Any]:
    """Arguments that every asset definition has: partition, group, zone, kinds, owner.

    The zone is a tag, for programs, and a kind, because kinds are what the asset graph shows on a node.
    """
    return {
        "partitions_def": DATASETS,
        "group_name": group,
        "tags": {"zone": zone},
        "kinds": {zone, *kinds},
        "owners": OWNERS,
    }


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let no message of a library out of an asset: it may hold a value of a patient.

    Errors of the domain cross with their sentence, everything else with its type and place only. Storage is
    retried by its own client; nothing else is worth a retry.
    """
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with _wall():
                yield from function(*args, **kwargs)

        return generator

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _wall():
            return function(*args, **kwargs)

    return call


@contextmanager
def _wall() -> Iterator[None]:
    try:
        yield
    except EucaimError as error:
        fault = {"fault": error.fault.name.lower()}
        raise dg.Failure(str(error), metadata=fault, allow_retries=False) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise dg.Failure(
            f"This machine could not read or write: {reason}.",
            metadata={"fault": "machine"},
            allow_retries=False,
        ) from None
    except Exception as error:  # noqa: BLE001 - any message may hold a value
        place = " < ".join(
            f"{Path(frame.filename).stem}:{frame.lineno}"
            for frame in reversed(traceback.extract_tb(error.__traceback__)[-4:])
        )
        raise dg.Failure(
            f"{type(error).__name__} at {place}. Its message is withheld: it may hold a value.",
            metadata={"fault": "machine"},
            allow_retries=False,
        ) from None


def table_metadata(shelf: Shelf, name: str, table: pa.Table) -> dict[str, Any]:
    """Row count, columns and place of a table; never a value."""
    columns = [
        dg.TableColumn(
            field.name,
            str(field.type),
            description=(field.metadata or {}).get(b"description", b"").decode() or None,
            constraints=dg.TableColumnConstraints(nullable=field.nullable),
        )
        for field in table.schema
    ]
    return {
        "dagster/row_count": table.num_rows,
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "path": dg.MetadataValue.path(str(shelf.path(f"{name}.parquet"))),
    }


def counted(**counts: int) -> dict[str, dg.MetadataValue[Any]]:
    """Counts as metadata."""
    return {name: dg.MetadataValue.int(count) for name, count in counts.items()}


def progress_to(context: dg.AssetExecutionContext, what: str, every: int = 200) -> Callable[[int, int], None]:
    """A callback that logs progress of long work in steps of about `every` files."""
    last = 0

    def report(done: int, total: int) -> None:
        nonlocal last
        if done == total or done - last >= every:
            last = done
            context.log.info(f"{what}: {done} of {total}")

    return report
