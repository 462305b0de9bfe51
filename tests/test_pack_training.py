"""What travels to a machine without a network and back: packs, parts, and the script that trains there."""

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.requirements import Requirement

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
# The packages that the machine there has; a pack brings the others.
THERE = ["torch", "numpy", "opencv-python-headless", "pillow", "safetensors", "lightning", "rich", "typer"]
BROUGHT = ["pyvips", "pyvips-binary"]
ALIKE = re.compile(r"[-_.]+")


def tool(*arguments):
    command = [sys.executable, SCRIPTS / "pack_training.py", *arguments]
    return subprocess.run([str(each) for each in command], capture_output=True, text=True)


def done(*arguments):
    outcome = tool(*arguments)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.split("\n")


def refused(*arguments):
    outcome = tool(*arguments)
    assert outcome.returncode == 2
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    return outcome.stderr


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "checkpoint-00000007.pt"
    path.write_bytes(np.random.default_rng(0).bytes(2_500_000))
    return path


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "photos-000.tar"
    path.write_bytes(bytes(300_000))
    return path


def test_parts_make_the_file_again_in_whatever_order_they_come(large, tmp_path):
    there = tmp_path / "there"
    done("split", large, "-o", there, "--size", 1, "--parts", "2-3")
    sizes = {each.name: each.stat().st_size for each in there.iterdir()}
    manifest = there / f"{large.name}.parts.json"
    assert sizes.pop(manifest.name) < 1000
    assert sizes == {f"{large.name}.part-002": 2**20, f"{large.name}.part-003": 2_500_000 - 2 * 2**20}
    said = refused("join", manifest, "-o", tmp_path / "back")
    assert f"{large.name}.part-001" in said
    assert "part-002" not in said

    done("split", large, "-o", there, "--size", 1, "--parts", "1")
    done("join", manifest, "-o", tmp_path / "back")
    assert (tmp_path / "back" / large.name).read_bytes() == large.read_bytes()
    assert [each.name for each in (tmp_path / "back").iterdir()] == [large.name]
    assert "--overwrite" in refused("join", manifest, "-o", tmp_path / "back")
    done("join", manifest, "-o", tmp_path / "back", "--overwrite")


