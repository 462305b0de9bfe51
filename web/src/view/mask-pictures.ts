// Pictures of mask tiles, coloured and as small as the screen needs them.
import { FULL, SIDE, type SparseMask, type Tile } from "../mask/tiles";
import { toPhoto, type Camera, type View } from "./camera";
import { deviceCorner } from "./pyramid";

/** Red, green, blue, and how opaque a full mark is; 0 to 255. */
export type Ink = [number, number, number, number];

interface Picture {
  stamp: number;
  level: number;
  canvas: OffscreenCanvas;
}

export class MaskPictures {
  private readonly pictures = new Map<number, Picture>();

  constructor(
    private readonly mask: SparseMask,
    private readonly ink: Ink,
  ) {}

  draw(context: CanvasRenderingContext2D, camera: Camera, view: View): void {
    const { mask } = this;
    const level = Math.min(6, Math.max(0, Math.floor(-Math.log2(camera.scale) + 0.01)));
    const topLeft = toPhoto(camera, view, { x: 0, y: 0 });
    const bottomRight = toPhoto(camera, view, { x: view.width, y: view.height });
    context.imageSmoothingEnabled = camera.scale < 2;
    const [red, green, blue, opacity] = this.ink;
    context.fillStyle = `rgb(${red} ${green} ${blue} / ${opacity / 255})`;
    for (const [key, tile] of mask.entries()) {
      const x = (key % mask.columns) * SIDE;
      const y = Math.floor(key / mask.columns) * SIDE;
      if (x > bottomRight.x || y > bottomRight.y || x + SIDE < topLeft.x || y + SIDE < topLeft.y) continue;
      const width = mask.insideColumns(key);
      const height = mask.insideRows(key);
      const from = deviceCorner(camera, view, x, y);
      const to = deviceCorner(camera, view, x + width, y + height);
      if (tile === FULL) context.fillRect(from.x, from.y, to.x - from.x, to.y - from.y);
      else
        context.drawImage(
          this.picture(key, tile, level),
          0,
          0,
          width / 2 ** level,
          height / 2 ** level,
          from.x,
          from.y,
          to.x - from.x,
          to.y - from.y,
        );
    }
    if (this.pictures.size > 2048) this.pictures.clear();
  }

  private picture(key: number, tile: Tile, level: number): OffscreenCanvas {
    const known = this.pictures.get(key);
    const stamp = this.mask.stamp(key);
    if (known && known.level === level && known.stamp === stamp) return known.canvas;
    const side = SIDE >> level;
    const canvas = known?.level === level ? known.canvas : new OffscreenCanvas(side, side);
    const context = canvas.getContext("2d")!;
    context.putImageData(this.coloured(tile, level), 0, 0);
    this.pictures.set(key, { stamp, level, canvas });
    return canvas;
  }

  /** Smaller pictures show the strongest mark of each square, so that thin strokes stay visible. */
  private coloured(tile: Tile, level: number): ImageData {
    const side = SIDE >> level;
    const step = 1 << level;
    const picture = new ImageData(side, side);
    const [red, green, blue, opacity] = this.ink;
    for (let y = 0, at = 0; y < side; y++)
      for (let x = 0; x < side; x++, at += 4) {
        let most = 0;
        for (let row = 0; row < step; row++)
          for (let from = ((y * step + row) << 8) | (x * step), end = from + step; from < end; from++)
            if (tile[from] > most) most = tile[from];
        picture.data[at] = red;
        picture.data[at + 1] = green;
        picture.data[at + 2] = blue;
        picture.data[at + 3] = (most * opacity) / 255;
      }
    return picture;
  }
}
