// Other photos of the same place, which fills are made from.
import * as api from "../api/client";
import { photo, running, tellProblem, working } from "./state";
import { applyState, tellOtherTabs } from "./sync";

/** Adds them one after the other; what is wrong with one is told, and the others are added all the same. */
export async function addReferences(files: File[]): Promise<void> {
  const id = photo.value?.id;
  if (!id || files.length === 0) return;
  working.value = true;
  let wrong: unknown = null;
  for (const file of files) {
    if (photo.value?.id !== id) break;
    try {
      take(id, await api.addReference(id, file, file.name || "picture.png"));
    } catch (problem) {
      wrong ??= problem;
    }
  }
  working.value = false;
  if (wrong) tellProblem(wrong);
}

export async function removeReference(reference: string): Promise<void> {
  const id = photo.value?.id;
  if (!id || running.value) return;
  try {
    take(id, await api.removeReference(id, reference));
  } catch (problem) {
    tellProblem(problem);
  }
}

function take(id: string, state: Parameters<typeof applyState>[0]): void {
  if (photo.value?.id !== id) return; // another photo was opened meanwhile
  applyState(state);
  tellOtherTabs(id);
}
