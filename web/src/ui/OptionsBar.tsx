import { useSignal } from "@preact/signals";
import { cancelFill, fill } from "../editor/fill";
import { downloadAs, finish, loadMask, saveMask } from "../editor/files";
import { clearMarks, featherMask, growMask, invertMask, shrinkMask } from "../editor/marks";
import * as state from "../editor/state";
import { redo, undo } from "../editor/steps";
import { MOST } from "../mask/morphology";
import { keyName, text } from "../text";
import { toolCard } from "../tools";
import { Button, MenuButton, NumberField, Panel, Segments, Slider, Switch } from "./fields";
import { FileMenu } from "./FileMenu";
import { chooseFile } from "./choose-file";

export function OptionsBar() {
  const words = text();
  const open = state.photo.value !== null;
  return (
    <header class="bar">
      <div class="bar-group">
        <FileMenu />
        <Button
          icon="undo"
          label={words.bar.undo}
          shortcut="Ctrl+Z"
          disabled={!state.canUndo.value}
          onClick={undo}
        />
        <Button
          icon="redo"
          label={words.bar.redo}
          shortcut="Ctrl+Shift+Z"
          disabled={!state.canRedo.value}
          onClick={redo}
        />
      </div>
      {open && <ToolControls />}
      {open && (
        <div class="bar-group end">
          <MaskPanel />
          <ViewPanel />
          <FillGroup />
          <SaveButtons />
        </div>
      )}
    </header>
  );
}

function ToolControls() {
  const words = text();
  const { controls } = toolCard(state.tool.value);
  return (
    <div class="bar-group controls" role="group" aria-label={words.tools[state.tool.value]}>
      <span class="tool-name">{words.tools[state.tool.value]}</span>
      {controls.includes("size") && (
        <Slider
          label={words.bar.size}
          unit="px"
          value={state.size.value}
          least={1}
          most={2000}
          curve={3}
          onChange={(value) => (state.size.value = value)}
        />
      )}
      {controls.includes("hardness") && (
        <Slider
          label={words.bar.hardness}
          unit="%"
          value={Math.round(state.hardness.value * 100)}
          least={0}
          most={100}
          onChange={(value) => (state.hardness.value = value / 100)}
        />
      )}
      {controls.includes("tolerance") && (
        <Slider
          label={words.bar.tolerance}
          unit=""
          value={state.tolerance.value}
          least={0}
          most={128}
          onChange={(value) => (state.tolerance.value = value)}
        />
      )}
      {controls.includes("way") && (
        <Segments
          label={words.bar.way}
          value={state.objectWay.value}
          choices={[
            { id: "click", label: words.bar.click },
            { id: "box", label: words.bar.box },
            { id: "scribble", label: words.bar.scribble },
          ]}
          onChange={(id) => (state.objectWay.value = id)}
        />
      )}
      {controls.includes("margin") && (
        <Slider
          label={words.bar.margin}
          unit="px"
          value={state.margin.value}
          least={0}
          most={50}
          curve={2}
          onChange={(value) => (state.margin.value = value)}
        />
      )}
      {controls.includes("subtract") && (
        <Segments
          label={words.bar.addOrTake}
          value={state.subtract.value ? "take" : "add"}
          choices={[
            { id: "add", label: words.bar.add },
            { id: "take", label: words.bar.take },
          ]}
          onChange={(id) => (state.subtract.value = id === "take")}
        />
      )}
    </div>
  );
}

function MaskPanel() {
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

function ViewPanel() {
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
      <p class="hint">{words.hold}</p>
    </Panel>
  );
}

function FillGroup() {
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
      </Panel>
    </div>
  );
}

function SaveButtons() {
  const words = text().file;
  const busy = state.running.value !== null;
  if (state.info.value?.mode !== "edit")
    return (
      <button type="button" class="save" disabled={busy} onClick={() => downloadAs()}>
        {words.download}
      </button>
    );
  return (
    <>
      {state.info.value.wait && (
        <button type="button" class="save" onClick={() => finish("discard")}>
          {words.discard}
        </button>
      )}
      <button type="button" class="save" disabled={busy} onClick={() => finish("done")}>
        {words.done}
      </button>
    </>
  );
}
