// What keys do. `key-table.ts` lists them.
import { offeredTools } from "../tools";
import { fit, zoomBy, zoomTo } from "../view/pointers";
import { cancelFill, fill } from "./fill";
import { copyPicture, openFile, save } from "./files";
import { ARROWS, arrow, letGo, press } from "./keyboard-cursor";
import { clearMarks, invertMask } from "./marks";
import * as state from "./state";
import { redo, undo } from "./steps";
import { choose } from "./variants";
import { text } from "../text";
import { PICTURES } from "../ui/FileMenu";
import { chooseFile } from "../ui/choose-file";

const SIZE_STEP = 1.15;
const HARDNESS_STEP = 0.1;

function resize(steps: number): void {
  const next = Math.round(state.size.value * SIZE_STEP ** steps);
  state.size.value = Math.min(2000, Math.max(1, next === state.size.value ? next + steps : next));
}

function harden(steps: number): void {
  const next = Math.round((state.hardness.value + steps * HARDNESS_STEP) * 100) / 100;
  state.hardness.value = Math.min(1, Math.max(0, next));
}

/** X: between brush and eraser, and between adding and taking away for the other tools. */
function swap(): void {
  if (state.tool.value === "brush") state.tool.value = "eraser";
  else if (state.tool.value === "eraser") state.tool.value = "brush";
  else state.subtract.value = !state.subtract.value;
}

/** Says why fills are grey: the panel with its hint is closed where the key is pressed. */
function toggleConfidence(): void {
  state.showConfidence.value = !state.showConfidence.value;
  if (state.showConfidence.value) state.tell(text().view.judged);
}

const PLAIN: Record<string, () => void> = {
  "[": () => resize(-1),
  "]": () => resize(1),
  "{": () => harden(-1),
  "}": () => harden(1),
  x: swap,
  t: () => state.photo.value?.transparent && void fill("transparent"),
  "0": fit,
  "1": () => zoomTo(1),
  "+": () => zoomBy(1.25),
  "=": () => zoomBy(1.25),
  "-": () => zoomBy(0.8),
  m: () => (state.showMask.value = !state.showMask.value),
  n: toggleConfidence,
  g: () => (state.showSources.value = !state.showSources.value),
  "?": () => (state.helpShown.value = true),
  Delete: clearMarks,
  Backspace: clearMarks,
};

const WITH_CONTROL: Record<string, () => void> = {
  z: () => void undo(),
  "shift+z": () => void redo(),
  y: () => void redo(),
  s: () => void save(),
  o: () => state.mayOpen.value && chooseFile(PICTURES, openFile),
  c: () => void copyPicture(),
  i: () => void invertMask(),
};

function escape(): void {
  if (letGo()) return;
  if (state.choice.value) void choose(null);
  else if (state.running.value) cancelFill();
  else state.message.value = null;
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.matches("select, textarea, input:not([type=range], [type=checkbox])");
}

function down(event: KeyboardEvent): void {
  state.shiftHeld.value = event.shiftKey;
  const target = event.target as HTMLElement;
  if (target.closest("dialog") || typing(target)) return;
  const inPanel = target.closest("[popover]") !== null;
  const onViewer = target.id === "photo" || target === document.body;
  const handled = (act: () => void): void => {
    event.preventDefault();
    act();
  };
  // AltGr, which brackets need on many keyboards, looks like Ctrl+Alt on Windows.
  const altGraph = event.getModifierState("AltGraph");
  if ((event.ctrlKey || event.metaKey) && !altGraph) {
    const name = (event.shiftKey ? "shift+" : "") + event.key.toLowerCase();
    // Text that is marked is copied as text.
    const marksText = name === "c" && !getSelection()?.isCollapsed;
    if (WITH_CONTROL[name] && !event.altKey && !marksText) handled(WITH_CONTROL[name]);
    return;
  }
  if (event.key === "Escape" && document.querySelector(":popover-open")) return;
  if (event.key === "Escape") return handled(escape);
  if (!state.photo.value || inPanel) return;
  if (event.key === " " && onViewer) return handled(() => (state.spaceHeld.value = true));
  if (event.key === "Enter" && (onViewer || target.matches("input")))
    return handled(() => !event.repeat && void fill());
  if (onViewer && ARROWS[event.key]) return handled(() => arrow(event, ARROWS[event.key]));
  if (onViewer && event.key.toLowerCase() === "p") return handled(() => press(event));
  if (event.code.startsWith("Bracket") && event.shiftKey && !(event.key in PLAIN))
    return handled(() => harden(event.code === "BracketLeft" ? -1 : 1));
  if (event.key === "C") return handled(() => (state.split.value = state.split.value === null ? 0.5 : null));
  if (event.key === "c") return handled(() => (state.comparing.value = true));
  const card = offeredTools().find(({ key }) => key === event.key.toUpperCase());
  if (card && !event.shiftKey && !event.altKey) return handled(() => (state.tool.value = card.name));
  const act = PLAIN[event.key] ?? (event.shiftKey ? undefined : PLAIN[event.key.toLowerCase()]);
  if (act && (!event.altKey || altGraph)) handled(act);
}

function up(event: KeyboardEvent): void {
  state.shiftHeld.value = event.shiftKey;
  if (event.key === " ") state.spaceHeld.value = false;
  if (event.key.toLowerCase() === "c") state.comparing.value = false;
}

/** A button that was clicked gives the focus back to the photo, so that Enter fills and Space moves it. */
function afterPointer(event: MouseEvent): void {
  const target = event.target as HTMLElement;
  const byPointer = event.detail > 0 || event.type === "pointerup";
  if (byPointer && target.closest(BACK_TO_PHOTO[event.type])) document.getElementById("photo")?.focus();
}

const BACK_TO_PHOTO: Record<string, string> = {
  click: ".bar button:not(.panel *), .tools button, .status button",
  pointerup: ".bar input[type=range]",
};

export function watchKeys(): void {
  window.addEventListener("click", afterPointer);
  window.addEventListener("pointerup", afterPointer);
  window.addEventListener("keydown", down);
  window.addEventListener("keyup", up);
  window.addEventListener("blur", () => {
    state.spaceHeld.value = false;
    state.shiftHeld.value = false;
    state.comparing.value = false;
  });
}
