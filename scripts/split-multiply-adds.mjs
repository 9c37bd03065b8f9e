// Makes the plain SIMD binary from the relaxed one: the same code with every fused multiply-add taken apart. src/engine/kernels.ts
// puts them together again, byte for byte in the same room, so that the package carries one binary and not two.

const v128 = 0x7b;
const fused = [0xfd, 0x85, 0x02]; // f32x4.relaxed_madd

/** a, b and sum are on the stack: sum is put aside in the local `t` while a and b are multiplied. */
const apart = (t) => [0x21, t, 0xfd, 0xe6, 0x01, 0x20, t, 0xfd, 0xe4, 0x01]; // local.set t, f32x4.mul, local.get t, f32x4.add
/** As long as `apart`: nops are 0x01. */
const padded = [...fused, 1, 1, 1, 1, 1, 1, 1];

/**
 * @param {Uint8Array} binary a module whose bytes fd 85 02 are fused multiply-adds wherever they stand
 * @returns {{ simd: Uint8Array, relaxed: Uint8Array, count: number }} the module without them and, as long, with them; how many there are
 */
export function splitMultiplyAdds(binary) {
  const simd = rewrite(binary, apart);
  return { simd: simd.bytes, relaxed: rewrite(binary, () => padded).bytes, count: simd.count };
}

/** The module with `written(t)` in place of each fused multiply-add; `t` is a local of type v128 that functions with any have more. */
function rewrite(binary, written) {
  let at = 8;
  let count = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const list = (read) => Array.from({ length: number() }, read);
  const bytes = (n) => [...binary.subarray(at, (at += n))];

  const out = [...binary.subarray(0, 8)];
  /** Parameters of each type, and the type of each function. */
  let parameters = [];
  let types = [];
  while (at < binary.length) {
    const id = binary[at++];
    const end = number() + at;
    const begin = at;
    if (id === 1)
      parameters = list(() => {
        at++; // 0x60: a function
        const takes = bytes(number()).length;
        bytes(number());
        return takes;
      });
    if (id === 3) types = list(number);
    let section = [...binary.subarray(begin, end)];
    if (id === 10) {
      at = begin;
      const functions = list((_, f) => {
        const bodyEnd = number() + at;
        const locals = list(() => [number(), binary[at++]]);
        const t = locals.reduce((sum, [n]) => sum + n, parameters[types[f]]);
        const code = [];
        let found = 0;
        while (at < bodyEnd) {
          if (!fused.every((byte, i) => binary[at + i] === byte)) code.push(binary[at++]);
          else {
            if (t > 127) throw new Error(`function ${f}: got ${t} locals, expected at most 127`);
            code.push(...written(t));
            at += fused.length;
            found++;
          }
        }
        count += found;
        const groups = found ? [...locals, [1, v128]] : locals;
        const body = [...leb(groups.length), ...groups.flatMap(([n, type]) => [...leb(n), type]), ...code];
        return [...leb(body.length), ...body];
      });
      section = [...leb(functions.length), ...functions.flat()];
    }
    at = end;
    out.push(id, ...leb(section.length), ...section);
  }
  return { bytes: Uint8Array.from(out), count };
}

function leb(value) {
  const low = value & 127;
  return value < 128 ? [low] : [low | 128, ...leb(value >>> 7)];
}
