import { end, server } from "./browser";
import { beforeEach, expect, test, vi } from "vitest";
import { begin, mark, marked } from "./page";
import { cancelFill, fill } from "../src/editor/fill";
import { show } from "../src/editor/files";
import { addPart } from "../src/editor/marks";
import { atOnce, choice, current, message, opening, running, size } from "../src/editor/state";
import { undo } from "../src/editor/steps";
import { choose } from "../src/editor/variants";
import { toPart } from "../src/mask/exchange";
import { fillRectangle } from "../src/mask/shapes";
import { SparseMask } from "../src/mask/tiles";
import { toolCard } from "../src/tools";
import { aPhoto } from "./browser";

beforeEach(() => begin());

const started = (job: string) => vi.waitUntil(() => running.value?.job === job);
const over = () => vi.waitUntil(() => !running.value);

const VARIANTS = [0, 1].map((seed) => ({ id: `v${seed}`, box: [10, 10, 40, 30], seed }));

async function offer(): Promise<void> {
  mark(10);
  void fill();
  await started("job1");
  end("job1", "done", { variants: VARIANTS });
  await vi.waitUntil(() => choice.value);
}

test("marks that are made while the first ones are encoded are kept for the next fill", async () => {
  mark(10);
  void fill();
  mark(300);
  await started("job1");
  expect(server.fill!.box).toEqual([10, 10, 40, 30]);
  expect([marked(20), marked(320)]).toEqual([false, true]);
  cancelFill();
  await over();
  expect([marked(20), marked(320)]).toEqual([true, true]);
});

test("a fill that cannot be sent gives its marks back", async () => {
  server.answers["/fills"] = new TypeError("down");
  mark(10);
  await fill();
  expect(marked(20)).toBe(true);
  expect(message.value!.kind).toBe("problem");
});

test("a cancelled fill stays cancelled, also where strokes fill at once", async () => {
  atOnce.value = true;
  mark(10);
  const filling = fill();
  await started("job1");
  mark(300);
  cancelFill();
  await filling;
  expect(server.jobs).toBe(1);
  expect(running.value).toBeNull();
  expect([marked(20), marked(320)]).toEqual([true, true]);
});

test("marks made during a fill are filled after it, where strokes fill at once", async () => {
  atOnce.value = true;
  mark(10);
  void fill();
  await started("job1");
  mark(300);
  end("job1", "done");
  await started("job2");
  expect(server.fill!.box).toEqual([300, 10, 40, 30]);
  end("job2", "done");
  await over();
  expect(server.jobs).toBe(2);
});

test("a step back dismisses variants, and the next fill is not cancelled", async () => {
  await offer();
  await undo();
  expect(choice.value).toBeNull();
  expect(marked(20)).toBe(true);
  cancelFill(); // nothing runs
  void fill();
  await started("job2");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(running.value?.job).toBe("job2");
  expect(server.asked.filter((each) => each.startsWith("DELETE"))).toEqual([]);
  end("job2", "done");
  await over();
});

test("another photo is opened without the variants of the one before", async () => {
  await offer();
  const closed = choice.value!.variants.map(({ bitmap }) => vi.spyOn(bitmap, "close"));
  show(aPhoto("b"));
  expect(choice.value).toBeNull();
  for (const each of closed) expect(each).toHaveBeenCalled();
  await choose(0);
  expect(server.asked.filter((each) => each.startsWith("POST") && each.includes("variants"))).toEqual([]);
});

test("what is undone, filled or added in the middle of a stroke leaves all of it in the history", async () => {
  const { tool } = toolCard("brush");
  const at = (x: number) => ({ x, y: 20, shift: false, erase: false });
  size.value = 20;
  const given = new SparseMask(600, 400);
  fillRectangle(given, 300, 10, 340, 40, 255);
  const part = (await toPart(given))!;
  for (const meanwhile of [() => mark(300), undo, () => addPart("hole", part, false)]) {
    begin();
    tool.start(at(100));
    tool.move(at(130));
    await meanwhile();
    tool.move(at(200));
    await tool.end(at(200));
    expect(marked(180)).toBe(true);
    while (current.value!.history.last) current.value!.history.stepBack();
    expect(current.value!.masks.hole.empty).toBe(true);
  }
});

test("a photo is not filled any more while another one is opened", async () => {
  mark(10);
  opening.value = true;
  await fill();
  opening.value = false;
  expect(server.jobs).toBe(0);
  expect(marked(20)).toBe(true);
});
