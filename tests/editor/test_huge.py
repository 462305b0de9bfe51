"""A photo of 100 megapixels."""

import numpy as np
import pytest
from PIL import Image

WIDTH, HEIGHT = 12_000, 8_400


@pytest.mark.slow
def test_a_photo_of_100_megapixels(editor, tmp_path):
    chance = np.random.default_rng(2)
    tile = chance.integers(60, 190, (840, 1200, 3), dtype=np.uint8)
    photo = np.tile(tile, (10, 10, 1))
    photo[4000:4100, 6000:6100] = (230, 20, 30)
    path = tmp_path / "large.jpg"
    Image.fromarray(photo).save(path, quality=90, subsampling=0)
    del photo
    editor.open(path)
    assert editor.page.locator(".status .size").inner_text().startswith("12000 × 8400")
    # From the fitted view to single pixels at the red square.
    at = editor.place(6050, 4050)
    editor.page.mouse.move(*at)
    for _ in range(20):
        editor.page.mouse.wheel(0, -120)
    assert editor.is_red(6050, 4050)
    editor.set_size(200)
    editor.drag((6050, 4050), (6052, 4052))
    editor.fill()
    assert not editor.is_red(6050, 4050)
    # The whole photo inverted is a mask of whole tiles; no canvas ever becomes as large as the photo.
    editor.press("0", "Control+i", "Control+z", "Control+z")
    editor.wait_enabled("Redo")
    largest = editor.page.evaluate(
        "Math.max(...[...document.querySelectorAll('canvas')].map((each) => each.width * each.height))"
    )
    assert largest <= 1200 * 800
