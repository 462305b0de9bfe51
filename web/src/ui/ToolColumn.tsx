import { tool } from "../editor/state";
import { text } from "../text";
import { offeredTools } from "../tools";
import { Icon } from "./icons";

/** One stop for Tab; arrow keys go from tool to tool. */
export function ToolColumn() {
  const tools = offeredTools();
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = tools.findIndex(({ name }) => name === tool.value);
    const next = tools[(at + by + tools.length) % tools.length];
    tool.value = next.name;
    document.getElementById(`tool-${next.name}`)?.focus();
  };
  return (
    <nav class="tools" aria-label={text().toolColumn}>
      <div role="toolbar" aria-label={text().toolColumn} aria-orientation="vertical" onKeyDown={step}>
        {tools.map(({ name, key, icon }) => (
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
    </nav>
  );
}
