// The tools, in the order of the column.
import type { IconName } from "../ui/icons";
import { info, type ToolName } from "../editor/state";
import { brush } from "./brush";
import type { Tool } from "./gestures";
import { object, wand } from "./select";
import { lasso, rectangle } from "./shapes";

export interface ToolCard {
  name: ToolName;
  key: string;
  icon: IconName;
  tool: Tool;
  /** Which controls the bar shows. */
  controls: ("size" | "hardness" | "way" | "tolerance" | "margin" | "subtract")[];
}

const nothing = (): undefined => undefined;
const hand: Tool = { start: nothing, move: nothing, end: nothing, cancel: nothing };

export const TOOLS: ToolCard[] = [
  { name: "brush", key: "B", icon: "brush", tool: brush("hole"), controls: ["size", "hardness"] },
  { name: "eraser", key: "E", icon: "eraser", tool: brush("hole", true), controls: ["size", "hardness"] },
  { name: "lasso", key: "L", icon: "lasso", tool: lasso(), controls: ["subtract"] },
  { name: "rectangle", key: "R", icon: "rectangle", tool: rectangle(), controls: ["subtract"] },
  { name: "wand", key: "W", icon: "wand", tool: wand(), controls: ["tolerance", "margin", "subtract"] },
  { name: "object", key: "O", icon: "object", tool: object(), controls: ["way", "margin", "subtract"] },
  { name: "source", key: "S", icon: "source", tool: brush("include"), controls: ["size", "subtract"] },
  { name: "avoid", key: "A", icon: "avoid", tool: brush("avoid"), controls: ["size", "subtract"] },
  { name: "line", key: "I", icon: "line", tool: brush("lines"), controls: ["size", "subtract"] },
  { name: "hand", key: "H", icon: "hand", tool: hand, controls: [] },
];

/** The tools that this server's models can honour. */
export function offeredTools(): ToolCard[] {
  return TOOLS.filter(({ name }) => name !== "line" || info.value?.lines);
}

export function toolCard(name: ToolName): ToolCard {
  return TOOLS.find((card) => card.name === name)!;
}
