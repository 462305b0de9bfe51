"""What the GIMP plug-in must do, tried in GIMP's own batch interpreter; scripts/hosts/gimp.sh runs it."""

import math
import os
import signal
import threading
import time
from array import array
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
from gi.repository import Babl, Gegl, Gimp  # noqa: E402

WIDTH, HEIGHT = 300, 200
HOLE = (120, 80, 40, 30)
RGB, GREY = Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY
P, T = Gimp.Precision, Gimp.ImageType
DONE, REFUSED = Gimp.PDBStatusType.SUCCESS, Gimp.PDBStatusType.EXECUTION_ERROR
SELECTED = (HOLE[0], HOLE[1], HOLE[0] + HOLE[2], HOLE[1] + HOLE[3])
failures = 0


def check(name, right):
    """Say whether one thing is right."""
    global failures
    failures += not right
    print("right" if right else "WRONG", name, flush=True)


def read(drawable):
    """All samples of a drawable, as they are."""
    whole = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return bytes(drawable.get_buffer().get(whole, 1.0, None, Gegl.AbyssPolicy.NONE))


def picture(base, precision, kind, profile=None):
    """An image with a layer full of stripes on a slope; alpha has a slope, too."""
    image = Gimp.Image.new_with_precision(WIDTH, HEIGHT, base, precision)
    if profile is not None:
        image.set_color_profile(profile)
    layer = Gimp.Layer.new(image, "photo", WIDTH, HEIGHT, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    depth = 8 if precision // 100 == 1 else 16
    channels = layer.get_bpp() * 8 // depth
    samples = array("B" if depth == 8 else "H")
    for row in range(HEIGHT):
        for column in range(WIDTH):
            for channel in range(channels):
                wave = 0.5 + 0.3 * math.sin(column / (3 + channel)) + 0.2 * row / HEIGHT
                samples.append(round(wave * (2**depth - 1)))
    buffer = layer.get_buffer()
    whole = Gegl.Rectangle.new(0, 0, WIDTH, HEIGHT)
    buffer.set(whole, Babl.get_name(layer.get_format()), samples.tobytes())
    buffer.flush()
    layer.update(0, 0, WIDTH, HEIGHT)
    return image, layer


def call(image, layers, mode=Gimp.RunMode.NONINTERACTIVE, **given):
    """Run the plug-in; returns the status, and what it said."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-retouch-fill-selection")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_property("run-mode", mode)
    config.set_core_object_array("drawables", layers)
    for name, value in given.items():
        config.set_property(name.replace("_", "-"), value)
    result = procedure.run(config)
    return result.index(0), str(result.index(1)) if result.length() > 1 else ""


def changed(before, after, size):
    """The rows and columns that differ, as a box, and how many pixels."""
    found = [
        at // size for at in range(0, len(before), size) if before[at : at + size] != after[at : at + size]
    ]
    rows, columns = [at // WIDTH for at in found], [at % WIDTH for at in found]
    return (min(columns), min(rows), max(columns), max(rows), len(found)) if found else None


def inside(box, grow=0):
    """Whether what changed lies in the hole, or so many pixels around it."""
    x, y, width, height = HOLE
    return (
        bool(box)
        and box[0] >= x - grow
        and box[1] >= y - grow
        and box[2] < x + width + grow
        and box[3] < y + height + grow
    )


def select(image, feather=0):
    """Select the hole."""
    Gimp.context_set_feather(bool(feather))
    if feather:
        Gimp.context_set_feather_radius(feather, feather)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *HOLE)
    Gimp.context_set_feather(False)


def every_kind():
    """8 and 16 bits, colour and grey, with alpha and without, every encoding, another profile."""
    adobe = Gimp.ColorProfile.new_rgb_adobe()
    kinds = [
        ("8 bit RGB", RGB, P.U8_NON_LINEAR, T.RGB_IMAGE, None),
        ("8 bit RGBA", RGB, P.U8_NON_LINEAR, T.RGBA_IMAGE, None),
        ("8 bit grey", GREY, P.U8_NON_LINEAR, T.GRAY_IMAGE, None),
        ("8 bit grey with alpha", GREY, P.U8_NON_LINEAR, T.GRAYA_IMAGE, None),
        ("16 bit RGB", RGB, P.U16_NON_LINEAR, T.RGB_IMAGE, None),
        ("16 bit RGBA", RGB, P.U16_NON_LINEAR, T.RGBA_IMAGE, None),
        ("16 bit grey", GREY, P.U16_NON_LINEAR, T.GRAY_IMAGE, None),
        ("16 bit grey with alpha", GREY, P.U16_NON_LINEAR, T.GRAYA_IMAGE, None),
        ("16 bit RGB, linear", RGB, P.U16_LINEAR, T.RGB_IMAGE, None),
        ("8 bit RGB, perceptual", RGB, P.U8_PERCEPTUAL, T.RGB_IMAGE, None),
        ("16 bit Adobe RGB", RGB, P.U16_NON_LINEAR, T.RGB_IMAGE, adobe),
        ("16 bit Adobe RGB, linear, with alpha", RGB, P.U16_LINEAR, T.RGBA_IMAGE, adobe),
    ]
    fills = {}
    for name, base, precision, kind, profile in kinds:
        for in_place in (False, True):
            image, layer = picture(base, precision, kind, profile)
            before, size = read(layer), layer.get_bpp()
            select(image)
            status, said = call(image, [layer], model="telea", in_place=in_place)
            where = f"{name}, {'in place' if in_place else 'new layer'}"
            check(
                f"{where}: done {said}",
                status == DONE,
            )
            after = read(layer)
            if in_place:
                box = changed(before, after, size)
                check(
                    f"{where}: only the selection changed {box}",
                    inside(box) and box[4] > 0.9 * HOLE[2] * HOLE[3],
                )
                check(f"{where}: one layer", len(image.get_layers()) == 1)
            else:
                check(f"{where}: the photo is untouched", after == before)
                new = image.get_layers()[0]
                place = (*new.get_offsets()[1:], new.get_width(), new.get_height())
                check(f"{where}: the new layer lies on the hole {place}", place == HOLE)
                check(f"{where}: its mask shows all of it", set(read(new.get_mask())) == {255})
                check(f"{where}: it has the same kind", new.type() == layer.type() and new.get_bpp() == size)
                x, y, width, height = HOLE
                rows = [before[((y + row) * WIDTH + x) * size :][: width * size] for row in range(height)]
                check(f"{where}: it is filled", read(new) != b"".join(rows))
                fills[name] = read(new)
            check(
                f"{where}: the selection is as it was",
                Gimp.Selection.bounds(image)[2:] == SELECTED,
            )
            check(f"{where}: no channel is left", not image.get_channels())
            image.delete()
    # retouch fills numbers, whatever they mean, so a detour through another colour space would show.
    check(
        "the numbers are those of retouch",
        fills["16 bit RGB"] == fills["16 bit Adobe RGB"] == fills["16 bit RGB, linear"],
    )


def options():
    """Grow, feather, borrow, seeds, repeat."""
    image, layer = picture(RGB, P.U16_NON_LINEAR, T.RGB_IMAGE)
    before = read(layer)
    select(image)
    call(image, [layer], model="telea", grow=5, in_place=True)
    box = changed(before, read(layer), 6)
    check(f"grow: five pixels more {box}", inside(box, 5) and not inside(box))
    check("grow: the selection is as it was", Gimp.Selection.bounds(image)[2:] == SELECTED)
    check(
        "grow: the layer is still chosen, no channel is left",
        image.get_selected_layers() == [layer] and not image.get_channels(),
    )

    select(image, feather=10)
    call(image, [layer], model="telea")
    mask = read(image.get_layers()[0].get_mask())
    check("feather: the mask is soft", len(set(mask)) > 20)
    image.delete()

    image, layer = picture(RGB, P.U8_NON_LINEAR, T.RGBA_IMAGE)
    green = Gimp.Layer.new(image, "green", 60, 60, T.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(green, None, 0)
    green.set_offsets(10, 10)
    green.fill(Gimp.FillType.FOREGROUND)
    select(image)
    fills = []
    for given in ({}, {"borrow_from": green}, {"seed": 3}, {"seed": 3}):
        status, said = call(image, [layer], model="exemplar", **given)
        check(f"exemplar {sorted(given)} {said}", status == DONE)
        new = image.get_layers()[1]
        fills.append(read(new))
        image.remove_layer(new)
    check("borrow: another fill than from everywhere", fills[0] != fills[1])
    check("seed: another fill; the same seed, the same fill", fills[0] != fills[2] == fills[3])
    status, said = call(image, [layer], Gimp.RunMode.WITH_LAST_VALS)
    check(f"repeats {said}", status == DONE)
    image.delete()

    image, layer = picture(RGB, P.U8_NON_LINEAR, T.RGB_IMAGE)
    layer.set_offsets(-100, 50)
    before = read(layer)
    select(image)
    call(image, [layer], model="telea", in_place=True)
    box = changed(before, read(layer), 3)
    check(f"a layer that lies elsewhere {box}", box is not None and box[:4] == (220, 30, 259, 59))
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    call(image, [layer], model="telea")
    names = [each.get_name() for each in group.get_children()]
    check(f"a layer in a group: the fill is there, too {names}", names == ["photo filled", "photo"])
    image.delete()


def refused():
    """What cannot be filled is said, and changes nothing."""
    image, layer = picture(RGB, P.U8_NON_LINEAR, T.RGB_IMAGE)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    for name, prepare, layers, words in (
        ("nothing selected", lambda: Gimp.Selection.none(image), [layer], "Nothing is selected"),
        (
            "beside the layer",
            lambda: (select(image), layer.set_offsets(1000, 0)),
            [layer],
            "outside of the layer",
        ),
        (
            "everything selected",
            lambda: (layer.set_offsets(0, 0), Gimp.Selection.all(image)),
            [layer],
            "covers the whole",
        ),
        ("a group", lambda: select(image), [group], "one layer"),
        ("two layers", lambda: select(image), [layer, group], "one layer"),
        ("a mask", lambda: select(image), [image.get_selection()], "one layer"),
    ):
        prepare()
        status, said = call(image, layers, model="telea")
        check(f"refused: {name}: {said}", status == REFUSED and words in said)
    image.delete()
    for precision in (P.FLOAT_LINEAR, P.U32_NON_LINEAR, P.HALF_NON_LINEAR):
        image = Gimp.Image.new_with_precision(50, 50, RGB, precision)
        layer = Gimp.Layer.new(image, "photo", 50, 50, T.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, None, 0)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 10, 10)
        status, said = call(image, [layer])
        check(f"refused: {said}", status == REFUSED and "16 bit integer" in said)
        image.delete()


def running(word):
    """The processes with a word in their command line."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if word in words:
            found[int(path.parent.name)] = words
    return found


def cancelled():
    """Cancel kills the plug-in's group, as GIMP does it; retouch ends, and nothing has changed."""
    image, layer = picture(RGB, P.U8_NON_LINEAR, T.RGB_IMAGE)
    before = read(layer)
    select(image)
    seen = []

    def kill():
        deadline = time.monotonic() + 60
        while not (mine := running(b"--progress")) and time.monotonic() < deadline:
            time.sleep(0.02)
        seen.extend(mine)
        for process in mine:
            os.killpg(os.getpgid(process), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    status, _ = call(image, [layer], model="exemplar")
    thread.join()
    time.sleep(0.5)
    check("cancel: retouch was at work", bool(seen))
    check("cancel: it is no longer", not running(b"--progress"))
    check("cancel: no success", status != DONE)
    check("cancel: nothing has changed", read(layer) == before and len(image.get_layers()) == 1)
    image.delete()


Gegl.init(None)
print(f"GIMP {Gimp.MAJOR_VERSION}.{Gimp.MINOR_VERSION}.{Gimp.MICRO_VERSION}")
for each in os.environ.get("RETOUCH_CASES", "every_kind options refused cancelled").split():
    globals()[each]()
print(f"{failures} wrong" if failures else "all right")
