// All keys and what they do, for the help page. `keys.ts` acts on them.
import type { Text } from "../text";
import { offeredTools } from "../tools";
import { mayOpen } from "./state";

type Does = keyof Text["help"]["keys"];
type Group = keyof Text["help"]["groups"];

export const keyTable = (): { group: Group; keys: { keys: string[]; does: Does }[] }[] => [
  { group: "tools", keys: offeredTools().map(({ key, name }) => ({ keys: [key], does: name })) },
  {
    group: "marks",
    keys: [
      { keys: ["[", "]"], does: "size" },
      { keys: ["Shift+[", "Shift+]"], does: "hardness" },
      { keys: ["Shift"], does: "straight" },
      { keys: ["Alt"], does: "takeAway" },
      { keys: ["X"], does: "swap" },
      { keys: ["Ctrl+I"], does: "invert" },
      { keys: ["Del"], does: "clear" },
      { keys: ["←", "↑", "→", "↓"], does: "arrows" },
      { keys: ["P"], does: "press" },
    ],
  },
  {
    group: "filling",
    keys: [
      { keys: ["Enter"], does: "fill" },
      { keys: ["Esc"], does: "cancel" },
      { keys: ["T"], does: "transparent" },
      { keys: ["Ctrl+Z"], does: "undo" },
      { keys: ["Ctrl+Shift+Z"], does: "redo" },
    ],
  },
  {
    group: "looking",
    keys: [
      { keys: ["Space"], does: "pan" },
      { keys: ["0"], does: "fit" },
      { keys: ["1"], does: "full" },
      { keys: ["+", "−"], does: "zoom" },
      { keys: ["C"], does: "compare" },
      { keys: ["Shift+C"], does: "split" },
      { keys: ["M"], does: "mask" },
      { keys: ["N"], does: "confidence" },
      { keys: ["G"], does: "sources" },
    ],
  },
  {
    group: "files",
    keys: [
      ...(mayOpen.value ? [{ keys: ["Ctrl+O"], does: "open" as const }] : []),
      { keys: ["Ctrl+S"], does: "save" },
      { keys: ["Ctrl+C"], does: "copy" },
      { keys: ["Ctrl+V"], does: "paste" },
      { keys: ["?"], does: "help" },
    ],
  },
];
