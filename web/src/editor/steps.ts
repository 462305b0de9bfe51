// Undo and redo: marks are undone here, fills by the server.
import * as api from "../api/client";
import { Problem } from "../api/client";
import { cancelFill } from "./fill";
import { changed } from "./marks";
import { choice, current, photo, tell, tellProblem } from "./state";
import { applyState } from "./sync";
import { choose } from "./variants";

let step: Promise<void> = Promise.resolve();

/** One step back: marks here, a fill on the server. Steps wait for each other. */
export function undo(): Promise<void> {
  return (step = step.then(() => trying(undoOne)));
}

export function redo(): Promise<void> {
  return (step = step.then(() => trying(redoOne)));
}

/** If another tab was faster, looks at what it did and tries again. */
async function trying(act: () => Promise<void>): Promise<void> {
  tell("");
  try {
    await act().catch(async (problem) => {
      if (!(problem instanceof Problem) || problem.code !== "stale") throw problem;
      applyState(await api.getPhoto(photo.value!.id), true);
      await act();
    });
  } catch (problem) {
    tellProblem(problem);
  }
}

async function undoOne(): Promise<void> {
  const open = current.value;
  const state = photo.value;
  if (!open || !state) return;
  if (choice.value) return choose(null);
  open.history.settle();
  const entry = open.history.last;
  if (entry && entry.edit === undefined) open.history.stepBack();
  else if (entry?.edit === null) return cancelFill();
  else if (state.undo) {
    // Another tab may have filled since: then its fill goes first.
    const own = entry && state.edits.at(-1)?.id === entry.edit;
    const next = await api.step(state.id, "undo", state.revision);
    if (own) open.history.stepBack();
    else open.history.followedServer();
    applyState(next);
  } else if (entry) open.history.stepBack();
  changed();
}

async function redoOne(): Promise<void> {
  const open = current.value;
  const state = photo.value;
  if (!open || !state || !open.history.canRedo(state)) return;
  const entry = open.history.next;
  if (entry && entry.edit === undefined) open.history.stepForward();
  else if (state.redo) {
    const next = await api.step(state.id, "redo", state.revision);
    if (entry) {
      open.history.stepForward();
      entry.edit = next.edits.at(-1)?.id ?? null;
    }
    applyState(next);
  } else open.history.forgetUndone();
  changed();
}
