// All that the page shows, as signals. What belongs to one photo is in `open-photo.ts`.
import { computed, effect, signal, type Signal } from "@preact/signals";
import type { Box, Info, Job, Photo, Source, Variant } from "../api/types";
import type { Point } from "../mask/strokes";
import type { Camera, View } from "../view/camera";
import type { OpenPhoto } from "./open-photo";

export type ToolName =
  "brush" | "eraser" | "lasso" | "rectangle" | "wand" | "object" | "source" | "avoid" | "line" | "hand";

export interface RunningFill {
  job: Job["id"] | null;
  fraction: number;
  preview: { box: Box; bitmap: ImageBitmap } | null;
}

export interface Choice {
  job: string;
  variants: (Variant & { bitmap: ImageBitmap })[];
  shown: number;
}

export interface Message {
  kind: "note" | "problem";
  text: string;
}

export interface Draft {
  kind: "path" | "closed" | "rectangle";
  points: Point[];
}

export const info = signal<Info | null>(null);
/** Whether the page opens photos: `retouch edit` is about the one that it was started with. */
export const mayOpen = computed(() => info.value?.mode !== "edit");
export const photo = signal<Photo | null>(null);
export const current = signal<OpenPhoto | null>(null);

export const tool = signal<ToolName>("brush");
export const subtract = signal(false);
export const objectWay = signal<"click" | "box" | "scribble">("click");
export const tolerance = signal(16);

export const camera = signal<Camera>({ scale: 1, x: 0, y: 0 });
export const view = signal<View>({ width: 1, height: 1, ratio: 1 });
export const fitted = signal(true);
export const cursor = signal<Point | null>(null);
export const draft = signal<Draft | null>(null);
export const spaceHeld = signal(false);
export const shiftHeld = signal(false);

export const showMask = signal(true);
export const showConfidence = signal(false);
export const showSources = signal(false);
/** Where before and after meet, as a share of the view's width; null = no slider. */
export const split = signal<number | null>(null);
export const comparing = signal(false);
export const source = signal<{ at: Point; from: Source } | null>(null);

export const running = signal<RunningFill | null>(null);
export const choice = signal<Choice | null>(null);
export const working = signal(false);
/** Another photo is on its way, so the one that is shown is not filled any more. */
export const opening = signal(false);
/** Files are dragged over the page. */
export const dragging = signal(false);
/** Fill nothing that no reference shows. */
export const referencesOnly = signal(false);
/** Trust references of another hour or season by their structure. */
export const anyLight = signal(false);
export const message = signal<Message | null>(null);
/** Counts changes of marks and history, which are no signals themselves. */
export const changes = signal(0);
/** The command that opened this page has got its answer. */
export const finished = signal<"done" | "discard" | null>(null);

/** What was downloaded last: it is in the user's hands, though the server saved nothing. */
export const downloaded = signal<Pick<Photo, "id" | "revision"> | null>(null);
export const unsaved = computed(() => {
  const [now, last] = [photo.value, downloaded.value];
  if (!now?.unsaved || finished.value) return false;
  return last?.id !== now.id || last.revision !== now.revision;
});

/** Set by the viewer. */
export const redraw = { request: (): void => undefined };

export const canUndo = computed(() => {
  void changes.value;
  return current.value?.history.canUndo(photo.value) ?? false;
});
export const canRedo = computed(() => {
  void changes.value;
  return current.value?.history.canRedo(photo.value) ?? false;
});
export const hasMarks = computed(() => {
  void changes.value;
  return current.value ? !current.value.masks.hole.empty : false;
});

/** A signal that the browser remembers. */
function kept<T>(name: string, initial: T): Signal<T> {
  const stored = localStorage.getItem(`retouch.${name}`);
  const value = signal<T>(stored === null ? initial : JSON.parse(stored));
  effect(() => localStorage.setItem(`retouch.${name}`, JSON.stringify(value.value)));
  return value;
}

export const theme = kept<"auto" | "dark" | "light">("theme", "auto");
export const language = kept<"en" | "de" | null>("language", null);
export const hardness = kept("hardness", 1);
/** Pixels that a selected object is grown by: what hugs an object leaves its rim behind. */
export const margin = kept("margin", 4);
export const atOnce = kept("atOnce", false);
export const variants = kept("variants", 1);
export const model = kept<string | null>("model", null);
export const seed = signal<number | null>(null);
/** Brush diameter in pixels of the photo; each photo starts with one that suits it. */
export const size = signal(40);

export function tell(text: string, kind: Message["kind"] = "note"): void {
  message.value = { kind, text };
}

export function tellProblem(problem: unknown): void {
  tell(problem instanceof Error ? problem.message : String(problem), "problem");
}

export const helpShown = signal(false);
export const browsing = signal(false);
