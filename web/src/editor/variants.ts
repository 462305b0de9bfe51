// Variants of a fill: shown side by side, until one is taken or none.
import * as api from "../api/client";
import type { Box, Job } from "../api/types";
import { toView, type Camera } from "../view/camera";
import { panBy } from "../view/pointers";
import { fillTaken, giveBack } from "./fill";
import type { Entry } from "./history";
import { changed } from "./marks";
import type { OpenPhoto } from "./open-photo";
import { camera, choice, running, tellProblem, view } from "./state";

let undecided: { open: OpenPhoto; entry: Entry | null; seen: Camera; moved: Camera } | null = null;

export async function offerChoice(job: Job, open: OpenPhoto, entry: Entry | null): Promise<void> {
  const shown = await Promise.all(
    job.variants!.map(async (variant) => ({
      ...variant,
      bitmap: await api.fetchPicture(api.variantUrl(open.state.id, variant.id)),
    })),
  );
  const seen = camera.value;
  keepInSight(shown[0].box);
  undecided = { open, entry, seen, moved: camera.value };
  running.value = null;
  open.pending = null;
  choice.value = { job: job.id, variants: shown, shown: 0 };
  changed();
}

/** The strip of variants covers the lower part of the view; the hole goes above it. */
function keepInSight([left, top, width, height]: Box): void {
  const at = toView(camera.value, view.value, { x: left + width / 2, y: top + height / 2 });
  if (at.y > view.value.height * 0.4) panBy(0, view.value.height * 0.3 - at.y);
}

/** Takes one of the variants, or none of them. */
export async function choose(index: number | null): Promise<void> {
  const offered = choice.value;
  if (!offered || !undecided) return;
  const { open, entry, seen, moved } = undecided;
  try {
    if (index === null) giveBack(open, entry);
    else await fillTaken(await api.takeVariant(open.state.id, offered.variants[index].id), open, entry);
  } catch (problem) {
    return tellProblem(problem);
  }
  undecided = null;
  choice.value = null;
  if (camera.value === moved) camera.value = seen;
  for (const { bitmap } of offered.variants) bitmap.close();
  changed();
}
