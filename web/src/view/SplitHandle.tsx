import { split, view } from "../editor/state";
import { text } from "../text";

const STEP = 0.02;

/** Where before (left) and after (right) meet. */
export function SplitHandle() {
  const move = (share: number): void => {
    split.value = Math.min(1, Math.max(0, share));
  };
  const drag = (event: PointerEvent): void => {
    event.stopPropagation();
    const handle = event.currentTarget as HTMLElement;
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = handle.parentElement!.getBoundingClientRect();
    move((event.clientX - box.left) / box.width);
  };
  return (
    <div
      class="split"
      role="slider"
      tabIndex={0}
      aria-label={text().viewer.split}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(split.value! * 100)}
      style={{ left: `${split.value! * view.value.width}px` }}
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onKeyDown={(event) => {
        const steps: Record<string, number> = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -1, End: 1 };
        const step = steps[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        move(split.value! + step);
      }}
    >
      <span class="split-label before">{text().viewer.before}</span>
      <span class="split-grip" />
      <span class="split-label after">{text().viewer.after}</span>
    </div>
  );
}
