"""The compiled part. Without a compiler the installation goes on, and torch does its work."""

import sys
from pathlib import Path

from setuptools import Extension, setup

PARTS = ("module", "search", "paint", "layout", "assemble")
FLAGS = (
    ["/std:c++17", "/O2"] if sys.platform == "win32" else ["-std=c++17", "-O3", "-ffp-contract=off", "-g0"]
)

setup(
    ext_modules=[
        Extension(
            "retouch.native._native",
            [f"src/retouch/native/{name}.cpp" for name in PARTS],
            depends=[str(each) for each in sorted(Path("src/retouch/native").glob("*.h"))],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            extra_compile_args=FLAGS,
            extra_link_args=[] if sys.platform == "win32" else ["-pthread"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
