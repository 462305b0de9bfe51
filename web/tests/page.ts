// The page with a photo open, for tests of its logic.
import { aPhoto, anInfo, server } from "./browser";
import type { Info, Photo } from "../src/api/types";
import { show } from "../src/editor/files";
import { change } from "../src/editor/marks";
import * as state from "../src/editor/state";
import { fillRectangle } from "../src/mask/shapes";

/** Opens the page anew, with a photo. */
export function begin(info: Partial<Info> = {}, photo: Partial<Photo> = {}): void {
  Object.assign(server, { asked: [], jobs: 0, fill: null, answers: {} });
  state.info.value = anInfo(info);
  state.atOnce.value = false;
  state.message.value = null;
  state.finished.value = null;
  show(aPhoto("a", photo));
}

/** Marks 40 × 30 pixels. */
export const mark = (left: number) =>
  change("hole", (mask) => fillRectangle(mask, left, 10, left + 40, 40, 255));

export const marked = (x: number, y = 20): boolean => state.current.value!.masks.hole.at(x, y) > 0;
