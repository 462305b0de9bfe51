// Tiles as runs of equal values, for the history: a stroke's tile shrinks from 64 kB to a few hundred bytes.
import { AREA, FULL, type Tile } from "./tiles";

export type Runs = Uint8Array | typeof FULL_RUNS | null;
const FULL_RUNS = "full";

/** Pairs of (length − 1, value); lengths up to 256. */
export function pack(tile: Tile | undefined): Runs {
  if (!tile) return null;
  if (tile === FULL) return FULL_RUNS;
  const runs: number[] = [];
  for (let at = 0; at < AREA;) {
    const value = tile[at];
    let length = 1;
    while (length < 256 && at + length < AREA && tile[at + length] === value) length++;
    runs.push(length - 1, value);
    at += length;
  }
  return runs.length < AREA ? Uint8Array.from(runs) : tile;
}

export function unpack(runs: Runs): Tile | undefined {
  if (runs === null) return undefined;
  if (runs === FULL_RUNS) return FULL;
  if (runs.length === AREA) return runs;
  const tile = new Uint8Array(AREA);
  for (let index = 0, at = 0; index < runs.length; index += 2) {
    const length = runs[index] + 1;
    tile.fill(runs[index + 1], at, at + length);
    at += length;
  }
  return tile;
}
