"""Keys of clients: several processes that change them at one time lose none."""

import subprocess
import sys
from pathlib import Path

from eucaim_pipelines.search.clients import Clients

ADD = """
import sys
from pathlib import Path
from eucaim_pipelines.search.clients import Clients
clients = Clients(Path(sys.argv[1]))
sys.stdin.readline()
for number in range(40):
    print(clients.add(f"{sys.argv[2]}-{number}"))
"""


def test_keys_that_are_made_at_one_time_are_all_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ADD, str(tmp_path)]
    makers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    told = [maker.communicate()[0].split() for maker in makers]
    clients = Clients(tmp_path)
    for name, keys in zip(("a", "b"), told, strict=True):
        assert [clients.named(key) for key in keys] == [f"{name}-{number}" for number in range(40)]
