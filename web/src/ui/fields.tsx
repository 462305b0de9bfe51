// Small controls that several places share.
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { keyName } from "../text";
import { Icon, type IconName } from "./icons";

export function Button(props: {
  label: string;
  icon: IconName;
  shortcut?: string;
  disabled?: boolean;
  pressed?: boolean;
  onClick: () => void;
}) {
  const tip = props.shortcut ? `${props.label} (${keyName(props.shortcut)})` : props.label;
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={props.label}
      aria-pressed={props.pressed}
      data-tip={tip}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** A slider and a number for the same value. `curve` stretches small values: 1 = evenly spaced. */
export function Slider(props: {
  label: string;
  value: number;
  least: number;
  most: number;
  unit: string;
  curve?: number;
  onChange: (value: number) => void;
}) {
  const { least, most, curve = 1 } = props;
  const share = ((props.value - least) / (most - least)) ** (1 / curve);
  const set = (value: number): void => {
    if (Number.isFinite(value)) props.onChange(Math.min(most, Math.max(least, Math.round(value))));
  };
  return (
    <div class="slider" role="group" aria-label={props.label}>
      <span class="slider-label" aria-hidden="true">
        {props.label}
      </span>
      <input
        type="range"
        aria-label={props.label}
        aria-valuetext={`${props.value} ${props.unit}`}
        min={0}
        max={1000}
        value={Math.round(Math.min(1, share) * 1000)}
        onInput={(event) => set(least + (most - least) * (Number(event.currentTarget.value) / 1000) ** curve)}
      />
      <NumberField
        label={`${props.label} (${props.unit})`}
        value={props.value}
        onChange={set}
        {...{ least, most }}
      />
      <span class="unit" aria-hidden="true">
        {props.unit}
      </span>
    </div>
  );
}

export function NumberField(props: {
  label: string;
  value: number | null;
  least: number;
  most: number;
  placeholder?: string;
  onChange: (value: number) => void;
  onEmpty?: () => void;
}) {
  return (
    <input
      type="number"
      aria-label={props.label}
      min={props.least}
      max={props.most}
      placeholder={props.placeholder}
      value={props.value ?? ""}
      onChange={(event) => {
        const text = event.currentTarget.value;
        if (text === "") props.onEmpty?.();
        else props.onChange(Math.min(props.most, Math.max(props.least, Number(text))));
        event.currentTarget.value = String(props.value ?? "");
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.currentTarget.closest("[popover]"))
          document.getElementById("photo")?.focus();
      }}
    />
  );
}

export function Switch(props: { label: string; value: Signal<boolean>; shortcut?: string }) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={props.value.value}
        onChange={(event) => (props.value.value = event.currentTarget.checked)}
      />
      <span>{props.label}</span>
      {props.shortcut && <kbd aria-hidden="true">{keyName(props.shortcut)}</kbd>}
    </label>
  );
}

export function Segments<T extends string>(props: {
  label: string;
  value: T;
  choices: { id: T; label: string }[];
  onChange: (id: T) => void;
}) {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.choices.map(({ id, label }) => (
        <button type="button" aria-pressed={props.value === id} onClick={() => props.onChange(id)}>
          {label}
        </button>
      ))}
    </div>
  );
}

/** A button that opens a panel below it. Esc and a click elsewhere close it (the browser's popover does that). */
export function Panel(props: {
  id: string;
  label: string;
  icon: IconName;
  caption?: string;
  children: ComponentChildren;
}) {
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const place = (): void => {
    const from = button.current!.getBoundingClientRect();
    const { style, offsetWidth } = panel.current!;
    style.left = `${Math.max(8, Math.min(from.left, innerWidth - offsetWidth - 8))}px`;
    style.top = `${from.bottom + 6}px`;
    style.maxHeight = `${innerHeight - from.bottom - 14}px`;
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={props.caption ? "panel-button" : "icon-button"}
        aria-label={props.label}
        data-tip={props.caption ? undefined : props.label}
        popovertarget={props.id}
      >
        <Icon name={props.icon} />
        {props.caption && <span>{props.caption}</span>}
        {props.caption && <Icon name="down" />}
      </button>
      <div
        ref={panel}
        id={props.id}
        class="panel"
        popover="auto"
        role="dialog"
        aria-label={props.label}
        onToggle={place}
      >
        {props.children}
      </div>
    </>
  );
}

export function closePanel(event: Event): void {
  (event.currentTarget as HTMLElement).closest<HTMLElement>("[popover]")?.hidePopover();
}

export function MenuButton(props: {
  label: string;
  shortcut?: string;
  disabled?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class="menu-button"
      disabled={props.disabled}
      onClick={(event) => {
        closePanel(event);
        props.onClick();
      }}
    >
      <span>{props.label}</span>
      {props.shortcut && <kbd aria-hidden="true">{keyName(props.shortcut)}</kbd>}
    </button>
  );
}
