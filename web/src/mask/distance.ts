// Exact Euclidean distances by Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions" (2012).

const FAR = 1e12;

/** Squared distance of each cell to the nearest cell where `inside` is 1; row by row. */
export function squaredDistances(inside: Uint8Array, width: number, height: number): Float64Array {
  const distances = new Float64Array(width * height);
  for (let at = 0; at < distances.length; at++) distances[at] = inside[at] ? 0 : FAR;
  const longest = Math.max(width, height);
  const values = new Float64Array(longest);
  const vertices = new Int32Array(longest);
  const borders = new Float64Array(longest + 1);
  const line = (start: number, step: number, count: number): void => {
    for (let index = 0; index < count; index++) values[index] = distances[start + index * step];
    lowerEnvelope(values, count, vertices, borders);
    for (let index = 0, k = 0; index < count; index++) {
      while (borders[k + 1] < index) k++;
      const vertex = vertices[k];
      distances[start + index * step] = (index - vertex) ** 2 + values[vertex];
    }
  };
  for (let x = 0; x < width; x++) line(x, width, height);
  for (let y = 0; y < height; y++) line(y * width, 1, width);
  return distances;
}

function lowerEnvelope(
  values: Float64Array,
  count: number,
  vertices: Int32Array,
  borders: Float64Array,
): void {
  let k = 0;
  vertices[0] = 0;
  borders[0] = -Infinity;
  borders[1] = Infinity;
  for (let q = 1; q < count; q++) {
    let meet = 0;
    do {
      const v = vertices[k];
      meet = (values[q] + q * q - values[v] - v * v) / (2 * (q - v));
    } while (meet <= borders[k] && k-- > 0);
    k++;
    vertices[k] = q;
    borders[k] = meet;
    borders[k + 1] = Infinity;
  }
}
