#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fill the selection with retouch, in GIMP 3. `retouch install-plugin gimp` puts this file into its folder.

It runs in GIMP's own Python and needs nothing else. retouch runs in an environment of its own, as the program
or at the server that plug-in.json names. Only the window around the selection travels, as plain TIFF files.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
from gi.repository import Babl, Gegl, Gimp, GLib, GObject  # noqa: E402

SETTINGS = {"command": ["retouch"], "server": None, "models": ["exemplar", "telea", "navier-stokes"]}
PROCEDURE = "plug-in-retouch-fill-selection"
ANY = b"\0" + b"\xff" * 255  # a selection's least trace is part of the hole; the layer's mask keeps how much
Box = tuple[int, int, int, int]  # x, y, width, height
Files = dict[str, bytes]  # photo, mask, and perhaps include, as TIFF files
Tell = Callable[[str, float], None]
HALF = b"\0" * 128 + b"\xff" * 128


class Failure(Exception):
    """What GIMP tells the person, one sentence."""


def settings() -> dict[str, Any]:
    """What `retouch install-plugin gimp` wrote beside this file."""
    path = Path(__file__).with_name("plug-in.json")
    return SETTINGS | (json.loads(path.read_text(encoding="utf-8")) if path.exists() else {})


def common(one: Box, other: Box) -> Box | None:
    """The box that two boxes share; None if there is none."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = (min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) for axis in (0, 1))
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def window(hole: Box, whole: Box, borrow: Box | None = None) -> Box:
    """The part that retouch needs: the hole, as much again on all sides, and what may be borrowed."""
    margin = max(256, hole[2], hole[3])
    boxes = [(hole[0] - margin, hole[1] - margin, hole[2] + 2 * margin, hole[3] + 2 * margin)]
    boxes += [borrow] if borrow else []
    left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for box in boxes) for axis in (0, 1))
    return common((left, top, right - left, bottom - top), whole)


def tiff(width: int, height: int, channels: int, depth: int, samples: bytes, profile: bytes = b"") -> bytes:
    """A TIFF without compression. Where there is alpha, it is the last channel, unassociated."""
    colour = 1 if channels < 3 else 2
    tags = [(256, "I", [width]), (257, "I", [height]), (258, "H", [depth] * channels), (259, "H", [1])]
    tags += [(262, "H", [colour]), (273, "I", [8]), (277, "H", [channels]), (278, "I", [height])]
    tags += [(279, "I", [len(samples)])] + ([] if channels % 2 else [(338, "H", [2])])
    tags += [(34675, "B", profile)] if profile else []
    body, entries = bytearray(samples + b"\0" * (len(samples) % 2)), b""
    for tag, letter, values in tags:
        data = struct.pack(f"<{len(values)}{letter}", *values)
        if len(data) > 4:
            offset = 8 + len(body)
            body += data + b"\0" * (len(data) % 2)
            data = struct.pack("<I", offset)
        entries += struct.pack("<HHI", tag, {"B": 7, "H": 3, "I": 4}[letter], len(values)) + data.ljust(
            4, b"\0"
        )
    return (
        struct.pack("<4sI", b"II*\0", 8 + len(body))
        + body
        + struct.pack("<H", len(tags))
        + entries
        + b"\0" * 4
    )


def samples_of(data: bytes) -> bytes:
    """The samples of a TIFF without compression: retouch writes as it was given."""
    (start,) = struct.unpack_from("<I", data, 4)
    found = {}
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], 12):
        tag, kind, count = struct.unpack_from("<HHI", data, at)
        if tag in (273, 279):  # where the strips are, and how long
            form = f"<{count}{'H' if kind == 3 else 'I'}"
            place = at + 8 if struct.calcsize(form) <= 4 else struct.unpack_from("<I", data, at + 8)[0]
            found[tag] = struct.unpack_from(form, data, place)
    strips = zip(found[273], found[279], strict=True)
    return b"".join(data[offset : offset + length] for offset, length in strips)


def command(program: list[str], folder: str, options: dict[str, Any], borrow: bool) -> list[str]:
    """The command line that fills photo.tif to filled.tif in a folder."""
    photo, mask, filled = (str(Path(folder, f"{name}.tif")) for name in ("photo", "mask", "filled"))
    words = [*program, "fill", photo, mask, "-o", filled, "--trust-mask", "--mask-from", "luminance"]
    words += ["--progress", "json", "--model", options["model"], "--seed", str(options["seed"])]
    words += ["--refine"] if options["refine"] else []
    return words + (["--include", str(Path(folder, "include.tif"))] if borrow else [])


def fill_by_program(
    program: list[str], folder: str, files: Files, options: dict[str, Any], tell: Tell
) -> bytes:
    """Let `retouch fill` make the fill; returns the filled photo's file."""
    for name, data in files.items():
        Path(folder, f"{name}.tif").write_bytes(data)
    # What GIMP's bundles say of their own Python and libraries would mislead another one.
    mine = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_LIBRARY"))
    }
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    words = command(program, folder, options, "include" in files)
    said = ""
    try:
        with subprocess.Popen(
            words, stderr=subprocess.PIPE, text=True, env=mine, creationflags=flags
        ) as process:
            for line in process.stderr:
                if line.startswith("{"):
                    step = json.loads(line)
                    tell(step["stage"], step["done"] / max(step["total"], 1))
                else:
                    said = line.strip() or said
    except OSError as error:
        raise Failure(
            f"{program[0]} cannot be started ({error}); run again: retouch install-plugin gimp"
        ) from error
    if process.returncode:
        raise Failure(said.removeprefix("retouch: ") or f"retouch ended with {process.returncode}.")
    return Path(folder, "filled.tif").read_bytes()


