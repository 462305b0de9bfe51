// The brush: a round tip drawn along line segments.
import { FULL, SIDE, type SparseMask } from "./tiles";

export interface Point {
  x: number;
  y: number;
}

export interface Tip {
  /** Radius in pixels of the photo. */
  radius: number;
  /** 1 = the whole tip is solid, 0 = it fades from its middle on. */
  hardness: number;
  erase: boolean;
}

/** Marks (or erases) everything within the tip's radius of the segment a–b. */
export function paintSegment(mask: SparseMask, a: Point, b: Point, tip: Tip): void {
  // Half a pixel of softness at the least, so that hard edges are smooth.
  const outer = tip.radius + 0.5;
  const inner = Math.min(tip.radius * tip.hardness, tip.radius - 0.5);
  const left = Math.max(0, Math.floor(Math.min(a.x, b.x) - outer));
  const right = Math.min(mask.width - 1, Math.ceil(Math.max(a.x, b.x) + outer));
  const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - outer));
  const bottom = Math.min(mask.height - 1, Math.ceil(Math.max(a.y, b.y) + outer));
  for (let row = top >> 8; row <= bottom >> 8; row++)
    for (let column = left >> 8; column <= right >> 8; column++) {
      const key = mask.key(column, row);
      const tile = mask.get(key);
      if (tip.erase ? !tile : tile === FULL) continue;
      if (!reaches(a, b, outer, column * SIDE, row * SIDE)) continue;
      paintTile(
        mask.writable(key),
        [Math.max(left, column * SIDE), Math.min(right, column * SIDE + SIDE - 1)],
        [Math.max(top, row * SIDE), Math.min(bottom, row * SIDE + SIDE - 1)],
        a,
        b,
        inner,
        outer,
        tip.erase,
      );
    }
}

function paintTile(
  tile: Uint8Array,
  [left, right]: [number, number],
  [top, bottom]: [number, number],
  a: Point,
  b: Point,
  inner: number,
  outer: number,
  erase: boolean,
): void {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const solid = inner > 0 ? inner * inner : -1;
  for (let y = top; y <= bottom; y++) {
    const py = y + 0.5 - a.y;
    for (let x = left, at = ((y & 255) << 8) | (left & 255); x <= right; x++, at++) {
      const px = x + 0.5 - a.x;
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const ex = px - along * dx;
      const ey = py - along * dy;
      const square = ex * ex + ey * ey;
      if (square >= outer * outer) continue;
      const value = square <= solid ? 255 : Math.round((255 * (outer - Math.sqrt(square))) / (outer - inner));
      const capped = Math.min(255, value);
      if (erase) tile[at] = Math.min(tile[at], 255 - capped);
      else tile[at] = Math.max(tile[at], capped);
    }
  }
}

/** Whether the segment comes near the tile at all; long slanting strokes have large empty boxes. */
function reaches(a: Point, b: Point, outer: number, x0: number, y0: number): boolean {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = Math.hypot(dx, dy);
  if (length === 0) return true;
  const half = SIDE / 2;
  const away = Math.abs((x0 + half - a.x) * dy - (y0 + half - a.y) * dx) / length;
  return away <= outer + half * Math.SQRT2;
}
