"""The mandatory views of the common file structure, over tables as they are built."""

import pandas as pd

from eucaim_pipelines.cdm import build
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.release.file_structure import imaging_view
from eucaim_pipelines_tests.cdm import examples

TABLES = load_tables()


def test_a_study_in_which_a_series_lacks_the_patient_id_gives_each_series_one_row(tmp_path):
    rows = [examples.instance(1, "P1", "S1", "R1"), examples.instance(1, None, "S1", "R2")]
    inputs = examples.crossed(examples.source(tmp_path), examples.instances(rows))
    frames = {name: build(name, inputs).to_pandas(types_mapper=pd.ArrowDtype) for name in TABLES}
    view = imaging_view(frames)
    assert view[["patient_id", "series_uid"]].values.tolist() == [["X-None", "R2"], ["X-P1", "R1"]]
    assert set(view["image_procedure_code"]) == {"IMG1000026"}
