"""One run per dataset: the lock belongs to a process, names it, and ends with it."""

import subprocess
import sys

import pytest

from eucaim_pipelines.resources.lock import LockHeldError, dataset_lock

HOLD = """
import sys, time
from pathlib import Path
from eucaim_pipelines.resources.lock import dataset_lock
with dataset_lock(Path(sys.argv[1]), "ds"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_refused_and_told_who_holds_it(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeldError, match=f"process {holder.pid}"), dataset_lock(tmp_path, "ds"):
            pass
        with dataset_lock(tmp_path, "another"):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with dataset_lock(tmp_path, "ds"):
        pass


def test_a_process_may_enter_again(tmp_path):
    with dataset_lock(tmp_path, "ds"), dataset_lock(tmp_path, "ds"):
        pass
