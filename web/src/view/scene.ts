// What is drawn: the photo with its overlays on one canvas, marks and cursor on another above it.
import type { Box } from "../api/types";
import { LAYERS, type OpenPhoto } from "../editor/open-photo";
import {
  camera,
  choice,
  comparing,
  cursor,
  draft,
  hardness,
  photo,
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
import type { Point } from "../mask/strokes";
import { toolCard } from "../tools";
import { lastEnd } from "../tools/brush";
import { toView } from "./camera";
import { deviceCorner } from "./pyramid";

const OVERLAY_OPACITY = 0.65;

export function drawPhoto(context: CanvasRenderingContext2D, open: OpenPhoto): void {
  const { width, height } = context.canvas;
  const state = photo.value!;
  context.clearRect(0, 0, width, height);
  const from = deviceCorner(camera.value, view.value, 0, 0);
  const to = deviceCorner(camera.value, view.value, state.width, state.height);
  if (state.transparent) drawSquares(context, from, to);
  if (comparing.value) return open.pyramids.before.draw(context, camera.value, view.value);
  open.pyramids.photo.draw(context, camera.value, view.value);
  const preview = running.value?.preview;
  if (preview) drawBox(context, preview.bitmap, preview.box);
  const offered = choice.value;
  if (offered) drawBox(context, offered.variants[offered.shown].bitmap, offered.variants[offered.shown].box);
  context.globalAlpha = OVERLAY_OPACITY;
  if (showConfidence.value) open.pyramids.confidence.draw(context, camera.value, view.value);
  if (showSources.value) open.pyramids.sources.draw(context, camera.value, view.value);
  context.globalAlpha = 1;
  if (split.value === null) return;
  context.save();
  context.beginPath();
  context.rect(0, 0, Math.round(split.value * width), height);
  context.clip();
  context.clearRect(from.x, from.y, to.x - from.x, to.y - from.y);
  if (state.transparent) drawSquares(context, from, to);
  open.pyramids.before.draw(context, camera.value, view.value);
  context.restore();
}

/** Whether all tiles that `drawPhoto` needed were there. */
export function settled({ pyramids }: OpenPhoto): boolean {
  return (
    (comparing.value || pyramids.photo.settled) &&
    ((split.value === null && !comparing.value) || pyramids.before.settled) &&
    (!showConfidence.value || pyramids.confidence.settled) &&
    (!showSources.value || pyramids.sources.settled)
  );
}

function drawBox(context: CanvasRenderingContext2D, bitmap: ImageBitmap, [x, y, width, height]: Box): void {
  const from = deviceCorner(camera.value, view.value, x, y);
  const to = deviceCorner(camera.value, view.value, x + width, y + height);
  context.imageSmoothingEnabled = camera.value.scale < 2;
  context.drawImage(bitmap, from.x, from.y, to.x - from.x, to.y - from.y);
}

/** The squares that mean "transparent". */
function drawSquares(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  const pattern = new OffscreenCanvas(24, 24);
  const squares = pattern.getContext("2d")!;
  squares.fillStyle = "#9a9a9a";
  squares.fillRect(0, 0, 24, 24);
  squares.fillStyle = "#7c7c7c";
  squares.fillRect(0, 0, 12, 12);
  squares.fillRect(12, 12, 12, 12);
  context.fillStyle = context.createPattern(pattern, "repeat")!;
  context.fillRect(from.x, from.y, to.x - from.x, to.y - from.y);
}

export function drawMarks(context: CanvasRenderingContext2D, open: OpenPhoto): void {
  const { ratio } = view.value;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  if (comparing.value) return;
  if (showMask.value) {
    for (const layer of LAYERS) open.pictures[layer].draw(context, camera.value, view.value);
    if (!running.value?.preview) open.pending?.draw(context, camera.value, view.value);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawDraft(context);
  drawArrow(context);
  drawCursor(context);
}

/** A light line on a dark one is seen on every photo. */
function stroke(context: CanvasRenderingContext2D, dashed = false): void {
  context.setLineDash([]);
  context.lineWidth = 3;
  context.strokeStyle = "rgb(0 0 0 / 0.55)";
  context.stroke();
  context.setLineDash(dashed ? [5, 4] : []);
  context.lineWidth = 1.25;
  context.strokeStyle = "#fff";
  context.stroke();
  context.setLineDash([]);
}

function onScreen(at: Point): Point {
  return toView(camera.value, view.value, at);
}

function drawDraft(context: CanvasRenderingContext2D): void {
  const drawn = draft.value;
  if (!drawn || drawn.points.length < 2) return;
  const points = drawn.points.map(onScreen);
  context.beginPath();
  if (drawn.kind === "rectangle")
    context.rect(points[0].x, points[0].y, points[1].x - points[0].x, points[1].y - points[0].y);
  else {
    points.forEach(({ x, y }, index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
    if (drawn.kind === "closed") context.closePath();
  }
  stroke(context, true);
}

function drawArrow(context: CanvasRenderingContext2D): void {
  if (!source.value || !showSources.value) return;
  const { at, from: origin } = source.value;
  if (origin.x === null || origin.y === null || origin.reference !== null) return;
  const to = onScreen({ x: at.x + 0.5, y: at.y + 0.5 });
  const from = onScreen({ x: origin.x + 0.5, y: origin.y + 0.5 });
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  context.beginPath();
  context.arc(from.x, from.y, 5, 0, 2 * Math.PI);
  context.moveTo(from.x + 5 * Math.cos(angle), from.y + 5 * Math.sin(angle));
  context.lineTo(to.x, to.y);
  for (const side of [-0.45, 0.45]) {
    context.moveTo(to.x, to.y);
    context.lineTo(to.x - 11 * Math.cos(angle + side), to.y - 11 * Math.sin(angle + side));
  }
  stroke(context);
}

function drawCursor(context: CanvasRenderingContext2D): void {
  if (!cursor.value || spaceHeld.value || tool.value === "hand" || choice.value) return;
  const { controls } = toolCard(tool.value);
  const at = onScreen(cursor.value);
  if (!controls.includes("size")) return drawCross(context, at);
  if (shiftHeld.value && lastEnd) {
    const from = onScreen(lastEnd);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(at.x, at.y);
    stroke(context, true);
  }
  const radius = ((size.value / 2) * camera.value.scale) / view.value.ratio;
  context.beginPath();
  context.arc(at.x, at.y, Math.max(1.5, radius), 0, 2 * Math.PI);
  stroke(context);
  if (controls.includes("hardness") && hardness.value < 0.85 && radius > 8) {
    context.beginPath();
    context.arc(at.x, at.y, radius * hardness.value, 0, 2 * Math.PI);
    stroke(context, true);
  }
  if (radius < 6) drawCross(context, at);
}

function drawCross(context: CanvasRenderingContext2D, at: Point): void {
  context.beginPath();
  for (const [dx, dy] of [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ]) {
    context.moveTo(at.x + 4 * dx, at.y + 4 * dy);
    context.lineTo(at.x + 11 * dx, at.y + 11 * dy);
  }
  stroke(context);
}
