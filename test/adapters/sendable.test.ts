import { afterEach, describe, expect, test, vi } from "vitest";
import { sendableInput, sendableSource } from "../../src/adapters/sendable.ts";
import type { QueryInput } from "../../src/session/input-parts.ts";

const large = new Float32Array(1000).map((_, i) => i);

describe("an input", () => {
  test("that is part of a larger buffer is copied, and the copy goes along", () => {
    for (const isTransferred of [false, true]) {
      const { value, transfer } = sendableInput(large.subarray(10, 12), isTransferred);
      expect(value).toEqual(Float32Array.of(10, 11));
      expect(transfer).toEqual([(value as Float32Array).buffer]);
      expect(transfer[0]).not.toBe(large.buffer);
      expect((transfer[0] as ArrayBuffer).byteLength).toBe(8);
    }
  });

  test("that is all of its buffer stays as it is, and is handed over where that was asked", () => {
    const input = Float32Array.of(1, 2);
    expect(sendableInput(input, false)).toEqual({ value: input, transfer: [] });
    const { value, transfer } = sendableInput(input, true);
    expect(value).toBe(input);
    expect(transfer).toEqual([input.buffer]);
  });

  test("of several arrays is copied where they are parts", () => {
    const values = Float32Array.of(5, 6);
    const sparse = sendableInput({ indices: new Uint32Array(large.buffer, 0, 2), values }, true);
    expect(sparse.value).toMatchObject({ values });
    expect(sparse.transfer.map((buffer) => (buffer as ArrayBuffer).byteLength)).toEqual([8, 8]);
    const tensor = sendableInput({ dtype: "float32", shape: [2], data: large.subarray(3, 5) }, false);
    expect(tensor.value).toEqual({ dtype: "float32", shape: [2], data: Float32Array.of(3, 4) });
    const both = new ArrayBuffer(16);
    const two = sendableInput({ indices: new Uint32Array(both, 0, 2), values: new Float32Array(both, 8, 2) }, true);
    expect(two.transfer).not.toContain(both);
  });

  test("whose class keeps what it is made of behind accessors is sent as what it is made of", () => {
    class Row {
      readonly release = (): void => {}; // cannot be sent
      get shape(): number[] {
        return [2];
      }
      get dtype(): "float32" {
        return "float32";
      }
      get data(): Float32Array {
        return large.subarray(3, 5);
      }
    }
    const { value, transfer } = sendableInput(new Row(), false);
    expect(structuredClone(value, { transfer })).toEqual({ dtype: "float32", shape: [2], data: Float32Array.of(3, 4) });
  });

  test("in a Buffer of Node's pool takes none of the pool along", () => {
    const pixels = Buffer.from([1, 2, 3]);
    expect(pixels.buffer.byteLength).toBeGreaterThan(3);
    const { value } = sendableInput(pixels, false);
    expect([...(value as Uint8Array)]).toEqual([1, 2, 3]);
    expect((value as Uint8Array).buffer.byteLength).toBe(3);
  });

  test("in shared memory, and what is none, is left alone", () => {
    const shared = new Float32Array(new SharedArrayBuffer(40), 8, 2);
    const view = new DataView(new ArrayBuffer(8), 2, 4);
    for (const input of [shared, view, [1, 2], null, undefined, 5, "text", new Date(0)])
      expect(sendableInput(input as unknown as QueryInput, false)).toEqual({ value: input, transfer: [] });
    for (const input of [shared, view]) expect(sendableInput(input as unknown as QueryInput, true)).toEqual({ value: input, transfer: [] });
  });
});

test("a model's bytes that are part of a larger buffer are copied, whoever may have them", async () => {
  const bytes = new Uint8Array(large.buffer, 8, 16);
  for (const isTransferred of [false, true]) {
    const { value, transfer } = await sendableSource(bytes, isTransferred, {});
    expect(value).toEqual(bytes);
    expect(transfer).toEqual([(value as Uint8Array).buffer]);
    expect((transfer[0] as ArrayBuffer).byteLength).toBe(16);
  }
});

describe("where a model lies", () => {
  afterEach(() => vi.unstubAllGlobals());
  const sent = async (source: string | URL): Promise<unknown> => {
    const { value, transfer } = await sendableSource(source, true, {});
    expect(transfer).toEqual([]);
    return value;
  };

  test("is told by the page's own base, which its Worker may not have", async () => {
    vi.stubGlobal("process", undefined);
    expect(await sent("model.slonn")).toBe("model.slonn"); // nothing to go by
    vi.stubGlobal("location", { href: "https://example.com/worker.js" });
    expect(await sent("model.slonn")).toBe("https://example.com/model.slonn");
    vi.stubGlobal("document", { baseURI: "https://example.com/app/" });
    expect(await sent("../model.slonn")).toBe("https://example.com/model.slonn");
    expect(await sent(new URL("https://example.org/a.slonn"))).toBe("https://example.org/a.slonn");
    vi.stubGlobal("document", undefined);
    vi.stubGlobal("location", { href: "blob:https://example.com/8e1f0a2c" });
    expect(await sent("https://example.org/a.slonn")).toBe("https://example.org/a.slonn");
    for (const odd of ["/model.slonn", "https://"])
      await expect(sent(odd)).rejects.toMatchObject({
        code: "unreadable",
        message: expect.stringMatching(/^\S+: got no URL beside "blob:.*", expected one$/),
      });
    // made beside a page, as in Electron: there a relative path is a file
    vi.stubGlobal("process", { getBuiltinModule: () => undefined });
    expect(await sent("../model.slonn")).toBe("../model.slonn");
  });
});

test("a model's bytes in memory are copied or handed over, those of a stream are always handed over", async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(await sendableSource(bytes, false, {})).toEqual({ value: bytes, transfer: [] });
  expect((await sendableSource(bytes, true, {})).transfer).toEqual([bytes.buffer]);
  expect((await sendableSource(bytes.buffer, true, {})).transfer).toEqual([bytes.buffer]);
  for (const source of [new Response(bytes), new Blob([bytes]).stream()]) {
    const { value, transfer } = await sendableSource(source, false, {});
    expect(value).toEqual(bytes);
    expect(transfer).toEqual([(value as Uint8Array).buffer]);
  }
  const blob = new Blob([bytes]);
  expect((await sendableSource(blob, true, {})).value).toBe(blob);
});
