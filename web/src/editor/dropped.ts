// What is meant by files that are dropped or pasted.

export interface Meant {
  /** Open this one, or ask what it is if a photo is open. */
  one: File | null;
  /** Fill from these. */
  references: File[];
}

/**
 * Where no photo is open, the first file is it and the others show the same place. Where one is, several files
 * at once, or any on the strip of references, are references; a single one could be anything.
 */
export function meant(files: File[], open: boolean, onStrip: boolean): Meant {
  if (open && (onStrip || files.length > 1)) return { one: null, references: files };
  return { one: files[0] ?? null, references: files.slice(1) };
}
