"""Open the GIMP plug-in's dialogue on the photo that GIMP shows; scripts/hosts/gimp.sh takes a picture."""

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

(image,) = Gimp.get_images()
width, height = image.get_width(), image.get_height()
image.select_ellipse(Gimp.ChannelOps.REPLACE, 0.68 * width, 0.36 * height, 0.125 * width, 0.4 * height)
Gimp.displays_flush()
config = Gimp.get_pdb().lookup_procedure("plug-in-retouch-fill-selection").create_config()
config.set_property("image", image)
config.set_property("run-mode", Gimp.RunMode.INTERACTIVE)
config.set_core_object_array("drawables", image.get_layers())
print(config.get_procedure().run(config).index(0), flush=True)
