// Masks on their way to the server and back: a box and a grey PNG in base64.
import type { MaskPart } from "../api/types";
import { decodeGrey, encodeGrey } from "./png";
import { SIDE, type SparseMask } from "./tiles";

/** The marked part of a mask, or null if nothing is marked. */
export async function toPart(mask: SparseMask): Promise<MaskPart | null> {
  const box = mask.bounds();
  if (!box) return null;
  const [left, top, width, height] = box;
  const file = await encodeGrey(width, height, (y, line) => copyRow(mask, left, top + y, line));
  return { box, mask: base64(new Uint8Array(await file.arrayBuffer())) };
}

function copyRow(mask: SparseMask, left: number, y: number, line: Uint8Array): void {
  for (let x = left; x < left + line.length;) {
    const end = Math.min(left + line.length, ((x >> 8) + 1) * SIDE);
    const tile = mask.get(mask.key(x >> 8, y >> 8));
    const at = ((y & 255) << 8) | (x & 255);
    if (tile) line.set(tile.subarray(at, at + end - x), x - left);
    x = end;
  }
}

/** Marks in an empty mask what the part marks. */
export async function readPart(mask: SparseMask, part: MaskPart): Promise<void> {
  const [left, top] = part.box;
  await decodeGrey(fromBase64(part.mask), (y, line) => {
    for (let x = 0; x < line.length;) {
      const column = (left + x) >> 8;
      const end = Math.min(line.length, (column + 1) * SIDE - left);
      const values = line.subarray(x, end);
      const key = mask.key(column, (top + y) >> 8);
      if (values.some((value) => value > 0))
        mask.writable(key).set(values, (((top + y) & 255) << 8) | ((left + x) & 255));
      x = end;
    }
  });
}

/** Adds what another mask marks, or takes it away. */
export function merge(mask: SparseMask, given: SparseMask, erase: boolean): void {
  for (const [key, values] of given.entries()) {
    if (erase && !mask.get(key)) continue;
    const tile = mask.writable(key);
    values.forEach((value, at) => {
      tile[at] = erase ? Math.min(tile[at], 255 - value) : Math.max(tile[at], value);
    });
  }
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 32768)
    binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
