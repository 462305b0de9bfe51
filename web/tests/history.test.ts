import { expect, test } from "vitest";
import { History, type Layer } from "../src/editor/history";
import { fillRectangle } from "../src/mask/shapes";
import { SparseMask, type TileChanges } from "../src/mask/tiles";

function start() {
  const make = () => new SparseMask(300, 300);
  const masks: Record<Layer, SparseMask> = { hole: make(), include: make(), avoid: make(), lines: make() };
  const history = new History(masks);
  const change = (layer: Layer, act: (mask: SparseMask) => void): TileChanges => {
    masks[layer].record();
    act(masks[layer]);
    return masks[layer].recorded();
  };
  const mark = (x: number) =>
    history.add({ hole: change("hole", (mask) => fillRectangle(mask, x, 0, x + 10, 10, 255)) });
  const take = () =>
    history.add(
      { hole: change("hole", (mask) => [...mask.entries()].forEach(([key]) => mask.set(key, undefined))) },
      null,
    )!;
  return { masks, history, mark, take, marked: (x: number) => masks.hole.at(x, 5) > 0 };
}

test("steps go back and forward, and a new one ends what lay ahead", () => {
  const { history, mark, marked } = start();
  mark(0);
  mark(20);
  history.stepBack();
  expect([marked(0), marked(20)]).toEqual([true, false]);
  history.stepForward();
  expect([marked(0), marked(20)]).toEqual([true, true]);
  history.stepBack();
  mark(40);
  expect(history.canRedo(null)).toBe(false);
  history.stepBack();
  history.stepBack();
  expect([0, 20, 40].map(marked)).toEqual([false, false, false]);
});

test("a fill that fails gives its marks back and leaves no step", () => {
  const { history, mark, take, marked } = start();
  mark(0);
  const entry = take();
  expect(marked(0)).toBe(false);
  history.giveBack(entry);
  expect(marked(0)).toBe(true);
  history.stepBack();
  expect(history.canUndo(null)).toBe(false);
});

test("marks made during a fill that fails are kept, and no step back loses any", () => {
  const { history, mark, take, marked } = start();
  mark(0);
  const entry = take();
  mark(20);
  history.giveBack(entry);
  expect([marked(0), marked(20)]).toEqual([true, true]);
  history.stepBack();
  expect([marked(0), marked(20)]).toEqual([false, true]);
  history.stepBack();
  history.stepBack();
  expect([marked(0), marked(20)]).toEqual([true, false]);
});