@contextmanager
def answer_to(url: str, data: bytes | None = None, method: str | None = None) -> Iterator[Any]:
    """Ask a server; what it refuses, and its absence, are failures."""
    token = os.environ.get("RETOUCH_TOKEN")
    headers = {
        "Content-Type": "application/json" if data and data[:1] == b"{" else "application/octet-stream"
    }
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        raise Failure(json.load(error)["error"]["message"]) from error
    except OSError as error:
        raise Failure(f"There is no server at {url} ({error}); start it: retouch serve") from error


def fill_by_server(server: str, files: Files, options: dict[str, Any], tell: Tell) -> bytes:
    """Let a running `retouch serve` make the fill; returns the filled photo's file."""

    def ask(path: str, data: bytes | None = None, method: str | None = None) -> bytes:
        with answer_to(f"{server.rstrip('/')}/v1/{path}", data, method) as answer:
            return answer.read()

    def area(name: str) -> dict[str, Any]:
        found = json.loads(ask(f"{photo}/mask", files[name]))
        return {"box": found["box"], "mask": found["mask"]}

    photo = "photos/" + json.loads(ask("photos?name=gimp.tif", files["photo"]))["id"]
    try:
        wanted = options | area("mask")
        if "include" in files:
            wanted["include"] = area("include")
        job = json.loads(ask(f"{photo}/fills", json.dumps(wanted).encode()))["job"]
        state = {}
        with answer_to(f"{server.rstrip('/')}/v1/jobs/{job}/events") as events:
            for line in events:
                if line.startswith(b"data:"):
                    state = json.loads(line[5:])
                    tell(state["stage"], state["fraction"])
        if state["state"] != "done":
            raise Failure(state.get("message") or f"The fill was {state['state']}.")
        return ask(f"{photo}/file")
    finally:
        ask(photo, method="DELETE")


def get(drawable: Gimp.Drawable, box: Box, form: str | None = None) -> bytes:
    """The samples of a box, converted only if a format is named; outside of the drawable all is 0."""
    return bytes(drawable.get_buffer().get(Gegl.Rectangle.new(*box), 1.0, form, Gegl.AbyssPolicy.NONE))


def put(
    drawable: Gimp.Drawable, buffer: Gegl.Buffer, box: Box, samples: bytes, form: str | None = None
) -> None:
    """Write the samples of a box. The name of the drawable's own format has its colour space in it."""
    buffer.set(Gegl.Rectangle.new(*box), form or Babl.get_name(drawable.get_format()), samples)
    buffer.flush()
    drawable.update(*box)


@contextmanager
def grown(image: Gimp.Image, pixels: int) -> Iterator[None]:
    """The image with its selection grown, and after it as it was."""
    if not pixels:
        yield
        return
    layers, saved = image.get_selected_layers(), Gimp.Selection.save(image)
    Gimp.Selection.grow(image, pixels)
    try:
        yield
    finally:
        image.select_item(Gimp.ChannelOps.REPLACE, saved)
        image.remove_channel(saved)
        image.set_selected_layers(layers)


