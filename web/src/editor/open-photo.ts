// What belongs to one open photo: its tiles, its masks, its history.
import { tileUrl } from "../api/client";
import type { Box, Photo } from "../api/types";
import { SparseMask } from "../mask/tiles";
import { MaskPictures, type Ink } from "../view/mask-pictures";
import { Pyramid, touches } from "../view/pyramid";
import { History, type Layer } from "./history";
import { photo, redraw } from "./state";

export const LAYERS: Layer[] = ["avoid", "include", "lines", "hole"];

export const INKS: Record<Layer, Ink> = {
  hole: [236, 64, 82, 140],
  include: [60, 190, 110, 130],
  avoid: [245, 170, 40, 130],
  lines: [70, 160, 255, 200],
};

type Kind = "photo" | "before" | "confidence" | "sources";

export class OpenPhoto {
  readonly masks: Record<Layer, SparseMask>;
  readonly pictures: Record<Layer, MaskPictures>;
  readonly pyramids: Record<Kind, Pyramid>;
  readonly history: History;
  /** What is being filled, shown in a quieter colour. */
  pending: MaskPictures | null = null;

  constructor(readonly state: Photo) {
    const make = <T>(of: (layer: Layer) => T): Record<Layer, T> => ({
      hole: of("hole"),
      include: of("include"),
      avoid: of("avoid"),
      lines: of("lines"),
    });
    this.masks = make(() => new SparseMask(state.width, state.height));
    this.pictures = make((layer) => new MaskPictures(this.masks[layer], INKS[layer]));
    this.history = new History(this.masks);
    const pyramid = (kind: Kind, borrow?: ConstructorParameters<typeof Pyramid>[3]): Pyramid =>
      new Pyramid(
        state,
        (level, column, row) =>
          tileUrl(state.id, kind, level, column, row, photo.peek()?.revision ?? state.revision),
        () => redraw.request(),
        borrow,
      );
    const now = pyramid("photo");
    // Where nothing was filled, the photo is what it was before.
    const same = (level: number, column: number, row: number): ImageBitmap | null =>
      photo.peek()?.edits.some(({ box }) => touches(box, state.tile, level, column, row))
        ? null
        : now.bitmap(level, column, row);
    this.pyramids = {
      photo: now,
      before: pyramid("before", same),
      confidence: pyramid("confidence"),
      sources: pyramid("sources"),
    };
  }

  invalidate(box: Box): void {
    this.pyramids.photo.invalidate(box);
    this.pyramids.confidence.invalidate(box);
    this.pyramids.sources.invalidate(box);
  }

  close(): void {
    for (const pyramid of Object.values(this.pyramids)) pyramid.close();
  }
}
