import { tool } from "../editor/state";
import { text } from "../text";
import { TOOLS } from "../tools";
import { Icon } from "./icons";

/** One stop for Tab; arrow keys go from tool to tool. */
export function ToolColumn() {
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = TOOLS.findIndex(({ name }) => name === tool.value);
    const next = TOOLS[(at + by + TOOLS.length) % TOOLS.length];
    tool.value = next.name;
    document.getElementById(`tool-${next.name}`)?.focus();
  };
  return (
    <div class="tools" role="toolbar" aria-label={text().toolColumn} aria-orientation="vertical" onKeyDown={step}>
      {TOOLS.map(({ name, key, icon }) => (
        <button
          type="button"
          id={`tool-${name}`}
          class="icon-button"
          aria-label={text().tools[name]}
          aria-keyshortcuts={key}
          aria-pressed={tool.value === name}
          tabIndex={tool.value === name ? 0 : -1}
          data-tip={`${text().tools[name]} (${key})`}
          data-tool={name}
          onClick={() => (tool.value = name)}
        >
          <Icon name={icon} />
        </button>
      ))}
    </div>
  );
}
