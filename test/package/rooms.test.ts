// The house rules of src/ that import lines can show: who may import whom, through which files, and where anything from outside
// may come in. A new file others need is added to `open` below, on purpose.

import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";

/** Lowest first; a room imports only rooms before it. Files in src/ itself are either the ground floor or doors. */
const rooms = ["engine", "model", "import", "activator", "profile", "calibrate", "policy", "session", "queue", "adapters", "cli"];
const groundFloor = [
  "abort-listener.ts",
  "errors.ts",
  "clock.ts",
  "decimal.ts",
  "next-turn.ts",
  "option-names.ts",
  "quoted.ts",
  "random.ts",
  "staggered.ts",
];
/** What package.json's export map opens; no source imports a door. */
const doors = ["index.ts", "calibrate.ts", "kernels.ts", "load.ts", "worker.ts", "worker-thread.ts"];

/** The files of a room that other rooms may import, beside the one named after it. */
const open: Record<string, readonly string[]> = {
  engine: ["array-kernels.ts", "generated/abi.ts", "list.ts", "memory-plan.ts", "plan-writer.ts"],
  model: [
    "byte-reader.ts",
    "forward.ts",
    "half.ts",
    "place.ts",
    "quantize.ts",
    "two-classes.ts",
    "rows.ts",
    "safetensors.ts",
    "slonn-file.ts",
    "strided.ts",
    "tensor.ts",
    "transposed.ts",
  ],
  activator: ["level-plan.ts", "network-input.ts", "network.ts", "setting.ts", "work.ts"],
  profile: ["decode-ladder.ts", "ladder.ts", "latency-file.ts", "latency.ts", "sensitivity.ts"],
  policy: ["deadline.ts", "levels.ts", "load.ts", "plan.ts", "slo.ts"],
  session: ["bandwidth.ts", "breakdown.ts", "input-parts.ts", "output.ts", "pausable-session.ts", "report.ts"],
};

interface Import {
  from: string;
  /** A path below src/, or a specifier from outside. */
  to: string;
  outside: boolean;
}

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts"));
const imports: Import[] = sources.filter((from) => !from.startsWith("engine/generated/")).flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = readFileSync(join("src", from), "utf8");
  const specifiers = [...text.matchAll(/^(?:import|export)\s(?:[^;"]*?\sfrom\s)?\s*"([^"]+)"/gm)].map((match) => match[1]);
  return specifiers.filter(isSource).map((specifier) => {
    const outside = !specifier.startsWith(".");
    return { from, to: outside ? specifier : posix.join(posix.dirname(from), specifier), outside };
  });
}

/** Whether a specifier names no binary that the build puts beside the JavaScript. */
function isSource(specifier: string): boolean {
  return !/\.wasm(\?module)?$/.test(specifier);
}

const roomOf = (path: string): string | null => (path.includes("/") ? path.slice(0, path.indexOf("/")) : null);
const line = ({ from, to }: Import): string => `${from} imports ${to}`;
const inside = imports.filter(({ outside }) => !outside);

describe("rooms", () => {
  test("the import lines were found", () => {
    expect(imports.length).toBeGreaterThan(sources.length);
    expect(inside.filter(({ to }) => !sources.includes(to)).map(line)).toEqual([]);
    const statements = sources
      .filter((from) => !from.startsWith("engine/generated/"))
      .flatMap((from) => readFileSync(join("src", from), "utf8").match(/^(import\b|.*\bfrom ").*$/gm) ?? [])
      .filter((text) => text.includes('"') && /^(import|export|})/.test(text) && !/\.wasm(\?module)?"/.test(text));
    expect(imports.length).toBe(statements.length);
  });

  test("every folder of src is a room, every file beside them ground floor or door", () => {
    expect([...new Set(sources.map(roomOf))].filter((room) => room !== null).sort()).toEqual([...rooms].sort());
    expect(sources.filter((path) => roomOf(path) === null).sort()).toEqual([...groundFloor, ...doors].sort());
  });

  test("a room imports only rooms below it", () => {
    const level = (path: string): number => {
      const room = roomOf(path);
      if (room !== null) return rooms.indexOf(room) + 1;
      return groundFloor.includes(path) ? 0 : rooms.length + 1;
    };
    expect(inside.filter(({ from, to }) => roomOf(from) !== roomOf(to) && level(to) >= level(from)).map(line)).toEqual([]);
    expect(inside.filter(({ to }) => doors.includes(to)).map(line)).toEqual([]);
  });

  test("another room is imported through the file named after it, or one it opens", () => {
    const isOpen = (path: string): boolean => {
      const room = roomOf(path);
      return room === null || path === `${room}/${room}.ts` || (open[room] ?? []).some((file) => path === `${room}/${file}`);
    };
    const crossing = inside.filter(({ from, to }) => roomOf(from) !== null && roomOf(from) !== roomOf(to));
    expect(crossing.filter(({ to }) => !isOpen(to)).map(line)).toEqual([]);
    const used = new Set(crossing.map(({ to }) => to));
    const unused = Object.entries(open).flatMap(([room, files]) =>
      files.map((file) => `${room}/${file}`).filter((path) => !used.has(path)),
    );
    expect(unused).toEqual([]);
  });

  test("only the command line imports packages or Node's modules, and nothing imports at run time", () => {
    expect(imports.filter(({ from, outside }) => outside && roomOf(from) !== "cli").map(line)).toEqual([]);
    const dynamic = sources.filter((from) => /(?<![\w.*])import\s*\(/.test(withoutComments(readFileSync(join("src", from), "utf8"))));
    expect(dynamic).toEqual([]);
  });

  test("calibration and the importers are not reachable from the core door", () => {
    const reached = new Set(["index.ts"]);
    for (const path of reached) for (const { from, to, outside } of imports) if (from === path && !outside) reached.add(to);
    expect([...reached].filter((path) => ["calibrate", "import", "cli"].includes(roomOf(path) ?? ""))).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}
