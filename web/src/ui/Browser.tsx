import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listFiles } from "../api/client";
import type { Folder } from "../api/types";
import { openPath } from "../editor/files";
import { browsing, tellProblem } from "../editor/state";
import { text } from "../text";
import { Dialog } from "./Dialogs";
import { Icon } from "./icons";

/** The server's folder: photos to open, folders to go into. */
export function Browser() {
  return browsing.value ? <Folders /> : null;
}

function Folders() {
  const folder = useSignal<Folder | null>(null);
  const words = text().browser;
  const go = (path: string): void => {
    listFiles(path).then((found) => (folder.value = found), tellProblem);
  };
  useEffect(() => go(""), []);
  const path = folder.value?.path ?? "";
  return (
    <Dialog title={path || words.title} onClose={() => (browsing.value = false)}>
      <ul class="files">
        {path && (
          <li>
            <button type="button" onClick={() => go(path.split("/").slice(0, -1).join("/"))}>
              <Icon name="folder" />
              <span>{words.up}</span>
            </button>
          </li>
        )}
        {folder.value?.folders.map(({ name, path: inner }) => (
          <li>
            <button type="button" onClick={() => go(inner)}>
              <Icon name="folder" />
              <span>{name}</span>
            </button>
          </li>
        ))}
        {folder.value?.photos.map(({ name, path: file, bytes }) => (
          <li>
            <button
              type="button"
              onClick={() => {
                browsing.value = false;
                void openPath(file);
              }}
            >
              <Icon name="picture" />
              <span>{name}</span>
              <span class="unit">{words.megabytes(bytes / 1e6)}</span>
            </button>
          </li>
        ))}
      </ul>
      {folder.value && folder.value.folders.length + folder.value.photos.length === 0 && <p>{words.empty}</p>}
    </Dialog>
  );
}
