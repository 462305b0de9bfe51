import { aPhoto, server } from "./browser";
import { expect, test, vi } from "vitest";
import { begin } from "./page";
import { question } from "../src/editor/ask";
import { downloadAs, finish, openFile, receive, show } from "../src/editor/files";
import { keyTable } from "../src/editor/key-table";
import { finished, message, photo, unsaved } from "../src/editor/state";

const picture = new File(["x"], "b.png");
const uploads = () => server.asked.filter((each) => each.startsWith("POST /v1/photos?"));

test("a download counts for its photo and its revision alone", () => {
  begin({}, { revision: 1, unsaved: true });
  expect(unsaved.value).toBe(true);
  downloadAs();
  expect(unsaved.value).toBe(false);
  show(aPhoto("b", { revision: 1, unsaved: true }));
  expect(unsaved.value).toBe(true);
  downloadAs();
  show(aPhoto("b", { revision: 2, unsaved: true }));
  expect(unsaved.value).toBe(true);
});

test("where many photos are served, a picture may be one to open", async () => {
  begin();
  void receive(picture);
  await vi.waitUntil(() => question.value);
  expect(question.value!.answers.map(({ id }) => id)).toEqual(["photo", "reference", "mask", "cancel"]);
  question.value!.resolve("cancel");
});

test("where one photo is edited, no other one is opened", async () => {
  begin({ mode: "edit" });
  await openFile(picture);
  expect(uploads()).toEqual([]);
  expect(photo.value!.id).toBe("a");
  void receive(picture);
  await vi.waitUntil(() => question.value);
  const { answers, resolve } = question.value!;
  expect(answers.map(({ id }) => id)).toEqual(["reference", "mask", "cancel"]);
  expect(answers.find(({ primary }) => primary)!.id).toBe("reference");
  resolve("cancel");
  const keys = keyTable().flatMap(({ keys }) => keys.map(({ does }) => does));
  expect(keys).not.toContain("open");
});

test.each([false, true])("Done ends the editing only if a program waits: %s", async (wait) => {
  begin({ mode: "edit", wait }, { unsaved: true });
  server.answers["/done"] = { path: "/photos/a-filled.png", notes: [] };
  await finish("done");
  expect(finished.value).toBe(wait ? "done" : null);
  if (wait) return;
  expect(message.value!.text).toBe("Saved: /photos/a-filled.png");
  expect(photo.value!.unsaved).toBe(false);
});
