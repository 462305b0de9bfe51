import { copyPicture, downloadAs, finish, openFile, save } from "../editor/files";
import { browsing, helpShown, info, language, mayOpen, message, photo, theme } from "../editor/state";
import { LANGUAGES, text } from "../text";
import { chooseFile } from "./choose-file";
import { MenuButton, Panel, Segments } from "./fields";

export const PICTURES = "image/*,.tif,.tiff,.heic,.heif,.avif,.jxl,.jp2,.psd";

export function FileMenu() {
  const words = text().file;
  const open = photo.value !== null;
  const editing = info.value?.mode === "edit";
  const wait = info.value?.wait;
  return (
    <Panel id="file-panel" label={words.title} icon="menu">
      {mayOpen.value && (
        <MenuButton label={words.open} shortcut="Ctrl+O" onClick={() => chooseFile(PICTURES, openFile)} />
      )}
      {mayOpen.value && info.value?.files && (
        <MenuButton label={words.browse} onClick={() => (browsing.value = true)} />
      )}
      {(editing || info.value?.files) && (
        <MenuButton
          label={editing ? words.save : words.saveThere}
          shortcut="Ctrl+S"
          disabled={!open}
          onClick={save}
        />
      )}
      {editing && <MenuButton label={words.done} disabled={!open} onClick={() => finish("done")} />}
      <MenuButton label={words.download} disabled={!open} onClick={() => downloadAs()} />
      <MenuButton label={words.downloadPng} disabled={!open} onClick={() => downloadAs("png")} />
      <MenuButton label={words.copy} shortcut="Ctrl+C" disabled={!open} onClick={copyPicture} />
      {wait && <MenuButton label={words.discard} onClick={() => finish("discard")} />}
      <hr />
      <div class="panel-row">
        <span>{words.theme}</span>
        <Segments
          label={words.theme}
          value={theme.value}
          choices={[
            { id: "auto", label: words.auto },
            { id: "dark", label: words.dark },
            { id: "light", label: words.light },
          ]}
          onChange={(id) => (theme.value = id)}
        />
      </div>
      <div class="panel-row">
        <span>{words.language}</span>
        <Segments
          label={words.language}
          value={text().code}
          choices={LANGUAGES.map(({ code, name }) => ({ id: code, label: name }))}
          onChange={(id) => {
            language.value = id;
            message.value = null; // it was said in the other language
          }}
        />
      </div>
      <hr />
      <MenuButton label={text().help.title} shortcut="?" onClick={() => (helpShown.value = true)} />
    </Panel>
  );
}
