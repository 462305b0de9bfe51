// Grow, shrink, feather and invert, tile by tile: each reads a margin around its tile, so no large array is made.
import { squaredDistances } from "./distance";
import { AREA, FULL, SIDE, type SparseMask, type Tile } from "./tiles";

/** How far `grow`, `shrink` and `feather` reach at most, in pixels. */
export const MOST = 200;

type Window = (values: Uint8Array, side: number, margin: number) => Tile;

/** Grows the mask by a radius in pixels. Edges become crisp; feather afterwards. */
export function grow(mask: SparseMask, radius: number): void {
  filter(mask, Math.ceil(radius) + 1, (values, side, margin) =>
    byDistance(values, side, margin, radius, false),
  );
}

/** Shrinks the mask by a radius in pixels. What is at the photo's edge stays there. */
export function shrink(mask: SparseMask, radius: number): void {
  filter(mask, Math.ceil(radius) + 1, (values, side, margin) =>
    byDistance(values, side, margin, radius, true),
  );
}

/** Softens the mask's edges: three box filters in a row, close to a Gaussian of sigma = radius / 2. */
export function feather(mask: SparseMask, radius: number): void {
  const half = Math.max(1, Math.round(radius / 2));
  filter(mask, 3 * half, (values, side, margin) => {
    let current = Float32Array.from(values);
    for (let pass = 0; pass < 3; pass++) current = boxFilter(current, side, half);
    const tile = new Uint8Array(AREA);
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        tile[(y << 8) | x] = Math.round(current[(y + margin) * side + x + margin]);
    return tile;
  });
}

export function invert(mask: SparseMask): void {
  for (let row = 0; row < mask.rows; row++)
    for (let column = 0; column < mask.columns; column++) {
      const key = mask.key(column, row);
      const tile = mask.get(key);
      if (!tile || tile === FULL) mask.set(key, tile ? undefined : FULL);
      else
        mask.set(
          key,
          tile.map((value) => 255 - value),
        );
    }
}

function byDistance(values: Uint8Array, side: number, margin: number, radius: number, inward: boolean): Tile {
  const inside = values.map((value) => (value >= 128 !== inward ? 1 : 0));
  const squares = squaredDistances(inside, side, side);
  const tile = new Uint8Array(AREA);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const away = Math.sqrt(squares[(y + margin) * side + x + margin]);
      const covered = 255 * Math.min(1, Math.max(0, radius + 1 - away));
      tile[(y << 8) | x] = Math.round(inward ? 255 - covered : covered);
    }
  return tile;
}

function boxFilter(values: Float32Array, side: number, half: number): Float32Array<ArrayBuffer> {
  const across = lines(values, side, half, side, 1);
  return lines(across, side, half, 1, side);
}

function lines(
  values: Float32Array,
  side: number,
  half: number,
  next: number,
  step: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  for (let line = 0; line < side; line++) {
    const start = line * next;
    const at = (index: number): number => values[start + Math.min(side - 1, Math.max(0, index)) * step];
    let sum = 0;
    for (let index = -half; index <= half; index++) sum += at(index);
    for (let index = 0; index < side; index++) {
      result[start + index * step] = sum / (2 * half + 1);
      sum += at(index + half + 1) - at(index - half);
    }
  }
  return result;
}

/** Replaces each tile near marks by what `make` says of the tile and a margin around it. */
function filter(mask: SparseMask, margin: number, make: Window): void {
  const reach = Math.ceil(margin / SIDE);
  const todo = new Set<number>();
  for (const [key] of mask.entries())
    for (let row = -reach; row <= reach; row++)
      for (let column = -reach; column <= reach; column++) {
        const c = (key % mask.columns) + column;
        const r = Math.floor(key / mask.columns) + row;
        if (c >= 0 && r >= 0 && c < mask.columns && r < mask.rows) todo.add(mask.key(c, r));
      }
  const side = SIDE + 2 * margin;
  const results: [number, Tile][] = [];
  for (const key of todo) {
    const values = around(mask, key, margin);
    if (values.every((value) => value === values[0])) continue;
    results.push([key, make(values, side, margin)]);
  }
  for (const [key, tile] of results) mask.set(key, tile);
}

/** A tile with a margin; beyond the photo's edge the edge is repeated, so that edges are no borders. */
function around(mask: SparseMask, key: number, margin: number): Uint8Array {
  const side = SIDE + 2 * margin;
  const values = new Uint8Array(side * side);
  const x0 = (key % mask.columns) * SIDE - margin;
  const y0 = Math.floor(key / mask.columns) * SIDE - margin;
  for (let y = 0; y < side; y++) {
    const py = Math.min(mask.height - 1, Math.max(0, y0 + y));
    for (let x = 0; x < side; x++)
      values[y * side + x] = mask.at(Math.min(mask.width - 1, Math.max(0, x0 + x)), py);
  }
  return values;
}
