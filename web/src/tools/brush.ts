// Brush, eraser, source brush, avoid brush and line tool: strokes into one of the masks.
import { fill } from "../editor/fill";
import type { Layer } from "../editor/history";
import { changed } from "../editor/marks";
import { atOnce, current, hardness, size } from "../editor/state";
import { paintSegment, type Point } from "../mask/strokes";
import type { Gesture, Tool } from "./gestures";

/** Where the last stroke ended; with Shift the next one starts there. */
export let lastEnd: Point | null = null;

export function forgetLastEnd(): void {
  lastEnd = null;
}

export function brush(layer: Layer, eraser = false): Tool {
  let previous: Point | null = null;
  let erasing = false;
  const draw = (from: Point, to: Point): void => {
    const open = current.value;
    if (!open) return;
    const mask = open.masks[layer];
    if (!mask.recording) mask.record(); // it begins, or something else was done in the middle of it
    // Only a hole has soft edges; where to borrow from is yes or no.
    const tip = { radius: size.value / 2, hardness: layer === "hole" ? hardness.value : 1, erase: erasing };
    paintSegment(mask, from, to, tip);
    changed();
  };
  return {
    start(at: Gesture): void {
      erasing = eraser || at.erase;
      draw(at.shift && lastEnd ? lastEnd : at, at);
      previous = at;
    },
    move(at: Gesture): void {
      if (!previous) return;
      draw(previous, at);
      previous = at;
    },
    end(at: Gesture): void {
      const open = current.value;
      if (!previous || !open) return;
      if (at.x !== previous.x || at.y !== previous.y) draw(previous, at);
      lastEnd = at;
      previous = null;
      open.history.settle();
      changed();
      if (atOnce.value && layer === "hole" && !erasing) void fill();
    },
    cancel(): void {
      previous = null;
      current.value?.masks[layer].revert();
      changed();
    },
  };
}
