"""A Ray cluster of two nodes on this computer, one of which dies. It needs the extra ``cluster``."""

import sys
from collections import Counter

import pytest

import retouch

ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="Ray has clusters of one machine on Linux only"),
]


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_a_node_dies_and_nothing_is_lost(archive, lines, write, cluster):
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    for number in range(60):
        write(archive / "photos" / f"q{number}.png", number, side=160)
        write(archive / "masks" / f"q{number}.png", box=slice(40, 100), side=160)
    running = retouch.batch(
        archive / "photos", archive / "masks", output=archive / "out", cluster=cluster.address
    )
    done = [next(running) for _ in range(10)]
    cluster.remove_node(second, allow_graceful=False)
    done += running
    assert Counter(each.outcome for each in done) == {"filled": 64}
    assert Counter(line["name"] for line in lines()).most_common(1)[0][1] == 1
    assert len(lines()) == 64
    assert len(list((archive / "out").glob("*.png"))) == 64
    one = (archive / "out" / "q0.png").read_bytes()
    (archive / "out" / "q0.png").unlink()
    here = retouch.batch(archive / "photos", archive / "masks", output=archive / "out")
    assert Counter(each.outcome for each in here) == {"done": 63, "filled": 1}  # the same journal
    assert (archive / "out" / "q0.png").read_bytes() == one
