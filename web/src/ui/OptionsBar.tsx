// The bar above: undo and redo, the tool's settings, and the panels.
import { downloadAs, finish } from "../editor/files";
import * as state from "../editor/state";
import { redo, undo } from "../editor/steps";
import { text } from "../text";
import { toolCard } from "../tools";
import { Button, Segments, Slider } from "./fields";
import { FileMenu } from "./FileMenu";
import { FillGroup, MaskPanel, ViewPanel } from "./panels";

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
