// 16-bit floats. Engines compute in float32, so files' float16 and bfloat16 are widened on reading; float16 may be written to save space.

/** IEEE 754 binary16 bits to float32; exact. */
export function widenHalf(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++) {
    bits[i] = (halves[i] & 0x7fff) << 13;
    out[i] *= 2 ** 112; // the difference of the exponents' biases; makes subnormal ones normal
    if ((halves[i] & 0x7c00) === 0x7c00) bits[i] |= 0x7f800000; // infinite or NaN
    bits[i] |= (halves[i] & 0x8000) << 16;
  }
  return out;
}

/** bfloat16 bits (the upper half of a float32) to float32; exact. */
export function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}

/** float32 to IEEE 754 binary16 bits, rounded to nearest, ties to even; past ±65519.99 it becomes infinite. */
export function narrowToHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const magnitude = bits[i] & 0x7fffffff;
    let half: number;
    if (magnitude > 0x7f800000)
      half = 0x7e00; // NaN
    else if (magnitude >= 0x477ff000)
      half = 0x7c00; // 65520 is halfway to what would come after the largest half
    else if (magnitude >= 0x38800000) half = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    else half = Math.abs(values[i]) * 2 ** 24 + 2 ** 52 - 2 ** 52; // below 2^-14: whole multiples of 2^-24, the addition rounds
    out[i] = sign | half;
  }
  return out;
}
