// The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/): walks the fields of one message. It
// copies nothing, allocates nothing and never descends by itself, so a hostile file costs no more than its own length. It knows no message.

import { refusal, type SlonnError } from "../errors.ts";

/**
 * Called once per field, in file order.
 * @param wire 0: a varint, its value in `value` (as a signed 64-bit integer; inexact past 2^53). 1, 5: 8 or 4 bytes at `start`. 2: bytes from `start` to `end`.
 */
export type FieldVisitor = (field: number, wire: number, start: number, end: number, value: number) => void;

/**
 * Visits the fields of the message in `bytes`.
 * @throws SlonnError `bad-file` where a field runs past the end of the message or is none.
 */
export function visitFields(bytes: Uint8Array, subject: string, visit: FieldVisitor): void {
  const cursor = { at: 0, value: 0 };
  while (cursor.at < bytes.length) {
    readVarint(bytes, cursor, subject);
    const tag = cursor.value;
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field < 1 || field > 0x1fffffff) throw broken(subject, `field number ${field}`, "1 to 536870911");
    let start = cursor.at;
    if (wire === 0) readVarint(bytes, cursor, subject);
    else if (wire === 1) cursor.at += 8;
    else if (wire === 5) cursor.at += 4;
    else if (wire === 2) {
      readVarint(bytes, cursor, subject);
      start = cursor.at;
      if (cursor.value < 0) throw broken(subject, `a field of ${cursor.value} bytes`, "0 or more");
      cursor.at += cursor.value;
    } else throw broken(subject, `wire type ${wire}`, "0, 1, 2 or 5");
    if (cursor.at > bytes.length) throw broken(subject, `${bytes.length} bytes`, `at least ${cursor.at}: it is cut off`);
    visit(field, wire, start, cursor.at, cursor.value);
  }
}

/** The varints packed in `bytes`, one after the other. */
export function visitVarints(bytes: Uint8Array, subject: string, visit: (value: number) => void): void {
  const cursor = { at: 0, value: 0 };
  while (cursor.at < bytes.length) {
    readVarint(bytes, cursor, subject);
    visit(cursor.value);
  }
}

function readVarint(bytes: Uint8Array, cursor: { at: number; value: number }, subject: string): void {
  let low = 0; // bits 0 to 27
  let middle = 0; // bits 28 to 55
  let high = 0; // bits 56 to 63
  for (let i = 0; i < 10; i++) {
    if (cursor.at >= bytes.length) throw broken(subject, "a number that is cut off", "a complete one");
    const byte = bytes[cursor.at++];
    if (i < 4) low |= (byte & 127) << (7 * i);
    else if (i < 8) middle |= (byte & 127) << (7 * (i - 4));
    else high |= (byte & 127) << (7 * (i - 8));
    if (byte < 128) {
      high = (high << 24) >> 24; // eight bits, the topmost the sign
      cursor.value = high * 2 ** 56 + middle * 2 ** 28 + low;
      return;
    }
  }
  throw broken(subject, "a number of more than 10 bytes", "at most 10");
}

function broken(subject: string, got: string, expected: string): SlonnError {
  return refusal("bad-file", subject, got, expected);
}
