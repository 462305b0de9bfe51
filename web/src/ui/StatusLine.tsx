import { camera, cursor, message, photo, running, showSources, source, working } from "../editor/state";
import type { Source } from "../api/types";
import { text } from "../text";
import { fit, zoomBy, zoomTo } from "../view/pointers";

export function StatusLine() {
  const words = text().status;
  const state = photo.value;
  const fill = running.value;
  const at = cursor.value;
  const inside = state && at && at.x >= 0 && at.y >= 0 && at.x < state.width && at.y < state.height;
  const percent = camera.value.scale * 100;
  const known = ({ x, y, reference, confidence }: Source): string =>
    (showSources.value && x !== null && y !== null ? ` ${words.from(x, y, reference)}` : "") +
    (confidence === null ? "" : ` · ${words.sure(confidence)}`);
  const shown = percent < 10 ? percent.toFixed(1) : Math.round(percent);
  return (
    <footer class="status">
      {state && (
        <div class="zoom" role="group" aria-label={words.zoom}>
          <button type="button" aria-label={words.zoomOut} onClick={() => zoomBy(1 / 1.5)}>
            −
          </button>
          <button
            type="button"
            class="percent"
            aria-label={`${shown} %, ${words.zoomFull}`}
            onClick={() => zoomTo(1)}
          >
            {shown} %
          </button>
          <button type="button" aria-label={words.zoomIn} onClick={() => zoomBy(1.5)}>
            +
          </button>
          <button type="button" onClick={fit}>
            {words.fit}
          </button>
        </div>
      )}
      {state && (
        <span class="size">
          {state.width} × {state.height}
          {state.depth > 8 && `, ${words.depth(state.depth)}`}
        </span>
      )}
      <span class="position" id="position">
        {inside && `${Math.floor(at.x)}, ${Math.floor(at.y)}`}
        {inside && source.value && known(source.value.from)}
      </span>
      <span class="space" />
      {fill && (
        <span class="filling">
          <progress
            aria-label={words.filling}
            max={1}
            value={fill.fraction > 0 ? fill.fraction : undefined}
          />
          <span>{words.share(fill.fraction)}</span>
        </span>
      )}
      {working.value && !fill && <progress aria-label={words.working} />}
      <span
        id="message"
        role="status"
        aria-live="polite"
        class={message.value?.kind === "problem" ? "message problem" : "message"}
      >
        {!fill && message.value?.text}
      </span>
    </footer>
  );
}
