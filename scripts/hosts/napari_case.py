"""What the widget must do, tried in napari; scripts/hosts/napari.sh runs it."""

import sys
import time
from pathlib import Path

import napari
import numpy as np
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QApplication

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def wait(done):
    """Let napari work until something is so."""
    end = time.monotonic() + 30
    while not done() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.05)
    assert done()


viewer = napari.Viewer(show=True)
viewer.open(EXAMPLES / "photo.jpg", name="photo")
photo = viewer.layers["photo"].data
labels = np.zeros(photo.shape[:2], np.uint8)
labels[560:930, 1400:1570] = 1
viewer.add_labels(labels, name="holes")
dock, widget = viewer.window.add_plugin_dock_widget("retouch", "Fill holes")
assert widget.model.choices[0] == "exemplar"
widget()
wait(lambda: "photo filled" in viewer.layers)
filled = viewer.layers["photo filled"]
assert np.array_equal(filled.data[labels == 0], photo[labels == 0])
assert (filled.data[labels == 1] != photo[labels == 1]).any()
assert filled.rgb

stack = np.random.default_rng(0).random((3, 80, 100)).astype(np.float32)
holes = np.zeros(stack.shape, np.uint8)
holes[1, 30:40, 30:50] = 5
volume = viewer.add_image(stack, name="stack", scale=(2, 1, 1), colormap="magma")
widget.reset_choices()
widget.image.value, widget.holes.value = volume, viewer.add_labels(holes, name="in the stack")
widget.model.value = "telea"
widget()
wait(lambda: "stack filled" in viewer.layers)
filled = viewer.layers["stack filled"]
assert tuple(filled.scale) == (2, 1, 1)
assert filled.colormap.name == "magma"
assert np.array_equal(filled.data[holes == 0], stack[holes == 0])
for name in ("stack filled", "stack", "in the stack"):
    viewer.layers.remove(name)

widget.image.value, widget.holes.value = viewer.layers["photo"], viewer.add_labels(labels[:50], name="small")
with notification_manager:  # as napari.run() does
    widget()
    told = notification_manager.records
    wait(lambda: any("labels of the image's shape" in str(each.message) for each in told))
viewer.layers.remove("small")
viewer.layers["holes"].visible = False
viewer.window.resize(1200, 800)
wait(lambda: True)
viewer.screenshot(sys.argv[1], canvas_only=False)
print(f"napari {napari.__version__}: all right")
viewer.close()
