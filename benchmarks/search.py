"""How fast federated search answers: an index of 100,000 people and 1,000,000 series, asked by wrk.

The service is a process of its own on loopback; wrk asks distinct queries, then one again and again.
`everybody` loads all people, as if disclosure control did not leave five of six out of memory.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pyarrow as pa

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.search import index
from eucaim_pipelines.search.clients import Budget, Clients, RequestLog
from eucaim_pipelines.search.collections import Collection, Described
from eucaim_pipelines.search.control import Control
from eucaim_pipelines.search.criteria import Criteria, load_criteria
from eucaim_pipelines.search.service import Service, build

PEOPLE, SERIES, SECONDS = 100_000, 1_000_000, 15
DISTINCT = """
local n = 0
local mods, mans = {"RID10321", "RID10312", "RID10337"}, {"C200140", "birnlex_12833", "birnlex_3065"}
local function leaf(key, kind, value)
  local said = '{"key":"' .. key .. '","type":"' .. kind .. '","value":' .. value .. '}'
  return '{"operand":"OR","children":[' .. said .. ']}'
end
request = function()
  n = n + 1
  local low = 20 + (n % 400) / 10
  local ages = '{"min":' .. low .. ',"max":' .. (low + 10 + math.floor(n / 400)) .. '}'
  local parts = leaf("SNOMEDCT423493009", "BETWEEN", ages)
  if n % 4 > 0 then parts = parts .. "," .. leaf("RID10311", "EQUALS", '"' .. mods[n % 3 + 1] .. '"') end
  if n % 2 > 0 then parts = parts .. "," .. leaf("C25392", "EQUALS", '"' .. mans[n % 3 + 1] .. '"') end
  if n % 5 > 2 then parts = parts .. "," .. leaf("SNOMEDCT263495000", "EQUALS", '"SNOMEDCT248152002"') end
  local body = '{"ast":{"operand":"OR","children":[{"operand":"AND","children":[' .. parts .. ']}]}}'
  return wrk.format("POST", "/search", {["X-API-Key"]="KEY", ["Content-Type"]="application/json"}, body)
end
"""
REPEATED = """
request = function() return wrk.format("GET", "/search?gender=male&modality=MR", {["X-API-Key"]="KEY"}) end
"""
DONE = """
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %.1f %.1f %.1f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class _Node:
    """A node of one invented dataset."""

    def __init__(self, collection: Collection, control: Control) -> None:
        self._collections, self.name = [collection], control.name

    def collections(self) -> list[Collection]:
        return self._collections


def table(criteria: Criteria) -> pa.Table:
    """The index of invented people."""
    draw = np.random.default_rng(3)
    pseudonyms = np.array([f"EUCAIM-{number:016x}" for number in range(PEOPLE)])
    schema = index.schema(criteria)
    people: dict[str, object] = {"patient_id": pseudonyms}
    for each in criteria.by_name.values():
        if each.level == "person":
            codes = sorted(criteria.allowed(each))[:12] if each.coded else None
            values = draw.choice(codes, PEOPLE) if codes else np.round(draw.uniform(20, 90, PEOPLE), 1)
            people[each.name] = pa.ListArray.from_arrays(pa.array(np.arange(PEOPLE + 1), pa.int32()), values)
    owner = np.sort(draw.integers(0, PEOPLE, SERIES))
    series: dict[str, object] = {
        "patient_id": pseudonyms[owner],
        "study_uid": np.char.add("2.25.", (owner * 4 + draw.integers(0, 3, SERIES)).astype(str)),
        "series_uid": np.char.add("2.25.9", np.arange(SERIES).astype(str)),
    }
    for each in criteria.by_name.values():
        if each.level == "series":
            series[each.name] = draw.choice(sorted(criteria.allowed(each)), SERIES)
    return pa.concat_tables([_filled(people, schema), _filled(series, schema)])


def _filled(columns: dict[str, object], schema: pa.Schema) -> pa.Table:
    rows = len(columns["patient_id"])  # type: ignore[arg-type]
    arrays = [columns.get(f.name, pa.nulls(rows, f.type)) for f in schema]
    return pa.table(dict(zip(schema.names, arrays, strict=True))).cast(schema)


def serve(folder: Path, port: int, everybody: bool) -> None:
    """Answer until stopped."""
    import uvicorn

    criteria, control = load_criteria(), Control(SiteKey(bytes(32)))
    about = Described("load", "Invented", "", None, (), (), ())
    began = time.perf_counter()
    made = table(criteria)
    built = time.perf_counter()
    collection = Collection(about, "1", made, criteria, None if everybody else control)
    del made
    print(f"made in {built - began:.1f} s, loaded in {time.perf_counter() - built:.1f} s", flush=True)
    limit = 10**9
    service = Service(
        _Node(collection, control), Clients(folder), Budget(folder, limit), RequestLog(folder), criteria
    )
    uvicorn.run(build(service), port=port, log_level="critical", access_log=False)


def main() -> None:
    """Measure and print."""
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is needed (Debian: apt-get install wrk).")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before")
    for what in ("counted", "everybody"):
        with tempfile.TemporaryDirectory() as place:
            _measure(wrk, Path(place), what)


def _measure(wrk: str, folder: Path, what: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = Clients(folder).add("load")
    command = [sys.executable, __file__, "serve", str(folder), str(port), what]
    server = subprocess.Popen(command)  # noqa: S603
    try:
        _wait(server, port)
        for name, script, connections in (("distinct", DISTINCT, 2), ("repeated", REPEATED, 8)):
            lua = folder / f"{name}.lua"
            lua.write_text(script.replace("KEY", key) + DONE)
            address = f"http://127.0.0.1:{port}"
            asked = [wrk, "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(lua), address]
            told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout  # noqa: S603
            rate, middle, p95, errors = told.split("RESULT ")[1].split()[:4]
            memory = Path(f"/proc/{server.pid}/status").read_text().split("VmHWM:")[1].split()[0]
            print(
                f"{what}, {name}: {rate} queries a second, median {middle} ms, p95 {p95} ms, "
                f"errors {errors}, "
                f"peak memory {int(memory) // 1024} MB, load average {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    while server.poll() is None:
        try:
            urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    sys.exit("The service did not start.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "everybody")
    else:
        main()
