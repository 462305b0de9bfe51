import { useEffect, useRef } from "preact/hooks";
import { choose } from "../editor/variants";
import { choice, current } from "../editor/state";
import { text } from "../text";
import { Button } from "./fields";

/** Pixels of a thumbnail, sharp on screens of twice the density. */
const SIDE = 360;

/** Variants side by side. The one that is looked at is also shown in the photo. */
export function Variants() {
  const offered = choice.value;
  if (!offered) return null;
  return <Strip key={offered.job} />;
}

function Strip() {
  const offered = choice.value!;
  const words = text().variants;
  const list = useRef<HTMLDivElement>(null);
  /** A finger cannot look without touching: its first tap looks, the next one takes. */
  const looking = useRef(false);
  const look = (index: number): void => {
    const count = offered.variants.length;
    choice.value = { ...choice.value!, shown: (index + count) % count };
    list.current?.querySelectorAll<HTMLElement>("button.variant")[(index + count) % count]?.focus();
  };
  useEffect(() => look(0), []);
  const keys = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    looking.current = false;
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    look(choice.value!.shown + by);
  };
  return (
    <section class="variants" aria-label={words.title}>
      <div class="variants-head">
        <h2>{words.title}</h2>
        <span class="hint by-key">{words.hint}</span>
        <span class="hint by-touch">{words.touchHint}</span>
        <Button icon="close" label={words.none} shortcut="Esc" onClick={() => choose(null)} />
      </div>
      <div class="variant-list" ref={list} onKeyDown={keys}>
        {offered.variants.map((variant, index) => (
          <button
            type="button"
            class="variant"
            aria-current={offered.shown === index}
            onFocus={() => (choice.value = { ...choice.value!, shown: index })}
            onPointerEnter={(event) =>
              event.pointerType !== "touch" && (choice.value = { ...choice.value!, shown: index })
            }
            onPointerDown={(event) =>
              (looking.current = event.pointerType === "touch" && choice.value!.shown !== index)
            }
            onClick={() => !looking.current && void choose(index)}
          >
            <Thumbnail index={index} />
            <span>{words.name(index + 1, variant.seed)}</span>
          </button>
        ))}
      </div>
    </section>
  );
}

/** The variant with some of the photo around it. */
function Thumbnail({ index }: { index: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const offered = choice.value;
    const open = current.value;
    if (!offered || !open) return;
    const context = canvas.current!.getContext("2d")!;
    const { bitmap, box } = offered.variants[index];
    const [x, y, width, height] = box;
    const scale = SIDE / (Math.max(width, height) * 1.3);
    const middle = { x: x + width / 2, y: y + height / 2 };
    open.pyramids.photo.drawPresent(context, { scale, ...middle }, { width: SIDE, height: SIDE, ratio: 1 });
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(
      bitmap,
      (x - middle.x) * scale + SIDE / 2,
      (y - middle.y) * scale + SIDE / 2,
      width * scale,
      height * scale,
    );
  }, []);
  return <canvas ref={canvas} width={SIDE} height={SIDE} aria-hidden="true" />;
}
