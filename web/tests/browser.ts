// What the page needs of a browser and of the server, for tests of its logic. Import it before the page's files.
import type { Info, Photo } from "../src/api/types";

const stored = new Map<string, string>();

class Events {
  static readonly open = new Map<string, Events>();
  private readonly heard = new Map<string, (event: { data: string }) => void>();

  constructor(url: string) {
    Events.open.set(url.split("/")[3], this);
  }
  addEventListener(name: string, hear: (event: { data: string }) => void): void {
    this.heard.set(name, hear);
  }
  close(): void {}
  tell(name: string, data: object): void {
    this.heard.get(name)!({ data: JSON.stringify(data) });
  }
}

/** Ends a job as the server would. */
export function end(job: string, state: "done" | "cancelled" | "failed", more: object = {}): void {
  Events.open.get(job)!.tell(state, { id: job, state, fraction: 1, ...more });
}

export const aPhoto = (id: string, more: Partial<Photo> = {}): Photo => ({
  id,
  name: `${id}.png`,
  width: 600,
  height: 400,
  tile: 256,
  levels: 3,
  revision: 0,
  transparent: false,
  depth: 8,
  notes: [],
  edits: [],
  undo: false,
  redo: false,
  unsaved: false,
  references: [],
  job: null,
  ...more,
});

export const anInfo = (more: Partial<Info> = {}): Info => ({
  version: "",
  models: [],
  default: "exemplar",
  language: "en",
  mode: "serve",
  wait: false,
  photo: null,
  files: false,
  lines: true,
  ...more,
});

/** The server: what was asked, and what it answers besides photos and jobs. */
export const server = {
  asked: [] as string[],
  jobs: 0,
  /** The body of the last fill. */
  fill: null as { box?: number[] } | null,
  /** By the end of a path; an error is thrown as where the server is out of reach. */
  answers: {} as Record<string, object | Error>,
};

async function fetched(path: string, init: RequestInit = {}): Promise<object> {
  const method = init.method ?? "GET";
  server.asked.push(`${method} ${path}`);
  const known = Object.keys(server.answers).find((each) => path.endsWith(each));
  let body: object = aPhoto(path.split("/")[3]);
  if (known) body = server.answers[known];
  else if (path.endsWith("/fills")) {
    server.fill = JSON.parse(String(init.body));
    body = { job: `job${++server.jobs}` };
  }
  if (body instanceof Error) throw body;
  if (method === "DELETE" && path.startsWith("/v1/jobs/"))
    setTimeout(() => end(path.split("/")[3], "cancelled"), 1);
  return { ok: true, status: 200, json: async () => body, blob: async () => new Blob() };
}

Object.assign(globalThis, {
  localStorage: {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
  },
  document: {
    documentElement: { dataset: {} },
    createElement: () => ({ click: () => undefined }),
    title: "",
  },
  window: {},
  location: { hash: "" },
  BroadcastChannel: class {
    postMessage(): void {}
  },
  OffscreenCanvas: class {},
  EventSource: Events,
  createImageBitmap: async () => ({ width: 1, height: 1, close: () => undefined }),
  requestAnimationFrame: (act: () => void) => setTimeout(act, 1),
  fetch: fetched,
});
Object.defineProperty(globalThis, "navigator", {
  value: { language: "en", languages: ["en"], platform: "" },
  configurable: true,
});
