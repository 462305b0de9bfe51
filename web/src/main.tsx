import { effect } from "@preact/signals";
import { render } from "preact";
import { getInfo, getPhoto, Problem } from "./api/client";
import { show, watchDrops } from "./editor/files";
import { watchKeys } from "./editor/keys";
import { info, tellProblem, theme } from "./editor/state";
import { watchOtherTabs } from "./editor/sync";
import { text } from "./text";
import { App } from "./ui/App";
import "./style/base.css";
import "./style/layout.css";
import "./style/controls.css";
import "./style/viewer.css";

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  document.documentElement.lang = text().code;
});
render(<App />, document.body);
watchKeys();
watchDrops();
watchOtherTabs();

async function start(): Promise<void> {
  try {
    info.value = await getInfo();
    const id = location.hash.slice(1) || info.value.photo;
    if (id) show(await getPhoto(id));
  } catch (problem) {
    tellProblem(problem);
    // The address may name a photo of an earlier session: then the one that was given is shown.
    if (problem instanceof Problem && problem.status === 404 && info.value?.photo)
      show(await getPhoto(info.value.photo));
  }
}

void start();
