"""Pack training for a GPU machine without a network; cut files into parts for the way there and back.

    python scripts/pack_training.py shards PHOTOS… FOLDER            # tar shards of photos, shrunk on request
    python scripts/pack_training.py pack PACK --data SHARD.tar …     # the folder that travels (pack --help)
    python scripts/pack_training.py split FILE -o FOLDER             # parts, and FILE.parts.json about them
    python scripts/pack_training.py join FILE.parts.json -o FOLDER   # the file again, checked

train_there.sh, which the pack holds, trains with it; docs/training.md has an example. This file runs on that
machine too, so it needs Python's standard library alone; only `shards` needs retouch, and --wheels needs pip
and a package index.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "src" / "retouch" / "training" / "configs"
MIB = 2**20
PART = 15.0  # MiB; mail, web forms and batch queues often stop at 16
QUALITY = 70  # of shrunk pictures; as WebP of 160 pixels 36 dB and 4 KB
MANIFEST = ".parts.json"
# What reads and writes pictures is seldom there; the other packages that training needs must be.
WHEELS = ("pyvips", "pyvips-binary", "cffi", "pycparser")


class Mistake(Exception):
    """What the user can mend, in one sentence."""


def digest(path: Path, start: int = 0, size: int | None = None) -> str:
    """SHA-256 of a file, or of ``size`` bytes of it."""
    found = hashlib.sha256()
    for block in blocks(path, start, path.stat().st_size if size is None else size):
        found.update(block)
    return found.hexdigest()


def blocks(path: Path, start: int, size: int) -> Iterator[bytes]:
    """``size`` bytes of a file from ``start`` on, a MiB at a time."""
    with path.open("rb") as file:
        file.seek(start)
        while size > 0 and (block := file.read(min(MIB, size))):
            size -= len(block)
            yield block


def chosen(parts: str, count: int) -> range:
    """Numbers of the parts that "all", "2" or "1-3" means, of 1 to ``count``; those beyond are left out."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", "1-9999" if parts == "all" else parts)
    if not match:
        raise Mistake(f'Parts are named "all", "2" or "1-3", not "{parts}".')
    return range(max(1, int(match[1])), min(count, int(match[2] or match[1])) + 1)


def split(path: Path, folder: Path, size: float = PART, parts: str = "all") -> list[Path]:
    """Write a file's parts of at most ``size`` MiB and their manifest; returns what was written."""
    if not path.is_file() or int(size * MIB) < 1:
        raise Mistake(f"{path} cannot be split into parts of {size:g} MiB; name a file and a size above 0.")
    total, each = path.stat().st_size, int(size * MIB)
    known = []
    for number, start in enumerate(range(0, total, each) or [0], 1):
        length = min(each, total - start)
        known.append(
            {"name": f"{path.name}.part-{number:03d}", "size": length, "sha256": digest(path, start, length)}
        )
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{path.name}{MANIFEST}"]
    whole = {"name": path.name, "size": total, "sha256": digest(path), "parts": known}
    written[0].write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    for number in chosen(parts, len(known)):
        written.append(folder / str(known[number - 1]["name"]))
        with written[-1].open("wb") as file:
            file.writelines(blocks(path, (number - 1) * each, each))
    return written


