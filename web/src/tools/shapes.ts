// Lasso and rectangle.
import { fill } from "../editor/fill";
import { change } from "../editor/marks";
import { atOnce, draft } from "../editor/state";
import { fillPolygon, fillRectangle } from "../mask/shapes";
import type { Gesture, Tool } from "./gestures";

function filledAtOnce(erase: boolean): void {
  if (atOnce.value && !erase) void fill();
}

export function lasso(): Tool {
  return {
    start: (at) => (draft.value = { kind: "closed", points: [at] }),
    move: (at) => {
      if (draft.value) draft.value = { kind: "closed", points: [...draft.value.points, at] };
    },
    end: (at: Gesture) => {
      const points = draft.value?.points ?? [];
      draft.value = null;
      if (points.length < 3) return;
      change("hole", (mask) => fillPolygon(mask, points, at.erase ? 0 : 255));
      filledAtOnce(at.erase);
    },
    cancel: () => (draft.value = null),
  };
}

export function rectangle(): Tool {
  return {
    start: (at) => (draft.value = { kind: "rectangle", points: [at, at] }),
    move: (at) => {
      const first = draft.value?.points[0];
      if (!first) return;
      const side = Math.max(Math.abs(at.x - first.x), Math.abs(at.y - first.y));
      const corner = at.shift
        ? { x: first.x + Math.sign(at.x - first.x) * side, y: first.y + Math.sign(at.y - first.y) * side }
        : at;
      draft.value = { kind: "rectangle", points: [first, corner] };
    },
    end: (at) => {
      const [a, b] = draft.value?.points ?? [at, at];
      draft.value = null;
      const [left, right] = [Math.floor(Math.min(a.x, b.x)), Math.ceil(Math.max(a.x, b.x))];
      const [top, bottom] = [Math.floor(Math.min(a.y, b.y)), Math.ceil(Math.max(a.y, b.y))];
      if (Math.abs(a.x - b.x) < 1 && Math.abs(a.y - b.y) < 1) return;
      change("hole", (mask) => fillRectangle(mask, left, top, right, bottom, at.erase ? 0 : 255));
      filledAtOnce(at.erase);
    },
    cancel: () => (draft.value = null),
  };
}
