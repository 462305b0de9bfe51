"""A small result with everything that can go wrong in it."""

import numpy as np

from retouch.evaluation.pictures import fill_path, keep, mask_path, truth_path
from retouch.evaluation.statistics import summarise

NASTY = "a</script>|*<b>é\"'/%?#&.."
"""A photo's name that is dangerous for HTML, Markdown, addresses and file systems alike."""
MODELS = ["telea", "exemplar", "other"]
MASKS = ["center", "strokes"]


def row(photo, masks, model, metrics, **more):
    size = {"height": 24, "width": 32, "hole": 0.25}
    base = {"photo": photo, "masks": masks, "model": model, **size, "changed": 0}
    return base | {"seconds": 0.5, "peak_mb": 80.0, "error": None, "metrics": metrics} | more


def sample():
    """A result of three photos, two kinds of masks, three models; l1 is photo + kind + model."""
    rows = [
        row(photo, masks, model, {"l1_hole": 10.0 * i + 3 * k + m, "psnr_image": 20.0 + m - k})
        for i, photo in enumerate(["one", "two", NASTY])
        for k, masks in enumerate(MASKS)
        for m, model in enumerate(MODELS)
    ]
    rows[2]["metrics"] = {"l1_hole": float("nan"), "psnr_image": float("inf")}
    rows[4]["metrics"] = {"psnr_image": 21.0}
    rows[5]["changed"] = 7
    rows[7].update(metrics={}, error="The fill <i>is</i> 3 × 3 pixels.", seconds=None, peak_mb=None)
    finite = [
        each | {"metrics": {key: value for key, value in each["metrics"].items() if np.isfinite(value)}}
        for each in rows
    ]
    summary = summarise(finite, MODELS, MASKS)
    for found in (found for entry in summary for found in entry["metrics"].values()):
        # Three photos have no interval of their own.
        found.update(low=found["difference"], high=found["difference"])
    for place, entry in enumerate(summary):
        entry["set"] = {"frechet_vgg": float(place)} if place else {"frechet_vgg": float("nan")}
    return {
        "retouch": "0.1.0",
        "command": "retouch evaluate --data '</script>'",
        "data": "photos & <masks>",
        "protocol": None,
        "date": "2025-01-01T00:00:00+00:00",
        "machine": {"threads": 1, "torch": "2"},
        "models": MODELS,
        "masks": MASKS,
        "summary": summary,
        "published": [{"label": "PEN-Net, paper", "masks": "center", "metrics": {"ms_ssim_image": 0.78}}],
        "rows": rows,
    }


def keep_pictures(result, folder):
    """Small pictures for every row but the last, of which the fill is missing."""
    random = np.random.default_rng(0)
    for each in result["rows"]:
        truth = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        hole = np.zeros((24, 32), bool)
        hole[6:18, 8:24] = True
        keep(truth, folder / truth_path(each["photo"]))
        keep(hole, folder / mask_path(each["masks"], each["photo"]))
        if each is not result["rows"][-1]:
            keep(truth, folder / fill_path(each["model"], each["masks"], each["photo"]))
