// What a tool hears: where the pointer is on the photo, and which keys change its meaning.
import type { Point } from "../mask/strokes";

export interface Gesture extends Point {
  /** Shift: a straight line, or more of the same object. */
  shift: boolean;
  /** Take away instead of adding: Alt, the right button, a pen's eraser, or the switch in the bar. */
  erase: boolean;
}

export interface Tool {
  start(at: Gesture): void;
  move(at: Gesture): void;
  end(at: Gesture): void;
  /** A second finger or Esc: as if the gesture had never begun. */
  cancel(): void;
}
