// Mouse, pen and touch on the photo: one finger works with the tool, two move and zoom.
import { camera, cursor, fitted, photo, redraw, spaceHeld, subtract, tool, view } from "../editor/state";
import type { Point } from "../mask/strokes";
import { toolCard } from "../tools";
import type { Gesture } from "../tools/gestures";
import { fitting, pan, toPhoto, zoomAt } from "./camera";

type Mode = "idle" | "tool" | "pan" | "pinch" | "ignore";

const PEN_ERASER = 32;

export function smallestScale(): number {
  const state = photo.value;
  return state ? Math.min(1, fitting(view.value, state.width, state.height).scale) / 2 : 1;
}

export function zoomBy(factor: number, at: Point = middle()): void {
  camera.value = zoomAt(camera.value, view.value, at, factor, smallestScale());
  fitted.value = false;
  redraw.request();
}

export function zoomTo(scale: number): void {
  zoomBy(scale / camera.value.scale);
}

export function fit(): void {
  const state = photo.value;
  if (!state) return;
  camera.value = fitting(view.value, state.width, state.height);
  fitted.value = true;
  redraw.request();
}

export function panBy(dx: number, dy: number): void {
  const state = photo.value;
  if (!state) return;
  camera.value = pan(camera.value, view.value, dx, dy, state.width, state.height);
  fitted.value = false;
  redraw.request();
}

function middle(): Point {
  return { x: view.value.width / 2, y: view.value.height / 2 };
}

/** Listens on the element that holds the photo. Returns what stops listening. */
export function listen(element: HTMLElement): () => void {
  const pointers = new Map<number, Point>();
  let mode: Mode = "idle";
  let penSeen = false;

  const place = (event: MouseEvent): Point => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const gesture = (event: PointerEvent): Gesture => ({
    ...toPhoto(camera.value, view.value, place(event)),
    shift: event.shiftKey,
    erase: subtract.value || event.altKey || (event.buttons & (2 | PEN_ERASER)) > 0 || event.button === 2,
  });
  const current = () => toolCard(tool.value).tool;

  const down = (event: PointerEvent): void => {
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    penSeen ||= event.pointerType === "pen";
    pointers.set(event.pointerId, place(event));
    if (event.pointerType === "touch" && pointers.size === 2) {
      if (mode === "tool") current().cancel();
      mode = "pinch";
      return;
    }
    if (mode !== "idle") return;
    const palm = event.pointerType === "touch" && penSeen;
    if (event.button === 1 || spaceHeld.value || tool.value === "hand" || palm) mode = "pan";
    else if (photo.value) {
      mode = "tool";
      cursor.value = toPhoto(camera.value, view.value, place(event));
      current().start(gesture(event));
    }
    redraw.request();
  };

  const move = (event: PointerEvent): void => {
    const before = pointers.get(event.pointerId);
    const now = place(event);
    if (event.pointerType !== "touch" || mode === "tool")
      cursor.value = toPhoto(camera.value, view.value, now);
    redraw.request();
    if (!before) return;
    if (mode === "pan") panBy(now.x - before.x, now.y - before.y);
    else if (mode === "pinch") pinch(event.pointerId, before, now);
    else if (mode === "tool")
      for (const each of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event])
        current().move({ ...gesture(event), ...toPhoto(camera.value, view.value, place(each)) });
    pointers.set(event.pointerId, now);
  };

  const pinch = (id: number, before: Point, now: Point): void => {
    const other = [...pointers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    const span = (point: Point): number => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    zoomBy(span(now) / span(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
  };

  const up = (event: PointerEvent): void => {
    if (!pointers.delete(event.pointerId)) return;
    if (mode === "tool") {
      mode = "idle";
      if (event.type === "pointercancel") current().cancel();
      else current().end(erasingGesture(event));
    }
    // After a pinch the finger that stays does not begin to paint.
    if (pointers.size === 0) mode = "idle";
    else if (mode === "pinch") mode = "ignore";
    if (event.pointerType === "touch") cursor.value = null;
    redraw.request();
  };
  // When the button is let go, `buttons` does not name it any more.
  const erasingGesture = (event: PointerEvent): Gesture => ({
    ...gesture(event),
    erase: subtract.value || event.altKey || event.button === 2 || event.button === 5,
  });

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : event.deltaMode ? 400 : 1;
    // A touchpad's pinch arrives as a wheel with Ctrl and small steps.
    const speed = event.ctrlKey ? 0.01 : 0.0018;
    if (event.shiftKey && !event.ctrlKey) panBy(-(event.deltaX || event.deltaY) * unit, 0);
    else zoomBy(Math.exp(-event.deltaY * unit * speed), place(event));
  };
  const leave = (event: PointerEvent): void => {
    if (!pointers.has(event.pointerId)) cursor.value = null;
    redraw.request();
  };
  const stop = new AbortController();
  const { signal } = stop;
  element.addEventListener("pointerdown", down, { signal });
  element.addEventListener("pointermove", move, { signal });
  element.addEventListener("pointerup", up, { signal });
  element.addEventListener("pointercancel", up, { signal });
  element.addEventListener("pointerleave", leave, { signal });
  element.addEventListener("wheel", wheel, { signal, passive: false });
  element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  return () => stop.abort();
}
