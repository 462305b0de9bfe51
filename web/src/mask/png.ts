// Grey PNG files, written and read row by row: a canvas would need four bytes for each pixel, and has a largest size.
// W3C, "Portable Network Graphics (PNG) Specification (Third Edition)".

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}

function chunk(kind: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let index = 0; index < 4; index++) bytes[4 + index] = kind.charCodeAt(index);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** An 8-bit grey PNG. `row(y, line)` writes row y into the line. */
export async function encodeGrey(
  width: number,
  height: number,
  row: (y: number, line: Uint8Array) => void,
): Promise<Blob> {
  let y = 0;
  const rows = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const count = Math.min(64, height - y);
      const lines = new Uint8Array(count * (width + 1));
      for (let index = 0; index < count; index++, y++)
        row(y, lines.subarray(index * (width + 1) + 1, (index + 1) * (width + 1)));
      controller.enqueue(lines);
      if (y === height) controller.close();
    },
  });
  const packed = await new Response(rows.pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  return new Blob(
    [
      new Uint8Array(SIGNATURE),
      chunk("IHDR", header),
      chunk("IDAT", new Uint8Array(packed)),
      chunk("IEND", new Uint8Array()),
    ],
    { type: "image/png" },
  );
}

/** Reads a grey PNG of 1 or 8 bits, not interlaced; `row(y, line)` gets each row as bytes of 0 to 255. */
export async function decodeGrey(
  bytes: Uint8Array,
  row: (y: number, line: Uint8Array) => void,
): Promise<void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const bits = bytes[24];
  if (bytes[25] !== 0 || bytes[28] !== 0 || (bits !== 8 && bits !== 1))
    throw new Error("a mask must be a grey PNG of 1 or 8 bits");
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = view.getUint32(at);
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === "IDAT")
      parts.push(bytes.slice(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const stride = bits === 8 ? width : Math.ceil(width / 8);
  const previous = new Uint8Array(stride);
  const current = new Uint8Array(stride + 1);
  const line = new Uint8Array(width);
  let have = 0;
  let y = 0;
  const reader = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  for (let part = await reader.read(); !part.done && y < height; part = await reader.read())
    for (let at = 0; at < part.value.length && y < height;) {
      const count = Math.min(stride + 1 - have, part.value.length - at);
      current.set(part.value.subarray(at, at + count), have);
      have += count;
      at += count;
      if (have <= stride) continue;
      have = 0;
      unfilter(current[0], current.subarray(1), previous);
      previous.set(current.subarray(1));
      if (bits === 8) line.set(previous);
      else for (let x = 0; x < width; x++) line[x] = (previous[x >> 3] >> (7 - (x & 7))) & 1 ? 255 : 0;
      row(y++, line);
    }
}

/** Section 9 of the specification, for one byte a pixel. */
function unfilter(kind: number, line: Uint8Array, above: Uint8Array): void {
  for (let x = 0; x < line.length; x++) {
    const left = x > 0 ? line[x - 1] : 0;
    const up = above[x];
    const corner = x > 0 ? above[x - 1] : 0;
    if (kind === 1) line[x] += left;
    else if (kind === 2) line[x] += up;
    else if (kind === 3) line[x] += (left + up) >> 1;
    else if (kind === 4) line[x] += paeth(left, up, corner);
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const a = Math.abs(guess - left);
  const b = Math.abs(guess - up);
  const c = Math.abs(guess - corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
