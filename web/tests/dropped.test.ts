import { expect, test } from "vitest";
import { meant } from "../src/editor/dropped";

const [a, b, c] = ["a.jpg", "b.jpg", "c.jpg"].map((name) => new File([], name));

test("on the empty page the first file is the photo, and the others show its place", () => {
  expect(meant([a, b, c], false, false)).toEqual({ one: a, references: [b, c] });
});

test("a single file beside an open photo could be anything, but not on the strip", () => {
  expect(meant([a], true, false)).toEqual({ one: a, references: [] });
  expect(meant([a], true, true)).toEqual({ one: null, references: [a] });
});

test("several files at once beside an open photo are references", () => {
  expect(meant([a, b], true, false)).toEqual({ one: null, references: [a, b] });
});

test("what is dragged that is no file means nothing", () => {
  expect(meant([], true, true)).toEqual({ one: null, references: [] });
  expect(meant([], false, false)).toEqual({ one: null, references: [] });
});
