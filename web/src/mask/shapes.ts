// Lasso and rectangle: areas filled by lines of pixels.
import type { Point } from "./strokes";
import { FULL, SIDE, type SparseMask } from "./tiles";

/** Marks (or erases) one run of pixels of a row; right is exclusive. */
function paintRun(mask: SparseMask, y: number, left: number, right: number, value: 0 | 255): void {
  for (let x = left; x < right;) {
    const end = Math.min(right, ((x >> 8) + 1) << 8);
    const key = mask.key(x >> 8, y >> 8);
    const tile = mask.get(key);
    if (value === 0 ? tile !== undefined : tile !== FULL)
      mask.writable(key).fill(value, ((y & 255) << 8) | (x & 255), (((y & 255) << 8) | (x & 255)) + end - x);
    x = end;
  }
}

/** Marks (or erases) the inside of a polygon: every pixel whose middle lies inside, by the even-odd rule. */
export function fillPolygon(mask: SparseMask, points: Point[], value: 0 | 255): void {
  const ys = points.map((point) => point.y);
  const top = Math.max(0, Math.ceil(Math.min(...ys) - 0.5));
  const bottom = Math.min(mask.height - 1, Math.floor(Math.max(...ys) - 0.5));
  for (let y = top; y <= bottom; y++) {
    const middle = y + 0.5;
    const crossings: number[] = [];
    points.forEach((a, index) => {
      const b = points[(index + 1) % points.length];
      if (a.y <= middle === b.y <= middle) return;
      crossings.push(a.x + ((middle - a.y) / (b.y - a.y)) * (b.x - a.x));
    });
    crossings.sort((one, other) => one - other);
    for (let index = 0; index + 1 < crossings.length; index += 2) {
      const left = Math.max(0, Math.ceil(crossings[index] - 0.5));
      const right = Math.min(mask.width, Math.ceil(crossings[index + 1] - 0.5));
      if (right > left) paintRun(mask, y, left, right, value);
    }
  }
}

/** Marks (or erases) a rectangle of whole pixels; right and bottom are exclusive. */
export function fillRectangle(
  mask: SparseMask,
  left: number,
  top: number,
  right: number,
  bottom: number,
  value: 0 | 255,
): void {
  left = Math.max(0, left);
  top = Math.max(0, top);
  right = Math.min(mask.width, right);
  bottom = Math.min(mask.height, bottom);
  for (let y0 = top; y0 < bottom; y0 = ((y0 >> 8) + 1) << 8)
    for (let x0 = left; x0 < right; x0 = ((x0 >> 8) + 1) << 8) {
      const x1 = Math.min(right, ((x0 >> 8) + 1) << 8);
      const y1 = Math.min(bottom, ((y0 >> 8) + 1) << 8);
      if (x1 - x0 === SIDE && y1 - y0 === SIDE) {
        const key = mask.key(x0 >> 8, y0 >> 8);
        if (mask.get(key) !== (value ? FULL : undefined)) mask.set(key, value ? FULL : undefined);
        continue;
      }
      for (let y = y0; y < y1; y++) paintRun(mask, y, x0, x1, value);
    }
}
