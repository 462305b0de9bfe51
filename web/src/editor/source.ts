// Where the pixel under the cursor was borrowed from, and how sure its fill is.
import { sourceOf } from "../api/client";
import type { Point } from "../mask/strokes";
import { photo, source } from "./state";

let asking = false;
let next: Point | null = null;

/** Asks one question at a time; of those that come meanwhile only the last one counts. */
export function getSource(cursor: Point | null, wanted: boolean): void {
  const state = photo.peek();
  const at = cursor && { x: Math.floor(cursor.x), y: Math.floor(cursor.y) };
  const inside = at && state && at.x >= 0 && at.y >= 0 && at.x < state.width && at.y < state.height;
  if (!wanted || !inside || state.edits.length === 0) {
    next = null;
    source.value = null;
    return;
  }
  next = at;
  if (!asking) void ask(state.id);
}

async function ask(id: string): Promise<void> {
  asking = true;
  while (next) {
    const at: Point = next;
    next = null;
    const from = await sourceOf(id, at.x, at.y).catch(() => null);
    source.value = from && { at, from };
  }
  asking = false;
}
