"""A Ray cluster of several nodes on this machine, of which some can be killed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_NODES = """
import json, sys
from ray.cluster_utils import Cluster
folder, *nodes = map(json.loads, sys.argv[1:])
cluster, made = Cluster(), []
for resources in nodes:
    made.append(cluster.add_node(**resources, **({} if made else {"temp_dir": folder})))
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(made[int(line)], allow_graceful=False)
    print("gone", flush=True)
cluster.shutdown()
"""


@dataclass
class Nodes:
    """A cluster; the first node is its head."""

    process: subprocess.Popen
    address: str

    def kill(self, number: int) -> None:
        """End a node at once, with all that runs on it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(number, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "gone\n"


@contextmanager
def cluster(nodes: Sequence[dict], **environment: str) -> Iterator[Nodes]:
    """Nodes with the given resources, which ask for Ray's token as a new cluster should."""
    import json

    # Short, as sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="nodes-") as folder:
        command = [sys.executable, "-c", _NODES, json.dumps(folder), *map(json.dumps, nodes)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"RAY_AUTH_MODE": "token"} | environment,
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Nodes(process, process.stdout.readline().strip())
        finally:
            process.stdin.close()
            process.wait(timeout=120)
