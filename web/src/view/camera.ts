// Where the photo is on the screen. `scale` is device pixels for one pixel of the photo: 1 is what users call 100 %.
import type { Point } from "../mask/strokes";

export const LARGEST_SCALE = 32;
/** Part of the view that a fitted photo leaves free at each side, in CSS pixels. */
const BORDER = 24;

export interface Camera {
  scale: number;
  /** Photo coordinates of the view's middle. */
  x: number;
  y: number;
}

export interface View {
  /** Size in CSS pixels. */
  width: number;
  height: number;
  /** Device pixels for one CSS pixel. */
  ratio: number;
}

export function fitting(view: View, width: number, height: number): Camera {
  const border = Math.min(BORDER, view.width / 20);
  const scale = Math.min(
    ((view.width - 2 * border) * view.ratio) / width,
    ((view.height - 2 * border) * view.ratio) / height,
    // A tiny photo is shown large enough to paint on, but not as a few huge squares.
    8,
  );
  return { scale: Math.max(scale, 1e-4), x: width / 2, y: height / 2 };
}

/** CSS pixels in the view → pixels of the photo. */
export function toPhoto(camera: Camera, view: View, at: Point): Point {
  const factor = view.ratio / camera.scale;
  return { x: camera.x + (at.x - view.width / 2) * factor, y: camera.y + (at.y - view.height / 2) * factor };
}

/** Pixels of the photo → CSS pixels in the view. */
export function toView(camera: Camera, view: View, at: Point): Point {
  const factor = camera.scale / view.ratio;
  return { x: (at.x - camera.x) * factor + view.width / 2, y: (at.y - camera.y) * factor + view.height / 2 };
}

/** Zooms by a factor; what is at this place of the view stays there. */
export function zoomAt(camera: Camera, view: View, at: Point, factor: number, smallest: number): Camera {
  const scale = Math.min(LARGEST_SCALE, Math.max(smallest, camera.scale * factor));
  const fixed = toPhoto(camera, view, at);
  const step = view.ratio / scale;
  return {
    scale,
    x: fixed.x - (at.x - view.width / 2) * step,
    y: fixed.y - (at.y - view.height / 2) * step,
  };
}

/** Moves by CSS pixels, and keeps at least a corner of the photo in the view. */
export function pan(
  camera: Camera,
  view: View,
  dx: number,
  dy: number,
  width: number,
  height: number,
): Camera {
  const factor = view.ratio / camera.scale;
  const halfX = (view.width / 2 - BORDER) * factor;
  const halfY = (view.height / 2 - BORDER) * factor;
  return {
    scale: camera.scale,
    x: Math.min(width + halfX, Math.max(-halfX, camera.x - dx * factor)),
    y: Math.min(height + halfY, Math.max(-halfY, camera.y - dy * factor)),
  };
}
