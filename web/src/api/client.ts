// One function for each request. A failure is always a Problem with one sentence for the user.
import type { FillRequest, Folder, Info, Job, MaskPart, NoMask, Photo, SelectRequest, Source } from "./types";
import { text } from "../text";

export class Problem extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
  ) {
    super(message);
  }
}

async function send(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(text().problems.unreachable, "unreachable", 0);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Problem(
    body?.error?.message ?? text().problems.answer(response.status),
    body?.error?.code ?? "unknown",
    response.status,
  );
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  return (await send(path, init)).json();
}

function post(body?: unknown): RequestInit {
  if (body === undefined) return { method: "POST" };
  if (body instanceof Blob) return { method: "POST", body };
  return { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

const photoPath = (id: string): string => `/v1/photos/${encodeURIComponent(id)}`;

export const getInfo = () => json<Info>("/v1/info");
export const getPhoto = (id: string) => json<Photo>(photoPath(id));
export const uploadPhoto = (file: Blob, name: string) =>
  json<Photo>(`/v1/photos?name=${encodeURIComponent(name)}`, post(file));
export const openPath = (path: string) => json<Photo>("/v1/photos", post({ path }));
export const closePhoto = (id: string) => send(photoPath(id), { method: "DELETE" });
export const startFill = (id: string, request: FillRequest) =>
  json<{ job: string }>(`${photoPath(id)}/fills`, post(request));
export const getJob = (id: string) => json<Job>(`/v1/jobs/${encodeURIComponent(id)}`);
export const cancelJob = (id: string) => send(`/v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
export const variantUrl = (id: string, variant: string) =>
  `${photoPath(id)}/variants/${encodeURIComponent(variant)}`;
export const takeVariant = (id: string, variant: string) => json<Photo>(variantUrl(id, variant), post());
/** Refused with `stale` if the photo is not at this revision any more. */
export const step = (id: string, which: "undo" | "redo", revision: number) =>
  json<Photo>(`${photoPath(id)}/${which}`, post({ revision }));
export const select = (id: string, request: SelectRequest) =>
  json<MaskPart | NoMask>(`${photoPath(id)}/select`, post(request));
export const addReference = (id: string, file: Blob, name: string) =>
  json<Photo>(`${photoPath(id)}/references?name=${encodeURIComponent(name)}`, post(file));
export const referenceUrl = (id: string, reference: string) =>
  `${photoPath(id)}/references/${encodeURIComponent(reference)}`;
export const removeReference = (id: string, reference: string) =>
  json<Photo>(referenceUrl(id, reference), { method: "DELETE" });
export const readMask = (id: string, file: Blob) =>
  json<(MaskPart | NoMask) & { notes?: string[] }>(`${photoPath(id)}/mask`, post(file));
export const writeMask = async (id: string, part: MaskPart) =>
  (await send(`${photoPath(id)}/mask-file`, post(part))).blob();
export const sourceOf = (id: string, x: number, y: number) =>
  json<Source | null>(`${photoPath(id)}/source?x=${x}&y=${y}`);
export const fileUrl = (id: string, format?: string) =>
  `${photoPath(id)}/file${format ? `?format=${format}` : ""}`;
export const save = (id: string, overwrite = false) =>
  json<{ path: string }>(`${photoPath(id)}/save`, post({ overwrite }));
export const finish = (how: "done" | "discard") => json<{ path: string | null }>(`/v1/${how}`, post());
export const listFiles = (path: string) => json<Folder>(`/v1/files?path=${encodeURIComponent(path)}`);

/** Address of one tile; the same address always brings the same picture. */
export function tileUrl(
  id: string,
  kind: "photo" | "before" | "confidence" | "sources",
  level: number,
  column: number,
  row: number,
  revision: number,
): string {
  const place = `${level}/${column}/${row}?revision=${revision}`;
  if (kind === "photo") return `${photoPath(id)}/tiles/${place}`;
  if (kind === "before") return `${photoPath(id)}/tiles/${place}&before=1`;
  return `${photoPath(id)}/overlays/${kind}/${place}`;
}

export async function fetchPicture(url: string, signal?: AbortSignal): Promise<ImageBitmap> {
  return createImageBitmap(await (await send(url, { signal })).blob());
}
