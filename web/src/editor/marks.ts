// Changes of the masks, each one step of the history.
import type { MaskPart, NoMask } from "../api/types";
import { merge, readPart } from "../mask/exchange";
import { feather, grow, invert, shrink } from "../mask/morphology";
import { SparseMask } from "../mask/tiles";
import type { Entry, Layer } from "./history";
import { changes, current, redraw } from "./state";

export function changed(): void {
  changes.value++;
  redraw.request();
}

/** Runs `act` on a mask as one step of the history. */
export function change(layer: Layer, act: (mask: SparseMask) => void): Entry | null {
  const open = current.value;
  if (!open) return null;
  const mask = open.masks[layer];
  open.history.settle();
  mask.record();
  act(mask);
  const entry = open.history.add({ [layer]: mask.recorded() });
  changed();
  return entry;
}

/** Adds a mask or takes it away, grown by so many pixels. */
export async function addPart(
  layer: Layer,
  part: MaskPart | NoMask,
  erase: boolean,
  margin = 0,
): Promise<Entry | null> {
  const open = current.value;
  if (!open || part.box === null) return null;
  // Read apart, because strokes may be made meanwhile.
  const { width, height } = open.masks[layer];
  const given = new SparseMask(width, height);
  await readPart(given, part);
  if (margin) grow(given, margin);
  return current.value === open ? change(layer, (mask) => merge(mask, given, erase)) : null;
}

export const growMask = (radius: number) => change("hole", (mask) => grow(mask, radius));
export const shrinkMask = (radius: number) => change("hole", (mask) => shrink(mask, radius));
export const featherMask = (radius: number) => change("hole", (mask) => feather(mask, radius));
export const invertMask = () => change("hole", invert);

export function clearMarks(): void {
  const open = current.value;
  if (!open) return;
  const layers: Layer[] = ["hole", "include", "avoid", "lines"];
  open.history.settle();
  open.history.add(Object.fromEntries(layers.map((layer) => [layer, emptied(open.masks[layer])])));
  changed();
}

/** Empties a mask; what was in it is returned. */
export function emptied(mask: SparseMask): ReturnType<SparseMask["recorded"]> {
  mask.record();
  for (const key of [...mask.entries()].map(([key]) => key)) mask.set(key, undefined);
  return mask.recorded();
}
