// Filling: marks go to the server, progress comes back, and nothing is lost when it fails.
import * as api from "../api/client";
import { followJob } from "../api/jobs";
import type { Box, FillRequest, Job, Photo } from "../api/types";
import { toPart } from "../mask/exchange";
import type { SparseMask } from "../mask/tiles";
import { text } from "../text";
import { MaskPictures } from "../view/mask-pictures";
import type { Entry, Layer } from "./history";
import { changed, emptied } from "./marks";
import type { OpenPhoto } from "./open-photo";
import {
  anyLight,
  atOnce,
  choice,
  current,
  hasMarks,
  info,
  model,
  opening,
  photo,
  redraw,
  referencesOnly,
  running,
  seed,
  showConfidence,
  tell,
  tellProblem,
  variants,
} from "./state";
import { applyState } from "./sync";
import { offerChoice } from "./variants";

const PENDING_INK: [number, number, number, number] = [150, 160, 175, 110];

/** Fills what is marked, or what is transparent. */
export async function fill(what: "marks" | "transparent" = "marks"): Promise<void> {
  const open = current.value;
  const state = photo.value;
  if (!open || !state || running.value || choice.value || opening.value) return;
  if (what === "marks" && open.masks.hole.empty) return tell(text().status.nothingMarked);
  tell("");
  running.value = { job: null, fraction: 0, preview: null };
  open.history.settle();
  // Taken before anything is waited for: marks that are made from now on are for the next fill.
  const taken = { hole: open.masks.hole.copy(), lines: open.masks.lines.copy() };
  const entry = takeMarks(open, what, taken.hole);
  let ended: Job["state"] | null = null;
  try {
    const request = await makeRequest({ ...open.masks, ...taken }, what);
    const { job } = await api.startFill(state.id, request);
    if (running.value) running.value = { ...running.value, job };
    if (cancelWanted) await api.cancelJob(job);
    ended = await followToEnd(job, open, entry);
  } catch (problem) {
    giveBack(open, entry);
    tellProblem(problem);
  } finally {
    cancelWanted = false;
  }
  const markedMeanwhile = hasMarks.value && open.history.last !== entry;
  if (atOnce.value && ended === "done" && markedMeanwhile) void fill();
}

/** A job that runs already, because the page was loaded anew: follow it. */
export async function resumeFill(job: string): Promise<void> {
  const open = current.value;
  if (!open || running.value) return;
  running.value = { job, fraction: 0, preview: null };
  const entry = open.history.add({}, null);
  try {
    await followToEnd(job, open, entry);
  } catch (problem) {
    giveBack(open, entry);
    tellProblem(problem);
  }
}

async function makeRequest(
  masks: Record<Layer, SparseMask>,
  what: "marks" | "transparent",
): Promise<FillRequest> {
  const request: FillRequest = {};
  if (what === "transparent") request.transparent = true;
  else Object.assign(request, await toPart(masks.hole));
  if (model.value && info.value?.models.some(({ name }) => name === model.value)) request.model = model.value;
  if (seed.value !== null) request.seed = seed.value;
  if (showConfidence.value) request.confidence = true;
  if (variants.value > 1) request.variants = variants.value;
  if (photo.value?.references.length) {
    if (referencesOnly.value) request.references_only = true;
    if (anyLight.value) request.any_light = true;
  }
  for (const layer of ["include", "avoid", "lines"] as const) {
    if (layer === "lines" && !info.value?.lines) continue;
    const part = await toPart(masks[layer]);
    if (part) request[layer] = part;
  }
  return request;
}

/** Hole and lines go into the fill; where to borrow and where not stays for the next one. */
function takeMarks(open: OpenPhoto, what: "marks" | "transparent", pending: SparseMask): Entry | null {
  if (what === "transparent") return open.history.add({}, null);
  const { hole, lines } = open.masks;
  open.pending = new MaskPictures(pending, PENDING_INK);
  const entry = open.history.add({ hole: emptied(hole), lines: emptied(lines) }, null);
  changed();
  return entry;
}

export function giveBack(open: OpenPhoto, entry: Entry | null): void {
  if (entry) open.history.giveBack(entry);
  open.pending = null;
  running.value = null;
  changed();
}

/** How the job ended, once the page shows it. */
async function followToEnd(id: string, open: OpenPhoto, entry: Entry | null): Promise<Job["state"]> {
  const job = await followJob(id, (progress) => {
    if (!running.value) return;
    running.value = { ...running.value, fraction: progress.fraction };
    if (progress.preview) void showPreview(progress.preview.url, progress.preview.box);
  });
  if (job.state === "failed") throw new Error(job.message ?? text().problems.fill);
  if (job.state === "cancelled") {
    giveBack(open, entry);
    tell(text().status.cancelled);
  } else if (job.variants && job.variants.length > 1) await offerChoice(job, open, entry);
  else await fillTaken(await api.getPhoto(open.state.id), open, entry);
  return job.state;
}

let previewWanted = "";

async function showPreview(url: string, box: Box): Promise<void> {
  previewWanted = url;
  const bitmap = await api.fetchPicture(url).catch(() => null);
  if (!bitmap) return;
  if (!running.value || previewWanted !== url) return bitmap.close();
  running.value.preview?.bitmap.close();
  running.value = { ...running.value, preview: { box, bitmap } };
  redraw.request();
}

export async function fillTaken(state: Photo, open: OpenPhoto, entry: Entry | null): Promise<void> {
  if (entry) entry.edit = state.edits.at(-1)?.id ?? null;
  applyState(state);
  const seconds = state.edits.at(-1)?.seconds;
  open.pending = null;
  // The preview stays until the new tiles are there, so that the old picture does not flash.
  const shown = running.value?.preview;
  if (shown) await settled(open);
  shown?.bitmap.close();
  running.value = null;
  changed();
  tell(text().status.filled(seconds ?? null));
}

function settled(open: OpenPhoto): Promise<void> {
  return new Promise((resolve) => {
    let left = 60;
    const look = (): void => {
      if (open.pyramids.photo.settled || left-- === 0) resolve();
      else setTimeout(look, 16);
    };
    requestAnimationFrame(look);
  });
}

let cancelWanted = false;

export function cancelFill(): void {
  if (!running.value) return;
  const { job } = running.value;
  if (job) api.cancelJob(job).catch(tellProblem);
  else cancelWanted = true;
}
