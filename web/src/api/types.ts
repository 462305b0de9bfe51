// What the server's /v1 interface says, as types. Coordinates are pixels of the upright photo, x right, y down.

/** left, top, width, height */
export type Box = [number, number, number, number];

/** A mask of a box: an 8-bit grey PNG in base64, 255 = marked. */
export interface MaskPart {
  box: Box;
  mask: string;
}

/** What the server answers where nothing is marked. */
export interface NoMask {
  box: null;
  mask: null;
}

export interface Info {
  version: string;
  models: { name: string; title: string; seeds: boolean }[];
  default: string;
  language: string;
  mode: "edit" | "serve";
  wait: boolean;
  photo: string | null;
  files: boolean;
  /** Whether a model honours lines that should go on through the hole. */
  lines?: boolean;
}

export interface Edit {
  id: string;
  box: Box;
  model: string;
  seed: number;
  seconds: number;
  /** What the user should know, a sentence each. */
  notes: string[];
  /** How many pixels each filler filled. */
  filled_by: Record<string, number>;
}

/** Another photo of the same place. */
export interface Reference {
  id: string;
  name: string;
  width: number;
  height: number;
}

export interface Photo {
  id: string;
  name: string;
  width: number;
  height: number;
  tile: number;
  levels: number;
  revision: number;
  transparent: boolean;
  depth: number;
  notes: string[];
  edits: Edit[];
  undo: boolean;
  redo: boolean;
  unsaved: boolean;
  references: Reference[];
  job: string | null;
}

export interface Variant {
  id: string;
  box: Box;
  seed: number;
}

export interface Job {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  fraction: number;
  message?: string;
  variants?: Variant[];
}

export interface JobProgress {
  fraction: number;
  preview?: { box: Box; url: string };
}

export interface FillRequest {
  box?: Box;
  mask?: string;
  transparent?: true;
  model?: string;
  seed?: number;
  variants?: number;
  /** Judge the fill, for the overlay that says how sure it is. */
  confidence?: true;
  include?: MaskPart;
  avoid?: MaskPart;
  lines?: MaskPart;
  /** Fill nothing that no reference shows. */
  references_only?: true;
  /** Trust references of another hour or season by their structure. */
  any_light?: true;
}

export interface SelectRequest {
  kind: "click" | "box" | "scribble" | "wand";
  points: [number, number, 0 | 1][];
  box?: Box;
  tolerance?: number;
}

/** What is known of a filled pixel; null for what is not. With a reference, x and y are pixels of that. */
export interface Source {
  x: number | null;
  y: number | null;
  reference: string | null;
  confidence: number | null;
}

export interface Folder {
  path: string;
  folders: { name: string; path: string }[];
  photos: { name: string; path: string; bytes: number }[];
}
