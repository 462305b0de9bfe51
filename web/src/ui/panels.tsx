// The panels of the bar: mask, view, and the button that fills.
import { useSignal } from "@preact/signals";
import { loadMask, saveMask } from "../editor/files";
import { cancelFill, fill } from "../editor/fill";
import { clearMarks, featherMask, growMask, invertMask, shrinkMask } from "../editor/marks";
import * as state from "../editor/state";
import { MOST } from "../mask/morphology";
import { keyName, text } from "../text";
import { chooseFile } from "./choose-file";
import { MenuButton, NumberField, Panel, Switch } from "./fields";
import { chooseReferences } from "./References";

export function MaskPanel() {
  const words = text().mask;
  const radius = useSignal(4);
  const none = !state.hasMarks.value;
  return (
    <Panel id="mask-panel" label={words.title} icon="mask" caption={words.title}>
      <div class="panel-row">
        <span>{words.by}</span>
        <span>
          <NumberField
            label={words.by}
            value={radius.value}
            least={1}
            most={MOST}
            onChange={(value) => (radius.value = Math.round(value))}
          />
          <span class="unit"> px</span>
        </span>
      </div>
      <div class="panel-row buttons">
        <button type="button" disabled={none} onClick={() => growMask(radius.value)}>
          {words.grow}
        </button>
        <button type="button" disabled={none} onClick={() => shrinkMask(radius.value)}>
          {words.shrink}
        </button>
        <button type="button" disabled={none} onClick={() => featherMask(radius.value)}>
          {words.feather}
        </button>
      </div>
      <hr />
      <MenuButton label={words.invert} shortcut="Ctrl+I" onClick={() => invertMask()} />
      <MenuButton label={words.clear} shortcut="Del" onClick={clearMarks} />
      <hr />
      <MenuButton label={words.load} onClick={() => chooseFile("image/*", loadMask)} />
      <MenuButton label={words.save} disabled={none} onClick={saveMask} />
      {state.photo.value?.transparent && (
        <MenuButton label={words.transparent} shortcut="T" onClick={() => fill("transparent")} />
      )}
    </Panel>
  );
}

export function ViewPanel() {
  const words = text().view;
  return (
    <Panel id="view-panel" label={words.title} icon="eye" caption={words.title}>
      <Switch label={words.mask} value={state.showMask} shortcut="M" />
      <Switch label={words.confidence} value={state.showConfidence} shortcut="N" />
      {state.showConfidence.value && <p class="hint">{words.judged}</p>}
      <Switch label={words.sources} value={state.showSources} shortcut="G" />
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={state.split.value !== null}
          onChange={(event) => (state.split.value = event.currentTarget.checked ? 0.5 : null)}
        />
        <span>{words.split}</span>
        <kbd aria-hidden="true">{keyName("Shift+C")}</kbd>
      </label>
      <p class="hint by-key">{words.hold}</p>
    </Panel>
  );
}

export function FillGroup() {
  const words = text().fill;
  const running = state.running.value;
  return (
    <div class="fill-group">
      {running ? (
        <button type="button" class="primary" onClick={cancelFill}>
          {words.cancel}
          <kbd aria-hidden="true">Esc</kbd>
        </button>
      ) : (
        <button type="button" class="primary" disabled={!state.hasMarks.value} onClick={() => fill()}>
          {words.fill}
          <kbd aria-hidden="true">{keyName("Enter")}</kbd>
        </button>
      )}
      <Panel id="fill-panel" label={words.options} icon="down">
        <Switch label={words.atOnce} value={state.atOnce} />
        <label class="field">
          <span>{words.model}</span>
          <select
            value={state.model.value ?? state.info.value?.default}
            onChange={(event) => (state.model.value = event.currentTarget.value)}
          >
            {state.info.value?.models.map(({ name, title }) => (
              <option value={name} title={title}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <div class="field">
          <span>{words.variants}</span>
          <NumberField
            label={words.variants}
            value={state.variants.value}
            least={1}
            most={8}
            onChange={(value) => (state.variants.value = Math.round(value))}
          />
        </div>
        <div class="field">
          <span>{words.seed}</span>
          <NumberField
            label={words.seed}
            value={state.seed.value}
            least={0}
            most={2 ** 31 - 1}
            placeholder="0"
            onChange={(value) => (state.seed.value = Math.round(value))}
            onEmpty={() => (state.seed.value = null)}
          />
        </div>
        <hr />
        {state.photo.value && state.photo.value.references.length > 0 && (
          <>
            <Switch label={words.referencesOnly} value={state.referencesOnly} />
            <Switch label={words.anyLight} value={state.anyLight} />
          </>
        )}
        <MenuButton label={words.addReferences} onClick={chooseReferences} />
      </Panel>
    </div>
  );
}
