// One history of marks and fills, without limit. Marks are undone here, fills by the server.
import type { Photo } from "../api/types";
import { pack, unpack, type Runs } from "../mask/runs";
import type { SparseMask, TileChanges } from "../mask/tiles";

export type Layer = "hole" | "include" | "avoid" | "lines";
type Packed = Map<Layer, Map<number, Runs>>;

export interface Entry {
  /** What was there before; after an undo, what is there again after a redo. */
  packed: Packed;
  /** The fill that took the marks; null while it runs; undefined for a change of marks alone. */
  edit?: string | null;
}

export class History {
  private readonly done: Entry[] = [];
  private readonly undone: Entry[] = [];
  /** Something new was done after an undo, so what the server could redo lies on a path that was left. */
  private leftPath = false;

  constructor(private readonly masks: Record<Layer, SparseMask>) {}

  get last(): Entry | undefined {
    return this.done.at(-1);
  }

  get next(): Entry | undefined {
    return this.undone.at(-1);
  }

  canUndo(photo: Photo | null): boolean {
    return this.done.length > 0 || (photo?.undo ?? false);
  }

  canRedo(photo: Photo | null): boolean {
    return this.undone.length > 0 || ((photo?.redo ?? false) && !this.leftPath);
  }

  /** Adds a change of one or several layers; null if nothing has changed. */
  add(changes: Partial<Record<Layer, TileChanges>>, edit?: string | null): Entry | null {
    const packed: Packed = new Map();
    for (const [layer, tiles] of Object.entries(changes) as [Layer, TileChanges][])
      if (tiles.size > 0) packed.set(layer, new Map([...tiles].map(([key, tile]) => [key, pack(tile)])));
    if (packed.size === 0 && edit === undefined) return null;
    const entry: Entry = { packed, ...(edit === undefined ? {} : { edit }) };
    this.done.push(entry);
    this.undone.length = 0;
    this.leftPath = true;
    return entry;
  }

  /** Makes a stroke that is under way a step of its own, before something else is done; it goes on as another. */
  settle(): void {
    const changes: Partial<Record<Layer, TileChanges>> = {};
    for (const [layer, mask] of Object.entries(this.masks) as [Layer, SparseMask][])
      if (mask.recording) changes[layer] = mask.recorded();
    this.add(changes);
  }

  /** Undoes the last entry's marks. What the server does for a fill is the caller's part. */
  stepBack(): void {
    const entry = this.done.pop();
    if (!entry) return;
    this.swap(entry);
    this.undone.push(entry);
  }

  stepForward(): void {
    const entry = this.undone.pop();
    if (!entry) return;
    this.swap(entry);
    this.done.push(entry);
  }

  /** The server went one fill back or forward that this page knew nothing of. */
  followedServer(): void {
    this.leftPath = false;
  }

  /** The server cannot redo any more: another tab has filled since. */
  forgetUndone(): void {
    this.undone.length = 0;
  }

  /**
   * A fill came to nothing. Its marks come back: as if the fill had never been, or, where marks were made
   * meanwhile, as one more change on top of them.
   */
  giveBack(entry: Entry): void {
    this.settle();
    if (this.done.at(-1) === entry) {
      this.done.pop();
      return this.swap(entry);
    }
    delete entry.edit;
    const changes: Partial<Record<Layer, TileChanges>> = {};
    for (const [layer, tiles] of entry.packed) {
      const mask = this.masks[layer];
      mask.record();
      for (const [key, runs] of tiles) {
        const marks = unpack(runs);
        if (!marks) continue;
        const tile = mask.writable(key);
        marks.forEach((value, at) => (tile[at] = Math.max(tile[at], value)));
      }
      changes[layer] = mask.recorded();
    }
    this.add(changes);
  }

  private swap(entry: Entry): void {
    for (const [layer, tiles] of entry.packed) {
      const mask = this.masks[layer];
      for (const [key, runs] of tiles) {
        const now = pack(mask.get(key));
        mask.set(key, unpack(runs));
        tiles.set(key, now);
      }
    }
  }
}
