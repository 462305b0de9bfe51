// A mask of any size as sparse tiles: only tiles with marks exist, and one that is marked all over costs nothing.

export const SIDE = 256;
export const AREA = SIDE * SIDE;

/** One shared tile for all that are marked all over. Like every tile it is never written to; see `writable`. */
export const FULL = new Uint8Array(AREA).fill(255);

export type Tile = Uint8Array;
/** What was at these tiles before a change; undefined = nothing was marked. */
export type TileChanges = Map<number, Tile | undefined>;

export class SparseMask {
  readonly columns: number;
  readonly rows: number;
  private readonly tiles = new Map<number, Tile>();
  /** When each tile was last changed, so that pictures made of it know when they are old. */
  private readonly stamps = new Map<number, number>();
  private version = 0;
  private changes: TileChanges | null = null;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.columns = Math.ceil(width / SIDE);
    this.rows = Math.ceil(height / SIDE);
  }

  get empty(): boolean {
    return this.tiles.size === 0;
  }

  key(column: number, row: number): number {
    return row * this.columns + column;
  }

  get(key: number): Tile | undefined {
    return this.tiles.get(key);
  }

  stamp(key: number): number {
    return this.stamps.get(key) ?? 0;
  }

  entries(): IterableIterator<[number, Tile]> {
    return this.tiles.entries();
  }

  /** Replaces a tile and remembers what was there, if a change is being recorded. */
  set(key: number, tile: Tile | undefined): void {
    this.stamps.set(key, ++this.version);
    if (this.changes && !this.changes.has(key)) this.changes.set(key, this.tiles.get(key));
    if (tile) this.tiles.set(key, tile);
    else this.tiles.delete(key);
  }

  /** A mask of the same marks. The tiles are shared, because the next change replaces them. */
  copy(): SparseMask {
    const made = new SparseMask(this.width, this.height);
    for (const [key, tile] of this.tiles) made.set(key, tile);
    return made;
  }

  /** A tile to write into. The first write within a recorded change copies it, so the old one stays whole. */
  writable(key: number): Tile {
    const tile = this.tiles.get(key);
    if (tile && this.changes?.has(key) && tile !== FULL) {
      this.stamps.set(key, ++this.version);
      return tile;
    }
    const copy = tile ? tile.slice() : new Uint8Array(AREA);
    this.set(key, copy);
    return copy;
  }

  get recording(): boolean {
    return this.changes !== null;
  }

  record(): void {
    this.changes = new Map();
  }

  /** Ends the recording: tiles without marks go, tiles marked all over are shared. */
  recorded(): TileChanges {
    const changes = this.changes ?? new Map();
    this.changes = null;
    for (const key of changes.keys()) {
      const tile = this.tiles.get(key);
      if (!tile) continue;
      const plain = uniform(tile, this.insideColumns(key), this.insideRows(key));
      if (plain === 0) this.tiles.delete(key);
      else if (plain === 255) this.tiles.set(key, FULL);
    }
    return changes;
  }

  /** Takes back what has changed since `record`. */
  revert(): void {
    const changes = this.changes;
    this.changes = null;
    if (changes) for (const [key, tile] of changes) this.set(key, tile);
  }

  /** How many columns of this tile lie inside the photo. */
  insideColumns(key: number): number {
    return Math.min(SIDE, this.width - (key % this.columns) * SIDE);
  }

  insideRows(key: number): number {
    return Math.min(SIDE, this.height - Math.floor(key / this.columns) * SIDE);
  }

  at(x: number, y: number): number {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return 0;
    const tile = this.tiles.get(this.key(x >> 8, y >> 8));
    return tile ? tile[((y & 255) << 8) | (x & 255)] : 0;
  }

  /** The smallest box around all marks, or null. */
  bounds(): [number, number, number, number] | null {
    let left = Infinity;
    let top = Infinity;
    let right = -1;
    let bottom = -1;
    for (const [key, tile] of this.tiles) {
      const x0 = (key % this.columns) * SIDE;
      const y0 = Math.floor(key / this.columns) * SIDE;
      const columns = this.insideColumns(key);
      const rows = this.insideRows(key);
      if (x0 >= left && y0 >= top && x0 + columns - 1 <= right && y0 + rows - 1 <= bottom) continue;
      for (let y = 0; y < rows; y++) {
        const line = tile.subarray(y << 8, (y << 8) + columns);
        let first = 0;
        while (first < columns && line[first] === 0) first++;
        if (first === columns) continue;
        let last = columns - 1;
        while (line[last] === 0) last--;
        left = Math.min(left, x0 + first);
        right = Math.max(right, x0 + last);
        top = Math.min(top, y0 + y);
        bottom = Math.max(bottom, y0 + y);
      }
    }
    return right < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
  }
}

function uniform(tile: Tile, columns: number, rows: number): number {
  const value = tile[0];
  if (value !== 0 && value !== 255) return -1;
  for (let y = 0; y < rows; y++)
    for (let at = y << 8, end = at + columns; at < end; at++) if (tile[at] !== value) return -1;
  return value;
}
