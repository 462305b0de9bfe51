// Tiles of one picture (the photo, what it was before, an overlay) at every size: fetched when seen, kept while there
// is room, drawn with coarser ones in place of those that are still on their way.
import { fetchPicture } from "../api/client";
import type { Box } from "../api/types";
import { toPhoto, toView, type Camera, type View } from "./camera";

const AT_ONCE = 8;
const TRY_AGAIN_MS = 5000;
/** About 200 MB of decoded tiles of 256 × 256. */
const KEPT = 800;

interface Entry {
  bitmap: ImageBitmap | null;
  fetching: AbortController | null;
  /** The bitmap is of an earlier revision. */
  stale: boolean;
  failed: boolean;
  used: number;
}

export interface Geometry {
  width: number;
  height: number;
  tile: number;
  levels: number;
}

export class Pyramid {
  private readonly entries = new Map<string, Entry>();
  private frame = 0;
  private level = 0;
  private running = 0;
  private wanted: { key: string; level: number; column: number; row: number }[] = [];
  private closed = false;

  constructor(
    private readonly geometry: Geometry,
    private readonly url: (level: number, column: number, row: number) => string,
    private readonly changed: () => void,
    /** A tile of another pyramid that looks the same, if it is there. */
    private readonly borrow: (level: number, column: number, row: number) => ImageBitmap | null = () => null,
  ) {}

  bitmap(level: number, column: number, row: number): ImageBitmap | null {
    const entry = this.entries.get(`${level}/${column}/${row}`);
    return entry && !entry.stale ? entry.bitmap : null;
  }

  /** Whether all that was last drawn is there and new. */
  get settled(): boolean {
    return this.wanted.length === 0 && this.running === 0;
  }

  /** Tiles that touch this box of the photo have changed. They are shown until the new ones are there. */
  invalidate(box: Box): void {
    for (const [key, entry] of this.entries) {
      const [level, column, row] = key.split("/").map(Number);
      if (!touches(box, this.geometry.tile, level, column, row)) continue;
      entry.stale = true;
      entry.failed = false;
      entry.fetching?.abort();
      entry.fetching = null;
    }
    this.changed();
  }

  close(): void {
    this.closed = true;
    for (const entry of this.entries.values()) {
      entry.fetching?.abort();
      entry.bitmap?.close();
    }
    this.entries.clear();
  }

  /** Draws what the camera sees, in device pixels, and fetches what is missing. */
  draw(context: CanvasRenderingContext2D, camera: Camera, view: View): void {
    this.frame++;
    const { levels, tile, width, height } = this.geometry;
    this.level = Math.min(levels - 1, Math.max(0, Math.floor(-Math.log2(camera.scale) + 0.01)));
    this.wanted = [];
    // The coarsest level comes first: it stands in for everything else.
    const coarse = levels - 1;
    for (let row = 0; row * tile * 2 ** coarse < height; row++)
      for (let column = 0; column * tile * 2 ** coarse < width; column++) this.want(coarse, column, row);
    for (const [column, row] of this.visible(camera, view)) this.want(this.level, column, row);
    this.drawPresent(context, camera, view);
    this.fetchWanted();
  }

  /** Draws what is there, at the size that was drawn last. */
  drawPresent(context: CanvasRenderingContext2D, camera: Camera, view: View): void {
    context.imageSmoothingEnabled = camera.scale * 2 ** this.level < 2;
    context.imageSmoothingQuality = "high";
    for (const [column, row] of this.visible(camera, view))
      this.drawTile(context, camera, view, this.level, column, row);
  }

  /** Columns and rows of the tiles in view, those in the middle first. */
  private visible(camera: Camera, view: View): [number, number][] {
    const { tile, width, height } = this.geometry;
    const size = tile * 2 ** this.level;
    const topLeft = toPhoto(camera, view, { x: 0, y: 0 });
    const bottomRight = toPhoto(camera, view, { x: view.width, y: view.height });
    const first = {
      column: Math.max(0, Math.floor(topLeft.x / size)),
      row: Math.max(0, Math.floor(topLeft.y / size)),
    };
    const last = {
      column: Math.min(Math.ceil(width / size) - 1, Math.floor(bottomRight.x / size)),
      row: Math.min(Math.ceil(height / size) - 1, Math.floor(bottomRight.y / size)),
    };
    const visible: [number, number][] = [];
    for (let row = first.row; row <= last.row; row++)
      for (let column = first.column; column <= last.column; column++) visible.push([column, row]);
    const middle = [(first.column + last.column) / 2, (first.row + last.row) / 2];
    return visible.sort((a, b) => away(a, middle) - away(b, middle));
  }

