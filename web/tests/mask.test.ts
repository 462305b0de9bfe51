import { expect, test } from "vitest";
import { squaredDistances } from "../src/mask/distance";
import { merge, readPart, toPart } from "../src/mask/exchange";
import { feather, grow, invert, shrink } from "../src/mask/morphology";
import { decodeGrey, encodeGrey } from "../src/mask/png";
import { pack, unpack } from "../src/mask/runs";
import { fillPolygon, fillRectangle } from "../src/mask/shapes";
import { paintSegment } from "../src/mask/strokes";
import { AREA, FULL, SparseMask } from "../src/mask/tiles";

/** Numbers that look like chance and are the same each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
}

function dense(mask: SparseMask): number[] {
  return Array.from({ length: mask.width * mask.height }, (_, at) =>
    mask.at(at % mask.width, Math.floor(at / mask.width)),
  );
}

test("a stroke marks what lies within its radius, across tiles", () => {
  const mask = new SparseMask(600, 300);
  const [a, b] = [
    { x: 230.5, y: 40.25 },
    { x: 420, y: 280 },
  ];
  paintSegment(mask, a, b, { radius: 30, hardness: 1, erase: false });
  for (let y = 0; y < 300; y += 3)
    for (let x = 0; x < 600; x += 3) {
      // Many points of the segment in place of the formula.
      let nearest = Infinity;
      for (let step = 0; step <= 2000; step++) {
        const [px, py] = [a.x + ((b.x - a.x) * step) / 2000, a.y + ((b.y - a.y) * step) / 2000];
        nearest = Math.min(nearest, Math.hypot(x + 0.5 - px, y + 0.5 - py));
      }
      const wanted = 255 * Math.min(1, Math.max(0, 30.5 - nearest));
      expect(Math.abs(mask.at(x, y) - wanted)).toBeLessThan(3);
    }
});

test("a soft tip fades from its core to its edge, and an eraser is its opposite", () => {
  const mask = new SparseMask(256, 256);
  const at = { x: 128, y: 128 };
  paintSegment(mask, at, at, { radius: 100, hardness: 0.5, erase: false });
  const row = Array.from({ length: 128 }, (_, x) => mask.at(x, 128));
  expect(row.slice(80).every((value) => value === 255)).toBe(true);
  expect(row.slice(28, 78)).toEqual(row.slice(28, 78).toSorted((one, other) => one - other));
  expect(mask.at(53, 128)).toBeGreaterThan(110);
  expect(mask.at(53, 128)).toBeLessThan(145);
  paintSegment(mask, at, at, { radius: 101, hardness: 1, erase: true });
  expect(mask.bounds()).toBeNull();
});

test("a lasso marks the pixels whose middle is inside", () => {
  const mask = new SparseMask(300, 280);
  const points = [
    { x: 10.2, y: 12.7 },
    { x: 290, y: 40 },
    { x: 150, y: 100 },
    { x: 270, y: 270.5 },
    { x: 30, y: 200 },
  ];
  fillPolygon(mask, points, 255);
  const inside = (x: number, y: number): boolean => {
    let odd = false;
    points.forEach((a, index) => {
      const b = points[(index + 4) % 5];
      if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) odd = !odd;
    });
    return odd;
  };
  for (let y = 0; y < 280; y++)
    for (let x = 0; x < 300; x++) expect(mask.at(x, y)).toBe(inside(x + 0.5, y + 0.5) ? 255 : 0);
});

test("a rectangle of whole tiles costs none, and is taken away again", () => {
  const mask = new SparseMask(12000, 9000);
  mask.record();
  fillRectangle(mask, 100, 100, 11000, 8000, 255);
  mask.recorded();
  expect(mask.bounds()).toEqual([100, 100, 10900, 7900]);
  expect([...mask.entries()].filter(([, tile]) => tile !== FULL).length).toBeLessThan(160);
  fillRectangle(mask, 0, 0, 12000, 9000, 0);
  expect(mask.bounds()).toBeNull();
});

test("distances are those of the naive search", () => {
  const chance = random(3);
  const inside = Uint8Array.from({ length: 31 * 23 }, () => (chance() < 0.03 ? 1 : 0));
  const squares = squaredDistances(inside, 31, 23);
  for (let at = 0; at < inside.length; at++) {
    let nearest = Infinity;
    inside.forEach((value, other) => {
      const [dx, dy] = [(at % 31) - (other % 31), Math.floor(at / 31) - Math.floor(other / 31)];
      if (value) nearest = Math.min(nearest, dx * dx + dy * dy);
    });
    expect(squares[at]).toBe(nearest);
  }
});

test("grow and shrink move the border by their radius, also over tiles and at the photo's edge", () => {
  const mask = new SparseMask(520, 300);
  fillRectangle(mask, 0, 100, 250, 200, 255);
  grow(mask, 10);
  expect(mask.bounds()).toEqual([0, 90, 260, 120]);
  expect([mask.at(259, 150), mask.at(260, 150), mask.at(259, 90)]).toEqual([255, 0, 0]);
  shrink(mask, 10);
  expect(mask.bounds()).toEqual([0, 100, 250, 100]);
});

test("feather keeps the middle of the edge and its sum", () => {
  const mask = new SparseMask(512, 256);
  fillRectangle(mask, 0, 0, 256, 256, 255);
  feather(mask, 16);
  const row = Array.from({ length: 512 }, (_, x) => mask.at(x, 100));
  expect(row[200]).toBe(255);
  expect(row[300]).toBe(0);
  expect(Math.abs(row[255] + row[256] - 255)).toBeLessThan(3);
  expect(row.slice(220, 300)).toEqual(row.slice(220, 300).toSorted((one, other) => other - one));
});

test("invert twice gives the mask back", () => {
  const mask = new SparseMask(300, 300);
  paintSegment(mask, { x: 20, y: 20 }, { x: 290, y: 270 }, { radius: 12, hardness: 0.3, erase: false });
  const before = dense(mask);
  invert(mask);
  expect(dense(mask)).toEqual(before.map((value) => 255 - value));
  invert(mask);
  expect(dense(mask)).toEqual(before);
});

test("a change that is taken back leaves nothing, one that is kept tells what was there", () => {
  const mask = new SparseMask(300, 300);
  fillRectangle(mask, 10, 10, 200, 200, 255);
  const before = dense(mask);
  mask.record();
  fillRectangle(mask, 0, 0, 300, 300, 255);
  mask.revert();
  expect(dense(mask)).toEqual(before);
  mask.record();
  fillRectangle(mask, 5, 5, 30, 30, 0);
  for (const [key, tile] of mask.recorded()) mask.set(key, tile);
  expect(dense(mask)).toEqual(before);
});

test("tiles survive packing", () => {
  const chance = random(5);
  const noise = Uint8Array.from({ length: AREA }, () => chance() * 256);
  const plain = new Uint8Array(AREA).fill(9, 1000, 30000);
  for (const tile of [undefined, FULL, noise, plain]) expect(unpack(pack(tile))).toEqual(tile);
  expect((pack(plain) as Uint8Array).length).toBeLessThan(1000);
});

test("a grey PNG comes back as it was written", async () => {
  const chance = random(7);
  const rows = Array.from({ length: 150 }, () => Uint8Array.from({ length: 61 }, () => chance() * 256));
  const file = await encodeGrey(61, 150, (y, line) => line.set(rows[y]));
  const read: Uint8Array[] = [];
  await decodeGrey(new Uint8Array(await file.arrayBuffer()), (_, line) => read.push(line.slice()));
  expect(read).toEqual(rows);
});

test("a mask travels as its box, and is added or taken away", async () => {
  const mask = new SparseMask(700, 600);
  paintSegment(mask, { x: 200, y: 240 }, { x: 300, y: 300 }, { radius: 20, hardness: 0.5, erase: false });
  const part = (await toPart(mask))!;
  expect(part.box).toEqual(mask.bounds());
  const other = new SparseMask(700, 600);
  await readPart(other, part);
  expect(dense(other)).toEqual(dense(mask));
  fillRectangle(other, 0, 0, 700, 600, 255);
  merge(other, mask, true);
  expect(dense(other)).toEqual(dense(mask).map((value) => 255 - value));
});
