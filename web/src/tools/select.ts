// Magic wand and object: the server says what belongs together.
import * as api from "../api/client";
import type { Box, SelectRequest } from "../api/types";
import { fill } from "../editor/fill";
import type { Entry } from "../editor/history";
import { addPart } from "../editor/marks";
import {
  atOnce,
  current,
  draft,
  margin,
  objectWay,
  photo,
  tell,
  tellProblem,
  tolerance,
  working,
} from "../editor/state";
import type { Point } from "../mask/strokes";
import { text } from "../text";
import type { Gesture, Tool } from "./gestures";

type Points = SelectRequest["points"];

/** A scribble is sent as this many points at most. */
const MOST_SCRIBBLED = 64;

/** The object that was selected last, if it is the last step still; Shift adds points to it, Alt takes away. */
let latest: { points: Points; box?: Box; entry: Entry } | null = null;

/** Marks what the server finds, in place of an earlier step if there is one; null if nothing was marked. */
async function select(
  request: SelectRequest,
  erase: boolean,
  before: Entry | null = null,
): Promise<Entry | null> {
  const [open, state] = [current.value, photo.value];
  if (!open || !state || working.value) return null;
  working.value = true;
  let steppedBack = false;
  try {
    const part = await api.select(state.id, request);
    if (current.value !== open) return null; // another photo was opened meanwhile
    if (part.box === null) {
      tell(text().status.nothingFound);
      return null;
    }
    steppedBack = before !== null && open.history.last === before;
    if (steppedBack) open.history.stepBack();
    return await addPart("hole", part, erase, erase ? 0 : margin.value);
  } catch (problem) {
    if (steppedBack) open.history.stepForward();
    tellProblem(problem);
    return null;
  } finally {
    working.value = false;
  }
}

export function wand(): Tool {
  return {
    start: () => undefined,
    move: () => undefined,
    end: async (at) => {
      const request: SelectRequest = { kind: "wand", points: [whole(at, 1)], tolerance: tolerance.value };
      if ((await select(request, at.erase)) === null) return;
      if (atOnce.value && !at.erase) void fill();
    },
    cancel: () => undefined,
  };
}

export function object(): Tool {
  return {
    start: (at) => {
      draft.value = { kind: objectWay.value === "box" ? "rectangle" : "path", points: [at] };
    },
    move: (at) => {
      const points = draft.value?.points;
      if (!points) return;
      if (draft.value!.kind === "rectangle") draft.value = { kind: "rectangle", points: [points[0], at] };
      else draft.value = { kind: "path", points: [...points, at] };
    },
    end: async (at) => {
      const drawn = draft.value?.points ?? [];
      const way = objectWay.value;
      draft.value = null;
      if (drawn.length === 0) return;
      await selectObject(way, drawn, at);
    },
    cancel: () => (draft.value = null),
  };
}

async function selectObject(way: "click" | "box" | "scribble", drawn: Point[], at: Gesture): Promise<void> {
  const open = current.value;
  if (!open) return;
  const going = latest && latest.entry === open.history.last ? latest : null;
  const goesOn = going !== null && (at.shift || at.erase);
  const label = goesOn && at.erase ? 0 : 1;
  const points: Points = goesOn ? [...going.points] : [];
  let box = goesOn ? going.box : undefined;
  if (way === "box" && drawn.length > 1) box = boxOf(drawn);
  else if (way === "scribble") points.push(...thinned(drawn).map((point) => whole(point, label)));
  else points.push(whole(at, label));
  const kind = box ? "box" : way === "scribble" ? "scribble" : "click";
  // The better answer replaces the one before, so that taking points away can make the object smaller.
  const before = goesOn ? going.entry : null;
  const entry = await select({ kind, points, ...(box ? { box } : {}) }, at.erase && !goesOn, before);
  if (!entry) return;
  latest = { points, box, entry };
  if (atOnce.value && !at.erase) void fill();
}

function whole(at: Point, label: 0 | 1): [number, number, 0 | 1] {
  const limit = (value: number, most: number): number => Math.min(most - 1, Math.max(0, Math.floor(value)));
  return [limit(at.x, photo.value!.width), limit(at.y, photo.value!.height), label];
}

function boxOf(points: Point[]): Box {
  const [a, b] = [whole(points[0], 1), whole(points.at(-1)!, 1)];
  const [left, top] = [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
  return [left, top, Math.abs(a[0] - b[0]) + 1, Math.abs(a[1] - b[1]) + 1];
}

function thinned(points: Point[]): Point[] {
  const step = Math.max(1, Math.ceil(points.length / MOST_SCRIBBLED));
  return points.filter((_, index) => index % step === 0 || index === points.length - 1);
}