  private want(level: number, column: number, row: number): void {
    const key = `${level}/${column}/${row}`;
    const entry = this.entries.get(key);
    if (entry) entry.used = this.frame;
    if (entry && (entry.failed || entry.fetching || (entry.bitmap && !entry.stale))) return;
    if (this.borrow(level, column, row)) return;
    if (!this.wanted.some((want) => want.key === key)) this.wanted.push({ key, level, column, row });
  }

  private drawTile(
    context: CanvasRenderingContext2D,
    camera: Camera,
    view: View,
    level: number,
    column: number,
    row: number,
  ): void {
    const { tile, width, height, levels } = this.geometry;
    for (let up = level, c = column, r = row; up < levels; up++, c >>= 1, r >>= 1) {
      const entry = this.entries.get(`${up}/${c}/${r}`);
      const bitmap = entry?.bitmap ?? this.borrow(up, c, r);
      if (!bitmap) continue;
      if (entry) entry.used = this.frame;
      const share = 2 ** (up - level);
      const part = tile / share;
      const sourceX = (column - c * share) * part;
      const sourceY = (row - r * share) * part;
      const sourceWidth = Math.min(part, bitmap.width - sourceX);
      const sourceHeight = Math.min(part, bitmap.height - sourceY);
      if (sourceWidth <= 0 || sourceHeight <= 0) return;
      const step = 2 ** level;
      const x = column * tile * step;
      const y = row * tile * step;
      const from = deviceCorner(camera, view, x, y);
      const to = deviceCorner(
        camera,
        view,
        Math.min(width, x + sourceWidth * 2 ** up),
        Math.min(height, y + sourceHeight * 2 ** up),
      );
      context.drawImage(
        bitmap,
        sourceX,
        sourceY,
        sourceWidth,
        sourceHeight,
        from.x,
        from.y,
        to.x - from.x,
        to.y - from.y,
      );
      return;
    }
  }

  private fetchWanted(): void {
    for (const [key, entry] of this.entries)
      if (entry.fetching && entry.used < this.frame) {
        entry.fetching.abort();
        entry.fetching = null;
        if (!entry.bitmap) this.entries.delete(key);
      }
    while (this.running < AT_ONCE && this.wanted.length > 0) {
      const { key, level, column, row } = this.wanted.shift()!;
      this.fetch(key, this.url(level, column, row));
    }
    if (this.entries.size > KEPT) this.forget();
  }

  private fetch(key: string, url: string): void {
    const fetching = new AbortController();
    const entry = this.entries.get(key) ?? { bitmap: null, fetching, stale: false, failed: false, used: 0 };
    entry.fetching = fetching;
    entry.stale = false;
    entry.used = this.frame;
    this.entries.set(key, entry);
    this.running++;
    fetchPicture(url, fetching.signal)
      .then(
        (bitmap) => {
          if (entry.fetching !== fetching || this.closed) return bitmap.close();
          entry.bitmap?.close();
          entry.bitmap = bitmap;
        },
        () => {
          if (entry.fetching !== fetching) return;
          entry.failed = true;
          setTimeout(() => {
            entry.failed = false;
            if (!this.closed) this.changed();
          }, TRY_AGAIN_MS);
        },
      )
      .finally(() => {
        this.running--;
        if (entry.fetching === fetching) entry.fetching = null;
        if (!this.closed) this.changed();
      });
  }

  private forget(): void {
    const old = [...this.entries].filter(([, entry]) => entry.used < this.frame && !entry.fetching);
    old.sort(([, a], [, b]) => a.used - b.used);
    for (const [key, entry] of old.slice(0, this.entries.size - KEPT)) {
      entry.bitmap?.close();
      this.entries.delete(key);
    }
  }
}

/** Whether a tile may show something of a box; coarser tiles mix pixels from a little further away. */
export function touches(
  [left, top, width, height]: Box,
  tile: number,
  level: number,
  column: number,
  row: number,
): boolean {
  const step = 2 ** level;
  const size = tile * step;
  return (
    (column + 1) * size + 2 * step >= left &&
    column * size - 2 * step <= left + width &&
    (row + 1) * size + 2 * step >= top &&
    row * size - 2 * step <= top + height
  );
}

function away([column, row]: number[], [middleColumn, middleRow]: number[]): number {
  return (column - middleColumn) ** 2 + (row - middleRow) ** 2;
}

/** Whole device pixels, so that neighbours meet without a seam. */
export function deviceCorner(camera: Camera, view: View, x: number, y: number): { x: number; y: number } {
  const at = toView(camera, view, { x, y });
  return { x: Math.round(at.x * view.ratio), y: Math.round(at.y * view.ratio) };
}
