// Questions and the list of keys.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { question } from "../editor/ask";
import { keyTable } from "../editor/key-table";
import { helpShown } from "../editor/state";
import { keyName, text } from "../text";
import { Button } from "./fields";

export function Dialog(props: {
  title: string;
  onClose: () => void;
  wide?: boolean;
  children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current!.showModal();
    element.current!.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  return (
    <dialog
      ref={element}
      class={props.wide ? "wide" : ""}
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <div class="dialog-head">
        <h2 tabIndex={-1} data-first={props.wide}>
          {props.title}
        </h2>
        <Button icon="close" label={text().close} onClick={props.onClose} />
      </div>
      {props.children}
    </dialog>
  );
}

export function QuestionDialog() {
  const asked = question.value;
  if (!asked) return null;
  return (
    <Dialog title={asked.title} onClose={() => asked.resolve("cancel")}>
      <p>{asked.text}</p>
      <div class="answers">
        {asked.answers.map(({ id, label, primary }) => (
          <button
            type="button"
            class={primary ? "primary" : ""}
            data-first={primary}
            onClick={() => asked.resolve(id)}
          >
            {label}
          </button>
        ))}
      </div>
    </Dialog>
  );
}

export function HelpDialog() {
  if (!helpShown.value) return null;
  const words = text();
  return (
    <Dialog title={words.help.title} wide onClose={() => (helpShown.value = false)}>
      <div class="keys">
        {keyTable().map(({ group, keys }) => (
          <section>
            <h3>{words.help.groups[group]}</h3>
            <dl>
              {keys.map(({ keys: names, does }) => (
                <div>
                  <dt>
                    {names.map((name) => (
                      <kbd>{keyName(name)}</kbd>
                    ))}
                  </dt>
                  <dd>{words.help.keys[does]}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
