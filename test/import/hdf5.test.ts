import { File as PeerFile } from "jsfive";
import { describe, expect, test } from "vitest";
import { type Hdf5Object, openHdf5 } from "../../src/import/hdf5.ts";
import { h5, refusal } from "./golden-files.ts";

const at = (root: Hdf5Object, path: string): Hdf5Object => {
  let object: Hdf5Object | undefined = root;
  for (const part of path.split("/")) object = object?.member(part);
  if (!object) throw new Error(`${path} not found`);
  return object;
};

/** Replaces the 8-byte little-endian numbers `from` (all of them) by `to`. */
function redirected(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let p = 0; p + 8 <= copy.length; p += 8) if (view.getBigUint64(p, true) === BigInt(from)) view.setBigUint64(p, BigInt(to), true);
  return copy;
}

const positions = (bytes: Uint8Array, text: string): number[] => {
  const found: number[] = [];
  for (let p = Buffer.from(bytes).indexOf(text); p >= 0; p = Buffer.from(bytes).indexOf(text, p + 1)) found.push(p);
  return found;
};

describe("openHdf5", () => {
  test("reads numbers of every type and order", () => {
    const root = openHdf5(h5("numbers"), "numbers");
    const types = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"];
    for (const path of [...types.flatMap((type) => [`<${type}`, `>${type}`]), "compact"]) {
      const dataset = at(root, path);
      expect([path, dataset.shape, [...dataset.numbers()]]).toEqual([path, [2, 3], [0, 1, 100, 7, 2, 64]]);
    }
    expect([at(root, "scalar").shape, [...at(root, "scalar").numbers()]]).toEqual([[], [2.5]]);
    expect([at(root, "empty").shape, at(root, "empty").numbers().length]).toEqual([[0, 4], 0]);
    expect(root.shape).toBeUndefined();
    expect(root.member("nothing")).toBeUndefined();
    expect(root.member("toString")).toBeUndefined();
  });

  test("reads text of fixed and of variable length", () => {
    const root = openHdf5(h5("numbers"), "numbers");
    expect(root.strings("fixed")).toEqual(["one", "three"]);
    expect(root.strings("long")).toEqual(["uno", "", "trés"]);
    expect(root.strings("single")).toEqual(["alone"]);
    expect(root.strings("none")).toEqual([]);
    expect(root.strings("absent")).toBeUndefined();
  });

  test("refuses what is not there to be read", async () => {
    const root = openHdf5(h5("numbers"), "numbers");
    const refused = async (read: () => unknown): Promise<string> => (await refusal(read)).message;
    expect(await refused(() => root.numbers())).toMatch(/no numbers in "\/"/);
    expect(await refused(() => root.strings("number"))).toMatch(/attribute "number" of numbers/);
    expect(await refused(() => at(root, "text").numbers())).toMatch(/got text/);
    expect(await refused(() => at(root, "unwritten").numbers())).toMatch(/never written/);
  });

  const float32 = String.fromCharCode(0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0);
  const header = (bytes: Uint8Array): number => Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(64, true));
  const typeAt = (bytes: Uint8Array): number => Buffer.from(bytes).indexOf(float32, 0, "latin1");
  const of = (at: number) => () => at;
  test.each<[string, (bytes: Uint8Array) => number, number, string, RegExp]>([
    ["another signature", of(0), 0x88, "bad-file", /got no HDF5 signature at byte 0/],
    ["a later superblock", of(8), 2, "unsupported", /got superblock version 2 at byte 8, expected 0 or 1/],
    ["short addresses", of(13), 4, "unsupported", /got addresses of 4 and sizes of 8 bytes/],
    ["short sizes", of(14), 4, "unsupported", /got addresses of 8 and sizes of 4 bytes/],
    ["a base of its own", of(24), 1, "unsupported", /got base address 1/],
    ["more bytes than there are", of(46), 1, "bad-file", /got a file of \d+ bytes at byte 40, expected \d+/],
    ["a root past 2^53", of(71), 1, "bad-file", /got a reference to 1 bytes/],
    ["a later object header", header, 0x4f, "unsupported", /got an object header of version 2/],
    ["an object header of no version", header, 0, "bad-file", /got object header version 0/],
    [
      "messages past their header",
      (bytes) => header(bytes) + 19,
      1,
      "bad-file",
      /got a message of \d+ bytes at byte \d+, expected it within its header/,
    ],
    ["a header past the file", (bytes) => header(bytes) + 11, 1, "bad-file", /got a reference to \d+ bytes/],
    ["a group of links", (bytes) => header(bytes) + 16, 6, "unsupported", /got group "\/" stored as links/],
    ["a heap that is none", (bytes) => Buffer.from(bytes).indexOf("HEAP"), 0, "bad-file", /got "\\u0000EAP" at byte \d+, expected "HEAP"/],
    ["a tree of another type", (bytes) => Buffer.from(bytes).indexOf("TREE") + 4, 1, "bad-file", /got a node of type 1, level 0/],
    ["numbers of a class that is none", typeAt, 0x15, "unsupported", /got datatype class 5/],
    ["floats of 5 bytes", (bytes) => typeAt(bytes) + 4, 5, "unsupported", /got floating point of 5 bytes in a form of its own/],
    ["floats of another exponent", (bytes) => typeAt(bytes) + 13, 7, "unsupported", /got floating point of 4 bytes in a form/],
    ["floats of another bias", (bytes) => typeAt(bytes) + 16, 126, "unsupported", /got floating point of 4 bytes in a form/],
    ["floats in the order of a VAX", (bytes) => typeAt(bytes) + 1, 0x60, "unsupported", /got floating point of 4 bytes in a form/],
  ])("refuses %s", async (_, place, value, code, message) => {
    const bytes = h5("numbers").slice();
    const read = (): void => {
      const root = openHdf5(bytes, "numbers");
      for (const name of ["<f4", "compact", "scalar", "empty"]) at(root, name).numbers();
    };
    read();
    bytes[place(bytes)] = value;
    const error = await refusal(read);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test("finds every member of a group whose tree has levels", () => {
    const root = openHdf5(h5("many-members"), "many");
    for (let i = 0; i < 260; i++) expect(root.member(`member_${i}`)?.path).toBe(`/member_${i}`);
    expect(root.member("member_260")).toBeUndefined();
  });

  test("agrees with another reader on every dataset and attribute of a model", () => {
    let datasets = 0;
    for (const name of ["mlp", "mlp-double", "functional", "keras3", "nested"]) {
      const bytes = h5(name);
      const root = openHdf5(bytes, name);
      const peer = new PeerFile(bytes.slice().buffer, name);
      expect(root.strings("model_config")).toEqual([peer.attrs.model_config]);
      const compare = (path: string): void => {
        const theirs = peer.get(path);
        if (!Array.isArray(theirs)) for (const key of theirs.keys) compare(`${path}/${key}`);
        else {
          datasets++;
          expect(at(root, path).shape).toEqual(theirs.shape);
          expect([...at(root, path).numbers()]).toEqual([...Float32Array.from(theirs.value)]);
        }
      };
      compare("model_weights");
    }
    expect(datasets).toBeGreaterThan(40);
  });

  test("ends on structures that refer to themselves", async () => {
    const bytes = h5("many-members");
    const nodes = positions(bytes, "TREE");
    const tables = positions(bytes, "SNOD");
    // Every leaf of every node is the one with most entries: the tree says far more than the file can hold.
    let hostile = bytes;
    for (const table of tables.slice(1)) hostile = redirected(hostile, table, tables[0]);
    openHdf5(hostile, "same").member("x");
    const view = new DataView(hostile.buffer);
    for (const table of tables) view.setUint16(table + 6, 65535, true);
    expect((await refusal(() => openHdf5(hostile, "tables").member("x"))).code).toBe("bad-file");
    // A node that is its own child.
    hostile = bytes;
    for (const node of nodes.slice(1)) hostile = redirected(hostile, node, nodes[0]);
    expect((await refusal(() => openHdf5(hostile, "cycle").member("x"))).code).toBe("bad-file");
  });

  test("ends on a tree whose levels all lead to the same node", async () => {
    // 40 nodes, each of 60 children that are all the next one: 60^40 leaves in 40 kB.
    const bytes = new Uint8Array(60_000);
    bytes.set(h5("many-members").subarray(0, 2048));
    const view = new DataView(bytes.buffer);
    const header = Number(view.getBigUint64(64, true));
    const start = 8192;
    const symbolTable = header + 16 + 8;
    expect(view.getUint16(header + 16, true)).toBe(17);
    view.setBigUint64(40, 60_000n, true);
    view.setBigUint64(symbolTable, BigInt(start), true);
    for (let level = 39, node = start; level >= 0; level--, node += 1024) {
      bytes.set(new TextEncoder().encode("TREE"), node);
      bytes[node + 5] = level;
      view.setUint16(node + 6, 60, true);
      for (let e = 0; e < 60; e++) view.setBigUint64(node + 24 + 16 * e + 8, BigInt(node + 1024), true);
    }
    bytes.set(new TextEncoder().encode("SNOD"), start + 40 * 1024);
    const error = await refusal(() => openHdf5(bytes, "wide").member("x"));
    expect(error.message).toMatch(/refer to one another without end|HEAP/);
    expect(error.message).toMatch(/without end/);
  });

  test("reads no dataset more often than the file has bytes", async () => {
    const bytes = h5("mlp-double");
    const root = openHdf5(bytes, "again");
    const kernel = at(root, "model_weights/dense/dense/kernel:0");
    const error = await refusal(() => {
      for (let i = 0; i < 1000; i++) kernel.numbers();
    });
    expect(error.message).toMatch(/more numbers than the file has bytes/);
  });
});
