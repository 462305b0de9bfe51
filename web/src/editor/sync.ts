// Keep the page's picture of the photo what the server's is, also when another tab changes it.
import * as api from "../api/client";
import type { Photo } from "../api/types";
import { changed } from "./marks";
import { current, photo, tellProblem } from "./state";

const tabs = new BroadcastChannel("retouch");

/** Takes a new state over: what differs between the two lists of edits is fetched again. */
export function applyState(next: Photo, fromAnotherTab = false): void {
  const before = photo.value;
  photo.value = next;
  const open = current.value;
  if (!open || !before || before.id !== next.id || before.revision === next.revision) return;
  const had = new Set(before.edits.map(({ id }) => id));
  const has = new Set(next.edits.map(({ id }) => id));
  for (const edit of before.edits) if (!has.has(edit.id)) open.invalidate(edit.box);
  for (const edit of next.edits) if (!had.has(edit.id)) open.invalidate(edit.box);
  if (!fromAnotherTab) tellOtherTabs(next.id);
  changed();
}

export function tellOtherTabs(id: string): void {
  tabs.postMessage(id);
}

async function look(): Promise<void> {
  const state = photo.value;
  if (!state) return;
  try {
    applyState(await api.getPhoto(state.id), true);
  } catch (problem) {
    tellProblem(problem);
  }
}

export function watchOtherTabs(): void {
  tabs.addEventListener("message", (event) => {
    if (event.data === photo.value?.id) void look();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void look();
  });
}