def fill(image: Gimp.Image, layer: Gimp.Layer, config: Gimp.ProcedureConfig) -> None:
    """Fill the selected part of a layer; nothing is changed before the fill is there."""
    options = {name: config.get_property(name) for name in ("model", "seed", "refine")}
    grow, borrow = config.get_property("grow"), config.get_property("borrow-from")
    depth = {1: 8, 2: 16}.get(image.get_precision() // 100)
    if depth is None:
        raise Failure("retouch fills 8 and 16 bits; choose Image > Precision > 16 bit integer first.")
    if Gimp.Selection.is_empty(image):
        raise Failure("Nothing is selected; select what should be filled.")
    _, x, y = layer.get_offsets()
    whole, near = (0, 0, layer.get_width(), layer.get_height()), None
    if borrow:
        _, left, top = borrow.get_offsets()
        near = (left - x, top - y, borrow.get_width(), borrow.get_height())
    image.undo_freeze()
    with grown(image, grow):
        _, _, left, top, right, bottom = Gimp.Selection.bounds(image)
        hole = common((left - x, top - y, right - left, bottom - top), whole)
        if hole is not None:
            box = window(hole, whole, near)
            selected = get(image.get_selection(), (box[0] + x, box[1] + y, *box[2:]), "Y u8")
    image.undo_thaw()
    if hole is None:
        raise Failure("The selection is outside of the layer; choose the layer that should be filled.")
    channels = layer.get_bpp() * 8 // depth
    profile = bytes(image.get_effective_color_profile().get_icc_profile())
    files = {"photo": tiff(*box[2:], channels, depth, get(layer, box), profile)}
    files["mask"] = tiff(*box[2:], 1, 8, selected.translate(ANY))
    if borrow:
        there = (box[0] - near[0], box[1] - near[1], *box[2:])
        shown = get(borrow, there, "YA u8")[1::2].translate(HALF)
        files["include"] = tiff(*box[2:], 1, 8, shown)

    Gimp.progress_init("retouch fills the selection")

    def tell(stage: str, fraction: float) -> None:
        Gimp.progress_set_text(stage)
        Gimp.progress_update(fraction)

    found = settings()
    if found["server"]:
        filled = fill_by_server(found["server"], files, options, tell)
    else:
        place = Path(Gimp.temp_directory())
        for left in place.glob("retouch-*"):  # by fills that were cancelled
            if time.time() - left.stat().st_mtime > 24 * 60 * 60:
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="retouch-", dir=place) as folder:
            filled = fill_by_program(found["command"], folder, files, options, tell)
    samples = samples_of(filled)

    image.undo_group_start()
    if config.get_property("in-place"):
        put(layer, layer.get_shadow_buffer(), box, samples)
        with grown(image, grow):
            layer.merge_shadow(True)
        layer.update(*hole)
    else:
        new = Gimp.Layer.new(
            image, f"{layer.get_name()} filled", *box[2:], layer.type(), 100, Gimp.LayerMode.NORMAL
        )
        image.insert_layer(new, layer.get_parent(), image.get_item_position(layer))
        new.set_offsets(box[0] + x, box[1] + y)
        put(new, new.get_buffer(), (0, 0, *box[2:]), samples)
        mask = new.create_mask(Gimp.AddMaskType.BLACK)
        new.add_mask(mask)
        put(mask, mask.get_buffer(), (0, 0, *box[2:]), selected, "Y u8")
        new.resize(*hole[2:], box[0] - hole[0], box[1] - hole[1])
        image.set_selected_layers([layer])  # so that the next fill, too, is one of the photo
    image.undo_group_end()
    Gimp.displays_flush()


def run(procedure: Any, mode: Any, image: Any, drawables: Any, config: Any, data: Any) -> Gimp.ValueArray:
    """What GIMP calls."""
    Gegl.init(None)
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # GIMP's Cancel kills a plug-in's process group, retouch in it
    try:
        if mode == Gimp.RunMode.INTERACTIVE and not dialog(procedure, config):
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        if len(drawables) != 1 or not isinstance(drawables[0], Gimp.Layer) or drawables[0].is_group():
            raise Failure("retouch fills one layer at a time; choose one that is no group.")
        fill(image, drawables[0], config)
    except Failure as failure:
        return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(str(failure)))
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


def dialog(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig) -> bool:
    """Ask for the options; whether the person wants the fill."""
    gi.require_version("GimpUi", "3.0")
    from gi.repository import GimpUi

    GimpUi.init("retouch")
    window = GimpUi.ProcedureDialog.new(procedure, config, "Fill selection with retouch")
    window.fill(None)
    wanted = window.run()
    window.destroy()
    return wanted


class Retouch(Gimp.PlugIn):
    """The plug-in, with one procedure for the menu and for scripts."""

    def do_query_procedures(self) -> list[str]:
        """Its name."""
        return [PROCEDURE]

    def do_set_i18n(self, name: str) -> bool:
        """There is English only."""
        return False

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """Its menu entry and its arguments."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label("_Fill Selection with retouch...")
        procedure.add_menu_path("<Image>/Filters/Enhance")
        procedure.set_documentation("Fill the selection from the rest of the layer", None, name)
        procedure.set_attribution("retouch", "retouch", "2026")
        models, flags = Gimp.Choice.new(), GObject.ParamFlags.READWRITE
        for number, model in enumerate(settings()["models"]):
            models.add(model, number, model, "")
        first = settings()["models"][0]
        procedure.add_choice_argument("model", "_Model", "What fills", models, first, flags)
        procedure.add_int_argument("seed", "Se_ed", "Another seed is another fill", 0, 2**31 - 1, 0, flags)
        procedure.add_int_argument(
            "grow", "_Grow by", "Grow the selection by so many pixels", 0, 500, 0, flags
        )
        text = "Borrow only where this layer shows something; no layer: from everywhere"
        procedure.add_layer_argument("borrow-from", "_Borrow only from", text, True, flags)
        procedure.add_boolean_argument("refine", "Refi_ne", "Refine it with neural-patch", False, flags)
        text = "Change the layer itself instead of adding a new one"
        procedure.add_boolean_argument("in-place", "_In place", text, False, flags)
        return procedure


if __name__ == "__main__":
    Gimp.main(Retouch.__gtype__, sys.argv)
