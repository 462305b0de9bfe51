import { finished, info, mayOpen, photo } from "../editor/state";
import { text } from "../text";
import { Viewer } from "../view/Viewer";
import { Browser } from "./Browser";
import { HelpDialog, QuestionDialog } from "./Dialogs";
import { OptionsBar } from "./OptionsBar";
import { References } from "./References";
import { StatusLine } from "./StatusLine";
import { ToolColumn } from "./ToolColumn";
import { Variants } from "./Variants";
import { Welcome } from "./Welcome";

export function App() {
  if (finished.value) return <Finished />;
  const open = photo.value !== null;
  return (
    <div class={open ? "app" : "app empty"}>
      <OptionsBar />
      {open && <ToolColumn />}
      <main>
        <h1 class="unseen">retouch</h1>
        <Viewer />
        {!open && info.value && mayOpen.value && <Welcome />}
        <Variants />
      </main>
      <References />
      <StatusLine />
      <HelpDialog />
      <QuestionDialog />
      <Browser />
    </div>
  );
}

function Finished() {
  const words = text().finished;
  return (
    <main class="welcome">
      <h1>{finished.value === "done" ? words.done : words.discarded}</h1>
      <p>{words.close}</p>
    </main>
  );
}