def test_a_damaged_part_is_named_and_nothing_is_written(large, tmp_path):
    there = tmp_path / "there"
    done("split", large, "-o", there, "--size", 1)
    part = there / f"{large.name}.part-002"
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    assert part.name in refused("join", there / f"{large.name}.parts.json", "-o", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_an_empty_file_travels_too_and_a_manifest_cannot_name_another_folder(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    done("split", empty, "-o", tmp_path / "there")
    manifest = tmp_path / "there" / "empty.parts.json"
    manifest.write_text(manifest.read_text().replace('"name": "empty"', '"name": "../../elsewhere"'))
    done("join", manifest, "-o", tmp_path / "back")
    assert (tmp_path / "back" / "elsewhere").read_bytes() == b""


def test_mistakes_are_one_sentence(large, shard, tmp_path):
    assert "cannot be split" in refused("split", tmp_path / "none")
    assert "cannot be split" in refused("split", large, "--size", 0)
    assert '"1-3"' in refused("split", large, "-o", tmp_path / "there", "--parts", "first")
    assert "no manifest" in refused("join", large)
    assert "shards" in refused("pack", tmp_path / "pack", "--data", tmp_path)
    (tmp_path / "run").mkdir()
    assert "no checkpoint" in refused("pack", tmp_path / "pack", "--run", tmp_path / "run")
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / shard.name
    twin.touch()
    assert "rename" in refused("pack", tmp_path / "pack", "--data", shard, twin)
    assert "exists already" in refused("pack", tmp_path / "other", "--overwrite")
    assert "no picture" in refused("shards", tmp_path / "run", tmp_path / "shards")
    assert not (tmp_path / "pack").exists()


def test_a_folder_of_photos_becomes_shards_that_fit(tmp_path):
    photos = tmp_path / "photos" / "deep"
    photos.mkdir(parents=True)
    for number in range(7):
        (photos / f"{number}.JPG").write_bytes(bytes([number]) * 400_000)
    (photos / "notes.txt").touch()
    written = [Path(each) for each in done("shards", tmp_path / "photos", tmp_path / "out", "--size", 1)[:-1]]
    assert written == sorted((tmp_path / "out").iterdir())
    assert len(written) == 4
    names = []
    for path in written:
        assert path.stat().st_size <= 2**20
        with tarfile.open(path, "r:") as shard:
            names += shard.getnames()
    assert names == [f"{number}.JPG" for number in range(7)]
    assert "not empty" in refused("shards", tmp_path / "photos", tmp_path / "out")
    assert "larger" in refused("shards", tmp_path / "photos", tmp_path / "small", "--size", 0.3)
    whole = written[0].read_bytes()
    (tmp_path / "part.tar").write_bytes(whole[: len(whole) // 2])
    assert "cut short" in refused("shards", tmp_path / "part.tar", tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


def test_photos_of_folders_and_shards_are_shrunk_and_keep_their_names(tmp_path):
    for place, names in (("one", ("b.png", "a.webp")), ("two", ("c.jpg",))):
        (tmp_path / place).mkdir()
        for name in names:
            drawn = np.random.default_rng(len(name)).integers(0, 256, (3, 4, 3), np.uint8)
            large = cv2.resize(drawn, (400, 300), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(tmp_path / place / name), large)
    [first] = done("shards", tmp_path / "one", tmp_path / "first")[:-1]
    [path] = done("shards", first, tmp_path / "two", tmp_path / "small", "--side", 60)[:-1]
    with tarfile.open(path, "r:") as shard:
        contents = {each.name: shard.extractfile(each).read() for each in shard}
    # Which photos are held out depends on the names.
    assert list(contents) == ["a.webp", "b.png", "c.jpg"]
    assert [each[1:4] for each in contents.values()] == [b"IFF", b"PNG", b"\xd8\xff\xe0"]
    for name, content in contents.items():
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), 1)
        assert picture.shape == (60, 80, 3)
        large = cv2.imread(str(tmp_path / ("two" if name == "c.jpg" else "one") / name))
        assert (
            abs(picture - cv2.resize(large, (80, 60), interpolation=cv2.INTER_AREA).astype(float)).mean() < 6
        )
    (tmp_path / "two" / "broken.png").write_bytes(b"no picture")
    assert "leave it out" in refused("shards", tmp_path / "two", tmp_path / "other", "--side", 60)


def test_a_pack_holds_what_is_needed_and_no_more(large, shard, tmp_path):
    (tmp_path / "metrics.csv").write_text("step,name,value\n")
    (tmp_path / "my.yaml").write_text("model: contextual-attention\n")
    pack = tmp_path / "pack"
    done("pack", pack, "--data", shard, "--masks", shard, "--run", tmp_path, "--config", tmp_path / "my.yaml")
    names = {str(each.relative_to(pack)) for each in pack.rglob("*") if each.is_file()}
    run = {name for name in names if name.startswith("run/")}
    assert run == {
        "run/metrics.csv",
        f"run/{large.name}.part-001",
        f"run/{large.name}.parts.json",
    }
    assert {"train_there.sh", "pack_training.py", f"data/{shard.name}", f"masks/{shard.name}"} <= names
    assert {"configs/my.yaml", "configs/contextual-attention-paper.yaml"} <= names
    assert not [name for name in names if re.search(r"\.safetensors$|\.pyc$|wheels/", name)]
    # A bare Python, without what is installed here, finds the package and its version.
    code = "import retouch, retouch.training; print(retouch.__version__, retouch.training.__file__)"
    command = [sys.executable, "-S", "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(pack / "code"), "PYTHONDONTWRITEBYTECODE": "1"}
    found = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert found[0] == distribution("retouch").version
    assert Path(found[1]).is_relative_to(pack)


def test_a_pack_that_would_be_too_large_says_what_is_how_large(large, shard, tmp_path):
    said = refused("pack", tmp_path / "pack", "--data", shard, "--run", tmp_path, "--limit", 3)
    assert "more than 3" in said
    assert "data 0.3" in said
    assert "run 2.4" in said
    assert not (tmp_path / "pack").exists()
    done("pack", tmp_path / "pack", "--data", shard, "--limit", 3)
    assert "exists already" in refused("pack", tmp_path / "pack")
    done("pack", tmp_path / "pack", "--overwrite")
    assert not (tmp_path / "pack" / "data").exists()
    assert not list(tmp_path.glob("*.tmp"))


STAND_IN = """
    # In place of the package: trains by counting, and writes down what it was told.
    import signal, sys, time
    from pathlib import Path
    verb, *rest = sys.argv[1:]
    if verb == "export":
        source, target = Path(rest[0]), Path(rest[2])
        target.write_bytes(sorted(source.glob("checkpoint-*"))[-1].read_bytes())
    else:
        told = []
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda number, frame: told.append(number))
        run = Path(rest[rest.index("--out") + 1])
        (run / "told.txt").write_text("\\n".join(rest))
        while "wait" in rest and not told:
            time.sleep(0.05)
        step = int("0" + max((each.stem[-8:] for each in run.glob("checkpoint-*")), default="0")) + 1
        (run / f"checkpoint-{step:08d}.pt").write_bytes(bytes([step]) * 100 * len(told or "1"))
        (run / "config.yaml").write_text("kind: rectangles\\n")
        (run / "metrics.csv").write_text(f"until {step}")
        (run / "grids").mkdir(exist_ok=True)
        (run / "grids" / f"step-{step:08d}.png").touch()
        sys.exit(3 if "fail" in rest else 0)
"""


@pytest.fixture
def there(tmp_path):
    """Run train_there.sh of a pack with the stand-in: ``there(pack, "option", MINUTES=5)``."""

    def there(pack, *arguments, **settings):
        code = pack / "code" / "retouch"
        for name, text in (("__init__.py", ""), ("__main__.py", textwrap.dedent(STAND_IN))):
            (code / name).write_text(text)
        chosen = {"WORK": tmp_path / "work", "OUT": tmp_path / "out", "PYTHON": sys.executable, **settings}
        environment = {**os.environ, **{name: str(value) for name, value in chosen.items()}}
        command = ["sh", str(pack / "train_there.sh"), *arguments]
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    return there


def files(folder):
    return sorted(each.name for each in folder.iterdir())


def test_several_packs_add_up_and_a_run_goes_on(there, shard, tmp_path):
    work, out, pack = tmp_path / "work", tmp_path / "out", tmp_path / "pack"
    done("pack", pack, "--data", shard)
    assert there(pack, MINUTES=0).wait() == 0
    assert files(out) == []
    second = tmp_path / "photos-001.tar"
    second.touch()
    done("pack", pack, "--data", second, "--masks", shard, "--overwrite")
    lite = "configs/contextual-attention-lite.yaml"
    assert there(pack, "--set", "a=b c", CONFIG=lite).wait() == 0
    assert files(work / "data") == ["photos-000.tar", "photos-001.tar"]
    told = (work / "runs" / "run" / "told.txt").read_text().split("\n")
    assert told[0] == str(pack / lite)
    assert told[told.index("--masks") + 1] == str(work / "masks")
    assert told[-2:] == ["--set", "a=b c"]
    assert "--resume" not in told
    beside = ["config.yaml", "metrics.csv", "run.safetensors"]
    assert files(out) == [*beside, "step-00000001.png"]

    assert there(pack, PARTS="all").wait() == 0
    told = (work / "runs" / "run" / "told.txt").read_text().split("\n")
    assert told[0] == str(work / "runs" / "run" / "config.yaml")
    assert "--resume" in told
    assert "--masks" not in told  # this run draws no objects
    checkpoint = ["checkpoint-00000002.pt.part-001", "checkpoint-00000002.pt.parts.json"]
    assert files(out) == sorted([*checkpoint, *beside, "step-00000002.png"])
    assert (out / "metrics.csv").read_text() == "until 2"


def test_the_settings_of_the_pack_have_names(there, tmp_path):
    pack, runs = tmp_path / "pack", tmp_path / "work" / "runs"
    (tmp_path / "mine.yaml").write_text("model: pen-net")
    done("pack", pack, "--config", tmp_path / "mine.yaml")
    chosen = {"first": {}, "second": {"CONFIG": "pen-net-lite"}, "third": {"CONFIG": "mine"}}
    for (run, settings), name in zip(
        chosen.items(), ("contextual-attention-paper", "pen-net-lite", "mine"), strict=True
    ):
        assert there(pack, RUN=run, **settings).wait() == 0
        told = (runs / run / "told.txt").read_text().split("\n")
        assert told[0] == str(pack / "configs" / f"{name}.yaml")


def test_a_checkpoint_is_taken_in_once_all_parts_are_there(there, large, tmp_path):
    run, pack = tmp_path / "work" / "runs" / "mine", tmp_path / "pack"
    manifest = tmp_path / "pack" / "run" / f"{large.name}.parts.json"
    for number in (1, 2):
        done("pack", pack, "--overwrite")
        done("split", large, "-o", pack / "run", "--size", 1.5, "--parts", number)
        assert manifest.is_file()
        assert there(pack, MINUTES=0, RUN="mine").wait() == 0
        assert files(run) == ([large.name] if number == 2 else [])
        if number == 1:  # it must not begin anew
            started = there(pack, RUN="mine")
            assert "part-002" in started.communicate()[1]
            assert (started.returncode, files(run)) == (2, [])
    assert (run / large.name).read_bytes() == large.read_bytes()
    done("split", large, "-o", pack / "run")
    assert there(pack, RUN="mine").wait() == 0
    assert {"checkpoint-00000007.pt", "checkpoint-00000008.pt"} <= set(files(run))
    assert there(pack, RUN="mine").wait() == 0  # the one that was brought is the older one
    assert "checkpoint-00000009.pt" in files(run)
    assert files(tmp_path / "work" / "parts" / "mine") == []


def test_what_was_learned_travels_back_even_if_training_fails_or_is_stopped(there, tmp_path):
    pack, run = tmp_path / "pack", tmp_path / "work" / "runs" / "run"
    done("pack", pack)
    assert there(pack, "fail").wait() == 3
    assert "run.safetensors" in files(tmp_path / "out")
    (run / "told.txt").unlink()
    started = there(pack, "wait")
    while not (run / "told.txt").exists():
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    started.send_signal(signal.SIGTERM)
    assert started.wait() == 0
    assert (tmp_path / "out" / "run.safetensors").read_bytes() == bytes([2]) * 100  # told once


def hiding_what_is_not_there():
    """Python that hides every installed package which neither the machine there has nor a pack brings."""
    kept, todo = {"retouch"}, [*THERE, "pyyaml", *BROUGHT]
    while todo:
        name = ALIKE.sub("-", todo.pop()).lower()
        if name in kept:
            continue
        kept.add(name)
        try:
            needs = [Requirement(each) for each in distribution(name).requires or []]
        except PackageNotFoundError:
            continue
        todo += [each.name for each in needs if not each.marker or each.marker.evaluate({"extra": ""})]
    shown, hidden = set(), set()
    for each in distributions():
        tops = {str(file).split("/")[0].split(".")[0] for file in each.files or [] if ".." not in str(file)}
        (shown if ALIKE.sub("-", each.name).lower() in kept else hidden).update(tops)
    return textwrap.dedent(f"""
        import re
        import sys
        from importlib.machinery import PathFinder

        class There(PathFinder):
            @classmethod
            def find_spec(cls, name, path=None, target=None):
                hidden = name.split(".")[0] in {sorted(hidden - shown)}
                return None if hidden else PathFinder.find_spec(name, path, target)

            @classmethod
            def find_distributions(cls, *context):
                for each in PathFinder.find_distributions(*context):
                    if re.sub("[-_.]+", "-", each.name).lower() in {sorted(kept)}:
                        yield each

        sys.meta_path[sys.meta_path.index(PathFinder)] = There
    """)


@pytest.mark.slow
def test_training_imports_nothing_that_the_machine_there_lacks():
    code = hiding_what_is_not_there() + textwrap.dedent("""
        from importlib.util import find_spec
        for name in ("skimage", "stlpips_pytorch", "tensorboard", "hypothesis", "pytest"):
            assert find_spec(name) is None, name
        import retouch.cli, retouch.training.start, retouch.training.export, retouch.imaging
    """)
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.slow
def test_the_whole_walk_there_and_back(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        coarse = np.random.default_rng(number).integers(0, 256, (8, 10, 3), np.uint8)
        cv2.imwrite(str(photos / f"{number}.jpg"), cv2.resize(coarse, (160, 128)))
    done("shards", photos, tmp_path / "shards")
    config = tmp_path / "tiny.yaml"
    data = {"size": 96, "held_out": 2}
    watch = {"log_every": 1, "validate_every": 2, "checkpoint_every": 1}
    recipe = {"width": 0.05, "critic_steps": 1}
    settings = {"model": "contextual-attention", "steps": 2, "batch": 2}
    config.write_text(json.dumps({**settings, "data": data, "watch": watch, "recipe": recipe}))
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "sitecustomize.py").write_text(hiding_what_is_not_there())
    shard = tmp_path / "shards" / "photos-000.tar"

    def train(work, *options, **chosen):
        fixed = {"PYTHON": sys.executable, "PYTHONPATH": tmp_path / "bare", "OMP_NUM_THREADS": 1}
        own = {
            "WORK": tmp_path / work,
            "OUT": tmp_path / "out",
            "CONFIG": "configs/tiny.yaml",
            "PARTS": "all",
        }
        environment = {name: str(value) for name, value in {**fixed, **own, **chosen}.items()}
        command = ["sh", tmp_path / "pack" / "train_there.sh", "--device", "cpu", "--workers", "1", *options]
        subprocess.run(command, env={**os.environ, **environment}, check=True)

    done("pack", tmp_path / "pack", "--data", shard, "--config", config)
    train("first")
    train("first", "--set", "steps=3")
    done("join", tmp_path / "out" / "checkpoint-00000003.pt.parts.json", "-o", tmp_path / "home")
    first = tmp_path / "first" / "runs" / "run" / "checkpoint-00000003.pt"
    assert (tmp_path / "home" / first.name).read_bytes() == first.read_bytes()

    # In a later session: another machine goes on from there.
    for name in ("config.yaml", "metrics.csv"):
        (tmp_path / "home" / name).write_bytes((tmp_path / "out" / name).read_bytes())
    done("pack", tmp_path / "pack", "--overwrite", "--data", shard, "--run", tmp_path / "home")
    train("second", "--set", "steps=4", PARTS="none")
    steps = {line.split(",")[0] for line in (tmp_path / "out" / "metrics.csv").read_text().splitlines()}
    assert steps == {"step", "0", "1", "2", "3", "4"}
    assert files(tmp_path / "out") == ["config.yaml", "metrics.csv", "run.safetensors", "step-00000004.png"]

    from retouch.weights import read_weights

    weights = read_weights(tmp_path / "out" / "run.safetensors")
    assert weights.model == "contextual-attention"
    assert weights.about["config"]["recipe"]["width"] == 0.05
