import { openFile } from "../editor/files";
import { browsing, info, working } from "../editor/state";
import { text } from "../text";
import { chooseFile } from "./choose-file";
import { PICTURES } from "./FileMenu";
import { Icon } from "./icons";

/** What is seen before a photo is open. */
export function Welcome() {
  const words = text().welcome;
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <Icon name="picture" />
      <h1 id="welcome-title">{words.title}</h1>
      <p>{words.text}</p>
      <div class="answers">
        <button
          type="button"
          class="primary"
          disabled={working.value}
          onClick={() => chooseFile(PICTURES, openFile)}
        >
          {words.open}
        </button>
        {info.value?.files && (
          <button type="button" onClick={() => (browsing.value = true)}>
            {words.browse}
          </button>
        )}
      </div>
      <p class="hint">{words.stays}</p>
    </section>
  );
}