def join(manifest: Path, folder: Path, overwrite: bool = False) -> Path:
    """Put a file together from the parts beside its manifest, checking each; returns its path."""
    try:
        whole = json.loads(manifest.read_text("utf-8"))
        target = folder / Path(whole["name"]).name
        parts = [(manifest.parent / Path(each["name"]).name, each["sha256"]) for each in whole["parts"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Mistake(f"{manifest} is no manifest that split wrote; name a file *{MANIFEST}.") from error
    if target.exists() and not overwrite:
        raise Mistake(f"{target} exists already; use --overwrite or another folder.")
    missing = [path.name for path, _ in parts if not path.is_file()]
    if missing:
        raise Mistake(
            f"Of {len(parts)} parts {len(missing)} are not in {manifest.parent}; bring {', '.join(missing)}."
        )
    for path, expected in parts:
        if digest(path) != expected:
            raise Mistake(f"{path} is damaged or of another file; bring it again.")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".tmp")
    with unfinished.open("wb") as file:
        for path, _ in parts:
            file.writelines(blocks(path, 0, path.stat().st_size))
    if digest(unfinished) != whole["sha256"]:
        unfinished.unlink()
        raise Mistake(f"The parts beside {manifest} do not make the file it was made of; split it again.")
    unfinished.replace(target)
    return target


def shrunk(content: bytes, side: int, path: Path) -> bytes:
    """A picture of which the shorter side has at most ``side`` pixels, in the format that its name says."""
    import cv2

    from retouch.training.data import decode

    picture = decode(content)
    if picture is None:
        raise Mistake(f"{path} cannot be read; leave it out.")
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    if scale < 1:
        size = (max(side, round(width * scale)), max(side, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    settings = [cv2.IMWRITE_WEBP_QUALITY, QUALITY, cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    return cv2.imencode(path.suffix, picture[..., ::-1], settings)[1].tobytes()


def shards(photos: list[Path], folder: Path, size: float, side: int | None) -> list[Path]:
    """Write pictures into tar files of at most ``size`` MiB, shrunk to ``side``; returns the files."""
    from retouch.errors import RetouchError  # here only: over there, nothing is packed
    from tars import whole_shards, write_tar

    if folder.is_dir() and any(folder.iterdir()):
        raise Mistake(f"{folder} is not empty; name a new folder for the shards.")
    try:
        found = whole_shards(photos)
    except RetouchError as error:
        raise Mistake(str(error)) from error
    folder.mkdir(parents=True, exist_ok=True)
    waiting: list[tuple[str, bytes]] = []
    written: list[Path] = []
    room = limit = size * MIB - 10240  # the end of a tar file

    def close() -> None:
        written.append(folder / f"photos-{len(written):03d}.tar")
        write_tar(written[-1], waiting)
        waiting.clear()

    for number, member in enumerate(found.members):
        path = Path(member.name) if member.name else member.path
        content = found[number] if side is None else shrunk(found[number], side, path)
        needed = 2048 + len(content)  # headers, and what it is rounded up by
        if needed > limit:
            raise Mistake(f"{path} does not fit into a shard of {size:g} MiB; make shards larger (--size).")
        if needed > room:
            close()
            room = limit
        # Their own names: which pictures are held out depends on the names.
        waiting.append((path.name, content))
        room -= needed
    close()
    return written


def fetch_wheels(python: str, platform: str, folder: Path) -> None:
    """Download what reads and writes pictures, for another Python and machine."""
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE))
    wanted = [f"{name}=={pins[name]}" for name in WHEELS]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    kinds = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
    platforms = [f"--platform={kind}_{platform}" for kind in kinds]
    version = [f"--python-version={python}", "--implementation=cp", *platforms]
    for command in (
        # pyvips itself is published as source, of Python alone.
        [*pip, "wheel", "--no-deps", "-w", str(folder), wanted[0]],
        [*pip, "download", "--no-deps", "--only-binary=:all:", *version, "-d", str(folder), *wanted[1:]],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise Mistake(f"The wheels for Python {python} on {platform} could not be fetched: {reason}")
    if not list(folder.glob("pyvips-*-none-any.whl")):
        raise Mistake("pyvips was built for this machine alone; make the pack where libvips is not there.")


def pack(options: argparse.Namespace) -> None:
    """Make the folder that travels; refuses, before anything is copied, if it would be too large."""
    target: Path = options.pack
    if target.exists() and not (options.overwrite and (target / "train_there.sh").is_file()):
        raise Mistake(f"{target} exists already; use --overwrite to replace a pack, or another name.")
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        plan = {f"code/{each.relative_to(ROOT / 'src')}": each for each in code()}
        version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
        # retouch asks for its own version, which an installation would have written down.
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: retouch\nVersion: {version}\n", "utf-8")
        plan[f"code/retouch-{version}.dist-info/METADATA"] = made / "METADATA"
        plan |= {name: ROOT / "scripts" / name for name in ("train_there.sh", "pack_training.py")}
        configs = [
            *sorted(CONFIGS.glob("*.yaml")),
            *options.config,
        ]
        for folder, paths in (("configs", configs), ("data", options.data), ("masks", options.masks)):
            for path in paths:
                if not path.is_file():
                    raise Mistake(f"{path} is no file; a folder of photos is packed by `shards` first.")
                if plan.setdefault(f"{folder}/{path.name}", path) != path:
                    raise Mistake(f"Two files for {folder} are named {path.name}; rename one of them.")
        if options.run:
            newest = (sorted(options.run.glob("checkpoint-*.pt")) or [None])[-1]
            if newest is None:
                raise Mistake(f"There is no checkpoint in {options.run}; leave out --run to start anew.")
            brought = split(newest, made / "run", parts=options.parts)
            beside = [options.run / name for name in ("config.yaml", "metrics.csv")]
            plan |= {f"run/{each.name}": each for each in [*brought, *beside] if each.is_file()}
        if options.wheels:
            (made / "wheels").mkdir()
            fetch_wheels(options.wheels, options.platform, made / "wheels")
            plan |= {f"wheels/{each.name}": each for each in sorted((made / "wheels").iterdir())}
        sizes: defaultdict[str, int] = defaultdict(int)
        for place, path in plan.items():
            sizes[place.partition("/")[0]] += path.stat().st_size
        total = sum(sizes.values()) / MIB
        said = ", ".join(f"{name} {size / MIB:.1f}" for name, size in sizes.items() if size >= 0.05 * MIB)
        if options.limit is not None and total > options.limit:
            raise Mistake(
                f"The pack would hold {total:.1f} MiB, more than {options.limit:g} ({said}); "
                "send shards, or parts of the checkpoint (--parts 1-3), one pack after the other."
            )
        unfinished = target.with_name(target.name + ".tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        for place, path in plan.items():
            (unfinished / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, unfinished / place)
        if target.exists():
            shutil.rmtree(target)
        unfinished.rename(target)
    print(f"{target}: {total:.1f} MiB ({said})")


def code() -> list[Path]:
    """The files of the package, without caches, weights and what was compiled for this machine."""
    found = sorted((ROOT / "src" / "retouch").rglob("*"))
    skipped = (".pyc", ".safetensors", ".so", ".pyd")
    return [each for each in found if each.is_file() and each.suffix not in skipped]


def main() -> None:
    """Do what the command line says; exits with 2 and one sentence if the user can mend it."""
    whole = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = whole.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("pack", help="make the folder that travels")
    verb.add_argument("pack", type=Path, help="the folder to make")
    verb.add_argument("--data", type=Path, nargs="+", default=[], metavar="TAR", help="shards of photos")
    verb.add_argument("--masks", type=Path, nargs="+", default=[], metavar="TAR", help="silhouettes")
    verb.add_argument("--config", type=Path, nargs="+", default=[], metavar="YAML", help="besides configs/")
    verb.add_argument("--run", type=Path, help="a run to go on from: its newest checkpoint, in parts")
    verb.add_argument("--parts", default="all", help='which parts of the checkpoint, such as "1-3"')
    verb.add_argument("--wheels", metavar="PYTHON", help="fetch pyvips and its needs, for Python 3.12, say")
    verb.add_argument("--platform", default="x86_64", help="of the wheels (%(default)s)")
    verb.add_argument("--limit", type=float, metavar="MIB", help="refuse to make a larger pack")
    verb.add_argument("--overwrite", action="store_true", help="replace a pack")
    verb = verbs.add_parser("shards", help="put photos into tar files")
    verb.add_argument("photos", type=Path, nargs="+", help="folders and tar files of photos")
    verb.add_argument("folder", type=Path, help="for the tar files")
    verb.add_argument("--side", type=int, metavar="PIXELS", help="shrink photos to this shorter side")
    verb.add_argument("--size", type=float, default=40.0, metavar="MIB", help="of a shard (%(default)s)")
    verb = verbs.add_parser("split", help="cut a file into parts")
    verb.add_argument("file", type=Path)
    verb.add_argument("-o", "--output", type=Path, default=Path(), metavar="FOLDER")
    verb.add_argument("--size", type=float, default=PART, metavar="MIB", help="of a part (%(default)s)")
    verb.add_argument("--parts", default="all", help='write only these, such as "1-3"')
    verb = verbs.add_parser("join", help="put the parts together")
    verb.add_argument("manifest", type=Path, help=f"FILE{MANIFEST}, with the parts beside it")
    verb.add_argument("-o", "--output", type=Path, default=Path(), metavar="FOLDER")
    verb.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    options = whole.parse_args()
    try:
        if options.verb == "pack":
            pack(options)
        elif options.verb == "shards":
            print(*shards(options.photos, options.folder, options.size, options.side), sep="\n")
        elif options.verb == "split":
            print(*split(options.file, options.output, options.size, options.parts), sep="\n")
        else:
            print(join(options.manifest, options.output, options.overwrite))
    except Mistake as mistake:
        print(f"pack_training.py: {mistake}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"pack_training.py: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
