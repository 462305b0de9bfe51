// Open, save, copy, paste, drop.
import * as api from "../api/client";
import { Problem } from "../api/client";
import type { Photo } from "../api/types";
import { toPart } from "../mask/exchange";
import { text } from "../text";
import { forgetLastEnd } from "../tools/brush";
import { fit } from "../view/pointers";
import { ask } from "./ask";
import { resumeFill } from "./fill";
import { meant } from "./dropped";
import { addPart } from "./marks";
import { OpenPhoto } from "./open-photo";
import { addReferences } from "./references";
import {
  current,
  downloaded,
  dragging,
  finished,
  info,
  mayOpen,
  opening,
  photo,
  running,
  size,
  tell,
  tellProblem,
  unsaved,
  working,
} from "./state";
import { applyState } from "./sync";
import { choose } from "./variants";

/** Shows a photo that the server has open. */
export function show(state: Photo): void {
  void choose(null); // what is offered is for the photo before
  current.value?.close();
  photo.value = state;
  current.value = new OpenPhoto(state);
  size.value = Math.max(8, Math.round(Math.min(state.width, state.height) * 0.05));
  forgetLastEnd();
  location.hash = state.id;
  document.title = `${state.name} – retouch`;
  fit();
  tell(state.notes.join(" "));
  if (state.job) void resumeFill(state.job);
}

async function opened(make: () => Promise<Photo>): Promise<void> {
  if (!mayOpen.value || running.value || !(await mayLeave())) return;
  working.value = opening.value = true;
  try {
    const before = photo.value;
    show(await make());
    if (before && before.id !== photo.value?.id) await api.closePhoto(before.id).catch(() => undefined);
  } catch (problem) {
    tellProblem(problem);
  } finally {
    working.value = opening.value = false;
  }
}

export const openFile = (file: File) => opened(() => api.uploadPhoto(file, file.name || "picture.png"));
export const openPath = (path: string) => opened(() => api.openPath(path));

/** Fills that are not saved would be lost: asks. */
async function mayLeave(): Promise<boolean> {
  if (!unsaved.value) return true;
  const words = text().leave;
  const answer = await ask(words.title, words.text, [
    { id: "save", label: words.save, primary: true },
    { id: "leave", label: words.leave },
    { id: "cancel", label: words.stay },
  ]);
  if (answer === "save") return save();
  return answer === "leave";
}

/** A picture that was dropped or pasted: a new photo, or for this one another view of the place, or a mask. */
export async function receive(file: File): Promise<void> {
  if (!photo.value) return openFile(file);
  const words = text().receive;
  const answer = await ask(words.title, words.text(file.name), [
    ...(mayOpen.value ? [{ id: "photo", label: words.photo, primary: true }] : []),
    { id: "reference", label: words.reference, primary: !mayOpen.value },
    { id: "mask", label: words.mask },
    { id: "cancel", label: words.cancel },
  ]);
  if (answer === "photo") await openFile(file);
  else if (answer === "reference") await addReferences([file]);
  else if (answer === "mask") await loadMask(file);
}

async function receiveAll(files: File[], onStrip: boolean): Promise<void> {
  const { one, references } = meant(files, photo.value !== null, onStrip);
  if (one) await receive(one);
  await addReferences(references);
}

/** Saves where the server keeps the photo, or downloads it where there is no such place. */
export async function save(): Promise<boolean> {
  const state = photo.value;
  if (!state) return false;
  if (info.value?.mode !== "edit" && !info.value?.files) {
    downloadAs();
    return true;
  }
  try {
    await wasSaved(state.id, await saveAsking(state.id));
    return true;
  } catch (problem) {
    tellProblem(problem);
    return false;
  }
}

async function wasSaved(id: string, path: string | null): Promise<void> {
  tell(text().status.saved(path ?? ""));
  applyState(await api.getPhoto(id));
}

async function saveAsking(id: string): Promise<string> {
  try {
    return (await api.save(id)).path;
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code !== "exists") throw problem;
    const words = text().overwrite;
    const answer = await ask(words.title, problem.message, [
      { id: "yes", label: words.yes, primary: true },
      { id: "no", label: words.no },
    ]);
    if (answer !== "yes") throw new Error(text().status.notSaved);
    return (await api.save(id, true)).path;
  }
}

export function downloadAs(format?: string): void {
  const state = photo.value;
  if (!state) return;
  downloaded.value = state;
  download(api.fileUrl(state.id, format), format ? state.name.replace(/\.[^.]*$/, `.${format}`) : state.name);
}

function download(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

export async function saveMask(): Promise<void> {
  const [open, state] = [current.value, photo.value];
  if (!open || !state) return;
  try {
    const part = await toPart(open.masks.hole);
    if (!part) return tell(text().status.nothingMarked);
    const url = URL.createObjectURL(await api.writeMask(state.id, part));
    download(url, state.name.replace(/\.[^.]*$/, "-mask.png"));
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (problem) {
    tellProblem(problem);
  }
}

export async function loadMask(file: Blob): Promise<void> {
  const state = photo.value;
  if (!state) return;
  try {
    const part = await api.readMask(state.id, file);
    await addPart("hole", part, false);
    tell((part.notes ?? []).join(" "));
  } catch (problem) {
    tellProblem(problem);
  }
}

/** The whole photo as it is now, as a PNG in the clipboard. */
export async function copyPicture(): Promise<void> {
  const state = photo.value;
  if (!state) return;
  const png = fetch(api.fileUrl(state.id, "png")).then((response) => response.blob());
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    tell(text().status.copied);
  } catch {
    tell(text().problems.clipboard, "problem");
  }
}

/** Ends the editing where a program waits for it; elsewhere the photo is saved, and one may go on. */
export async function finish(how: "done" | "discard"): Promise<void> {
  try {
    const { path } = await api.finish(how);
    if (info.value?.wait) finished.value = how;
    else if (photo.value) await wasSaved(photo.value.id, path);
  } catch (problem) {
    tellProblem(problem);
  }
}

export function watchDrops(): void {
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    dragging.value = event.dataTransfer?.types.includes("Files") ?? false;
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) dragging.value = false; // it left the window
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    dragging.value = false;
    const onStrip = event.target instanceof Element && event.target.closest("#references") !== null;
    void receiveAll([...(event.dataTransfer?.files ?? [])], onStrip);
  });
  window.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    void receive(file);
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved.value) event.preventDefault();
  });
}
