import { referenceUrl } from "../api/client";
import type { Edit } from "../api/types";
import { addReferences, removeReference } from "../editor/references";
import { dragging, photo, running, showSources, source } from "../editor/state";
import { text } from "../text";
import { chooseFiles } from "./choose-file";
import { Button } from "./fields";
import { PICTURES } from "./FileMenu";
import { Icon } from "./icons";

export const chooseReferences = (): void => chooseFiles(PICTURES, (files) => void addReferences(files));

/** The button that was pressed goes with its photo; the focus stays near. */
async function remove(id: string): Promise<void> {
  await removeReference(id);
  (document.querySelector<HTMLElement>(".add-reference") ?? document.getElementById("photo"))?.focus();
}

/** What the last fill says of its references. */
function said({ notes, filled_by }: Edit): string {
  const alone = Object.keys(filled_by).join() === "references";
  return [...(alone ? [text().references.all] : []), ...notes].join(" ");
}

/** Other photos of the same place, below the photo. Without any, it shows while files are dragged over the page. */
export function References() {
  const state = photo.value;
  if (!state || (state.references.length === 0 && !dragging.value)) return null;
  const words = text().references;
  const last = state.edits.at(-1);
  const from = showSources.value ? source.value?.from.reference : null;
  return (
    <section
      class={dragging.value ? "references wanted" : "references"}
      id="references"
      aria-label={words.title}
    >
      <ul>
        {state.references.map(({ id, name, width, height }) => (
          <li key={id} class={name === from ? "from" : ""}>
            <img src={referenceUrl(state.id, id)} alt={name} title={`${name}, ${width} × ${height}`} />
            <Button
              icon="close"
              label={words.remove(name)}
              disabled={running.value !== null}
              onClick={() => void remove(id)}
            />
          </li>
        ))}
      </ul>
      <button
        type="button"
        class="add-reference"
        aria-label={words.add}
        data-tip={words.add}
        onClick={chooseReferences}
      >
        <Icon name="add" />
      </button>
      <p role="status">{dragging.value ? words.drop : (last && said(last)) || words.hint}</p>
    </section>
  );
}
