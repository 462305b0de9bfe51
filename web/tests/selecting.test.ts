import { server } from "./browser";
import { beforeEach, expect, test } from "vitest";
import { begin, marked } from "./page";
import { current, margin, message } from "../src/editor/state";
import { fillRectangle } from "../src/mask/shapes";
import { SparseMask } from "../src/mask/tiles";
import { toPart } from "../src/mask/exchange";
import { text } from "../src/text";
import { toolCard } from "../src/tools";

const part = async (left: number) => {
  const mask = new SparseMask(600, 400);
  fillRectangle(mask, left, 100, left + 40, 140, 255);
  return (await toPart(mask))!;
};

async function click(x: number, more: { shift?: boolean; erase?: boolean } = {}): Promise<void> {
  const at = { x, y: 120, shift: false, erase: false, ...more };
  const { tool } = toolCard("object");
  tool.start(at);
  await tool.end(at);
}

beforeEach(async () => {
  begin();
  margin.value = 0;
  server.answers["/select"] = await part(100);
  await click(120);
});

test("a better answer replaces the object", async () => {
  server.answers["/select"] = await part(300);
  await click(320, { shift: true });
  expect([marked(120, 120), marked(320, 120)]).toEqual([false, true]);
  current.value!.history.stepBack();
  expect(current.value!.masks.hole.empty).toBe(true);
});

test.each([{ shift: true }, { erase: true }])("a click that fails keeps the object: %o", async (held) => {
  server.answers["/select"] = new TypeError("down");
  await click(130, held);
  expect(marked(120, 120)).toBe(true);
  expect(message.value).toEqual({ kind: "problem", text: text().problems.unreachable });
  // The object can still be added to.
  server.answers["/select"] = await part(300);
  await click(320, { shift: true });
  expect([marked(120, 120), marked(320, 120)]).toEqual([false, true]);
});

test("an answer that cannot be read keeps the object", async () => {
  server.answers["/select"] = { box: [300, 100, 40, 40], mask: "bm8gUE5H" };
  await click(320, { shift: true });
  expect(marked(120, 120)).toBe(true);
  expect(message.value!.kind).toBe("problem");
});

test("where nothing is found, it is said so, and the object is kept", async () => {
  server.answers["/select"] = { box: null, mask: null };
  await click(320, { shift: true });
  expect(marked(120, 120)).toBe(true);
  expect(message.value!.text).toBe(text().status.nothingFound);
});
