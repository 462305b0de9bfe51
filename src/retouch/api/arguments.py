"""The arguments of ``fill`` and ``inpaint``, written once: their types, meanings and defaults.

The command line, the server and batches take names and defaults from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, cast

from retouch.errors import RetouchError

if TYPE_CHECKING:
    from retouch.contract import Model, Progress
    from retouch.pictures import Picture

Function = TypeVar("Function", bound=Callable[..., Any])
_WHOLE = {"seed", "dilate", "close", "working_size", "patch", "frame"}


class InpaintArguments(TypedDict, total=False):
    """The keyword arguments of :func:`retouch.inpaint`.

    Attributes:
        model: a name from :func:`retouch.list_models`, a weights file of your own, or a model that
            :func:`retouch.load` returned.
        refine: refine the model's fill with neural-patch; see docs/models/neural-patch.md.
        options: options of a model given by name (of neural-patch, if that refines it); see
            :func:`retouch.load`.
        device: where a model given by name or file runs; see :func:`retouch.load`.
        seed: the same seed gives the same fill on the same device.
        dilate: grow the hole by this many pixels, for a mask that was drawn too tight.
        close: add islands to the hole: known pixels that the hole encloses, such as gaps between strokes, if
            none of them is more than this many pixels from the hole. The outline of the hole stays as it is.
            It comes after ``dilate``. The result's ``notes`` say when small islands remain.
        invert_mask: fill what the mask keeps: what is black, or transparent.
        mask_from: what of the mask says where to fill: its opaque pixels ("alpha"), its transparent ones
            ("inverted-alpha"), or its brightness or class numbers ("luminance"). "auto" tells it by content,
            and refuses what could be either.
        resize_mask: resize masks of another size, but of the same aspect ratio, to the picture's size instead
            of refusing them.
        trust_mask: accept masks that look like a photo (they are in colour or have many shades of grey), and
            a mask that covers more than 90 % of the picture. They are refused otherwise. Islands that strokes
            left are not pointed out then.
        include: a picture; white = may be borrowed from, black = may not. None = all of the known area.
        avoid: a picture; white = may not be borrowed from, whether included or not. None = avoid nothing.
            Models that match patches respect both. Other models invent colours; for those only the detail
            added by upsampling is borrowed.
        lines: a picture; white = lines that go on through the hole, such as cables, rails or a horizon:
            strokes of 5 to 15 pixels, drawn through the hole and on both sides of it, where the line can be
            seen. The hole is filled along them first, from lines. Only exemplar follows them. None = no
            lines.
        references: other photos of the same place, pictures of any type or folders of them. What they show
            fills the hole, and the model fills the rest; see docs/references.md. A dict names the
            pictures; ``notes`` call them so.
        references_only: fill nothing that no reference shows; the result's ``notes`` say how much is left.
        any_light: also trust references of another hour or season by their structure alone.
        working_size: a hole whose window is longer than this many pixels is filled at a lower resolution,
            then gets its detail from the photo. None = what suits the model.
        upsampling: how that detail is made: "network" corrects the photo's residual with a network,
            "residual" takes it as it is; "auto" uses the network up to a factor of 4, for models that are
            networks.
        wrap: edges of the picture that meet, so that a fill continues across them: "horizontal" (left and
            right, as in a full sphere), "both" (a texture that tiles), or "none". "auto" is horizontal for
            photos whose XMP says that they are equirectangular and go around.
        confidence: judge the fill of a model that has no confidence of its own with a small network.
        in_place: change the :class:`retouch.imaging.Photo` that was handed over instead of a copy, which
            saves time and memory for very large photos. Pictures of any other type are never changed.
        on_progress: called with a :class:`retouch.contract.Progress` as the work goes on; it may raise
            :class:`retouch.contract.Stop`.
        output: only for a path: the file to write, or a folder (one that exists, or text that ends in a
            slash). None = the photo's folder. In a folder, the file is called ``<stem>-filled<ext>``.
        overwrite: replace ``output`` if it exists.
        allow_huge: read files with more pixels than the safety limit.
        record: say what was done: in the history of the file's XMP and as its Digital Source Type, in the
            result's ``record``, and for a path in a file beside the result (docs/record.md). What a trained
            network filled says so in its file in any case.
        sign: the files of a certificate and of its private key (PEM): sign the file that is written as an
            edit of the one that was read (C2PA). It implies ``record`` but for the file beside the result.
        tsa: the URL of an authority that adds the time to the signature.
    """

    model: str | Path | Model
    refine: bool
    options: Mapping[str, Any] | None
    device: str
    seed: int
    dilate: int
    close: int
    invert_mask: bool
    mask_from: Literal["auto", "alpha", "inverted-alpha", "luminance"]
    resize_mask: bool
    trust_mask: bool
    include: Picture | None
    avoid: Picture | None
    lines: Picture | None
    references: Sequence[Picture] | Mapping[str, Picture] | None
    references_only: bool
    any_light: bool
    working_size: int | None
    upsampling: Literal["auto", "network", "residual"]
    wrap: Literal["auto", "none", "horizontal", "both"]
    confidence: bool
    in_place: bool
    on_progress: Callable[[Progress], None] | None
    output: str | Path | None
    overwrite: bool
    allow_huge: bool
    record: bool
    sign: tuple[str | Path, str | Path] | None
    tsa: str | None


class FillArguments(InpaintArguments, total=False):
    """The keyword arguments of :func:`retouch.fill`: those of :class:`InpaintArguments`, and one more.

    Attributes:
        trace: keep where each pixel came from, for the result's ``correspondence``, ``levels`` and
            ``draw_sources``. False saves the time and the memory.
    """

    trace: bool


DEFAULTS: FillArguments = {
    "model": "auto",
    "refine": False,
    "options": None,
    "device": "auto",
    "seed": 0,
    "dilate": 0,
    "close": 0,
    "invert_mask": False,
    "mask_from": "auto",
    "resize_mask": False,
    "trust_mask": False,
    "include": None,
    "avoid": None,
    "lines": None,
    "references": None,
    "references_only": False,
    "any_light": False,
    "working_size": None,
    "upsampling": "auto",
    "wrap": "auto",
    "confidence": False,
    "in_place": False,
    "on_progress": None,
    "output": None,
    "overwrite": False,
    "allow_huge": False,
    "record": False,
    "sign": None,
    "tsa": None,
    "trace": True,
}
"""The value of each argument that is not given."""


Given = TypeVar("Given", bound=Mapping[str, Any])


def completed(given: Given, defaults: Given) -> Given:
    """Add the value of each argument that is not given, and make whole numbers of any kind Python's own.

    Raises:
        TypeError: there is no such argument.
        RetouchError: a number is no whole number.
    """
    unknown = [name for name in given if name not in defaults]
    if unknown:
        raise TypeError(f"there is no argument {unknown[0]!r}; the arguments are {', '.join(defaults)}")
    found: dict[str, Any] = {**defaults, **given}
    for name in _WHOLE & found.keys():
        value = found[name]
        if value is None and defaults[name] is None:
            continue
        # numpy's numbers overflow where Python's do not; True is one by mistake only.
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise RetouchError(f"{name}= takes a whole number, not {value!r}.")
        found[name] = int(value)
    return cast(Given, found)


def shows(arguments: type[Any], defaults: Mapping[str, Any]) -> Callable[[Function], Function]:
    """Let ``help()`` and ``inspect.signature`` of a function show the arguments behind its ``**given``.

    Args:
        arguments: the typed dictionary of the function's keyword arguments.
        defaults: their values, by name.
    """

    def decorate(function: Function) -> Function:
        declared = signature(function)
        first = [each for each in declared.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
        named = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=defaults[name],
                annotation=getattr(kind, "__forward_arg__", kind),
            )
            for name, kind in arguments.__annotations__.items()
        ]
        function.__signature__ = Signature(  # type: ignore[attr-defined] # functions take any attribute
            [*first, *named], return_annotation=declared.return_annotation
        )
        return function

    return decorate
