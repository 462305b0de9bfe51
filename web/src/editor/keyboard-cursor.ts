// A pointer for those who use none: arrow keys move it, P presses and lets go.
import { toolCard } from "../tools";
import { toPhoto, toView } from "../view/camera";
import { panBy } from "../view/pointers";
import * as state from "./state";

/** The gesture that arrow keys and P draw, for those who use no pointer. */
let pressed = false;

function keyboardGesture(event: KeyboardEvent) {
  return { ...state.cursor.value!, shift: false, erase: state.subtract.value || event.altKey };
}

export function press(event: KeyboardEvent): void {
  const { tool } = toolCard(state.tool.value);
  state.cursor.value ??= middle();
  if (pressed) tool.end(keyboardGesture(event));
  else tool.start(keyboardGesture(event));
  pressed = !pressed;
}

function middle() {
  const { width, height } = state.view.value;
  return toPhoto(state.camera.value, state.view.value, { x: width / 2, y: height / 2 });
}

export const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Moves the cursor by ten pixels of the screen, with Shift by one; with Space it moves the photo. */
export function arrow(event: KeyboardEvent, [dx, dy]: [number, number]): void {
  const step = event.shiftKey ? 1 : 10;
  if (state.spaceHeld.value) return panBy(-dx * 4 * step, -dy * 4 * step);
  const from = toView(state.camera.value, state.view.value, state.cursor.value ?? middle());
  const to = { x: from.x + dx * step, y: from.y + dy * step };
  state.cursor.value = toPhoto(state.camera.value, state.view.value, to);
  if (pressed) toolCard(state.tool.value).tool.move(keyboardGesture(event));
  const { width, height } = state.view.value;
  if (to.x < 0 || to.x > width || to.y < 0 || to.y > height) panBy(-dx * width * 0.25, -dy * height * 0.25);
}

/** Lets go without having drawn; false if nothing was pressed. */
export function letGo(): boolean {
  if (!pressed) return false;
  pressed = false;
  toolCard(state.tool.value).tool.cancel();
  return true;
}
