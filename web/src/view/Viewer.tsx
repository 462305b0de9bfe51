import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { getSource } from "../editor/source";
import {
  camera,
  changes,
  choice,
  comparing,
  current,
  cursor,
  draft,
  fitted,
  hardness,
  photo,
  redraw,
  running,
  shiftHeld,
  showConfidence,
  showMask,
  showSources,
  size,
  source,
  spaceHeld,
  split,
  tool,
  view,
} from "../editor/state";
import { text } from "../text";
import { SplitHandle } from "./SplitHandle";
import { fit, listen } from "./pointers";
import { drawMarks, drawPhoto, settled } from "./scene";

/** The photo, in two canvases of the view's size: only what is seen is ever drawn. */
export function Viewer() {
  const element = useRef<HTMLDivElement>(null);
  const below = useRef<HTMLCanvasElement>(null);
  const above = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const holder = element.current!;
    const canvases = [below.current!, above.current!];
    const contexts = canvases.map((canvas) => canvas.getContext("2d")!);
    let asked = 0;
    const draw = (): void => {
      asked = 0;
      const open = current.value;
      if (open && photo.value) {
        drawPhoto(contexts[0], open);
        drawMarks(contexts[1], open);
        holder.setAttribute("aria-busy", String(!settled(open)));
      } else
        for (const context of contexts) context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    };
    redraw.request = () => {
      asked ||= requestAnimationFrame(draw);
    };
    const measure = (): void => {
      const box = holder.getBoundingClientRect();
      view.value = { width: box.width, height: box.height, ratio: devicePixelRatio };
      for (const canvas of canvases) {
        canvas.width = Math.round(box.width * devicePixelRatio);
        canvas.height = Math.round(box.height * devicePixelRatio);
      }
      if (fitted.value) fit();
      redraw.request();
    };
    const observer = new ResizeObserver(measure);
    observer.observe(holder);
    const stopListening = listen(holder);
    const stopEffects = [
      // Reading a signal here means: draw again when it changes.
      effect(() => {
        for (const each of [camera, changes, choice, comparing, current, cursor, draft, hardness, photo])
          void each.value;
        for (const each of [running, shiftHeld, showConfidence, showMask, showSources, size, source])
          void each.value;
        for (const each of [spaceHeld, split, tool, view]) void each.value;
        redraw.request();
      }),
      effect(() => getSource(cursor.value, showSources.value || showConfidence.value)),
    ];
    return () => {
      observer.disconnect();
      stopListening();
      for (const stop of stopEffects) stop();
    };
  }, []);

  const cursorKind = spaceHeld.value || tool.value === "hand" ? "grab" : "paint";
  return (
    <div
      ref={element}
      class={`viewer ${cursorKind}`}
      id="photo"
      tabIndex={0}
      role="application"
      aria-label={text().viewer.label}
      aria-describedby="viewer-help"
      // Who came with Tab needs the ring; :focus-visible would also answer to any key after a click.
      onKeyUp={(event) => event.key === "Tab" && event.currentTarget.classList.add("ringed")}
      onPointerDown={(event) => event.currentTarget.classList.remove("ringed")}
      onBlur={(event) => event.currentTarget.classList.remove("ringed")}
    >
      <canvas ref={below} aria-hidden="true" />
      <canvas ref={above} aria-hidden="true" />
      <p id="viewer-help" class="unseen">
        {text().viewer.help}
      </p>
      {photo.value && split.value !== null && <SplitHandle />}
    </div>
  );
}
