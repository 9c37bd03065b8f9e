import fc from "fast-check";
import { expect, test } from "vitest";
import { visitFields, visitVarints } from "../../src/import/protobuf.ts";
import { bytes, float, int, varint } from "./write-onnx.ts";

test("every signed 64-bit integer is read; exactly where a number can hold it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -200n, max: 200n }))),
      (values) => {
        const got: number[] = [];
        visitVarints(Uint8Array.from(values.flatMap(varint)), "m", (value) => got.push(value));
        got.forEach((value, i) => {
          const exact = Number(values[i]);
          if (Number.isSafeInteger(exact)) expect(value).toBe(exact);
          else expect(Math.abs(value - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 ** -51);
        });
        expect(got.length).toBe(values.length);
      },
    ),
  );
});

test("fields come in order with their places", () => {
  const seen: number[][] = [];
  const message = Uint8Array.from([...int(1, -7), ...bytes(300, [9, 9]), ...float(2, 1), ...varint(3 * 8 + 1), 0, 0, 0, 0, 0, 0, 0, 0]);
  visitFields(message, "m", (field, wire, start, end, value) => seen.push(wire === 0 ? [field, wire, value] : [field, wire, start, end]));
  expect(seen).toEqual([
    [1, 0, -7],
    [300, 2, 14, 16],
    [2, 5, 17, 21],
    [3, 1, 22, 30],
  ]);
});

test("any bytes are read to their end or refused, never past it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (message) => {
      let reached = 0;
      try {
        visitFields(message, "m", (_, __, start, end) => {
          expect(start).toBeGreaterThan(reached - 1);
          expect(end).toBeLessThanOrEqual(message.length);
          reached = end;
        });
        expect(reached).toBe(message.length);
      } catch (error) {
        expect(error).toMatchObject({ name: "SlonnError", code: "bad-file" });
      }
    }),
    { numRuns: 2000 },
  );
});
