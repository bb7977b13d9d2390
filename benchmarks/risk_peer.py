"""What pycanon says of a table, as JSON; `risk.py` runs it in the environment where pycanon stands."""

import json
import sys
import time

import pandas as pd
from pycanon import anonymity
from pycanon.anonymity.utils.aux_anonymity import get_equiv_class

path, known, sensitive = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
table = pd.read_parquet(path)
started = time.perf_counter()
k = anonymity.k_anonymity(table, known)
diverse = anonymity.l_diversity(table, known, sensitive)
alone = sum(len(group) == 1 for group in get_equiv_class(table, known))
seconds = time.perf_counter() - started
print(json.dumps({"k": int(k), "l": int(diverse), "unique": alone / len(table), "seconds": seconds}))
