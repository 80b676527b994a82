"""Import made-up people into a new file and print the process's peak of memory in MiB.

`python import_growth.py FILE ROWS`
"""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.memory import peak_mib
from bench.people import Population, record
from gateway.model import Record
from gateway.records.importer import Importer


def people(size: int) -> Iterator[Record]:
    """Make records, one at a time."""
    population = Population(3)
    for n in range(size):
        yield record(population.person(), n)


importer = Importer(Path(sys.argv[1]))
done = importer.run("people", people(int(sys.argv[2])), as_of=None)
importer.close()
if done.records != int(sys.argv[2]):
    sys.exit("not every row became a record")
sys.stdout.write(str(peak_mib()))
