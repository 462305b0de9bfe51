"""retouch in other programs. docs/integrations.md is for users.

``gimp/``, ``darktable/`` and ``comfyui/`` hold what those programs run, in their own Python or Lua;
:mod:`retouch.integrations.installing` puts it where they look. :mod:`retouch.integrations.napari` is found by
napari itself.
"""
