import { expect, test } from "vitest";
import { oneLine, progressOn } from "../../src/cli/io.ts";

test("shows progress only to somebody, at most ten times a second, and takes it away", () => {
  let [shown, now] = ["", 0];
  const io = { stdout() {}, stderr: (text: string) => void (shown += text), stderrIsTerminal: true, clock: { now: () => now } };
  const progress = progressOn(io);
  progress.show(0.5, "fitting\nactivators");
  expect(shown).toContain("50 % fitting\\u000aactivators");
  const before = shown;
  now = 99;
  progress.show(0.6, "x");
  expect(shown).toBe(before);
  now = 100;
  progress.show(0.7, "x");
  expect(shown).toContain("70 % x");
  progress.end();
  expect(shown.endsWith("\r\u001b[K")).toBe(true);

  shown = "";
  const silent = progressOn({ ...io, stderrIsTerminal: false });
  silent.show(0.5, "x");
  silent.end();
  expect(shown).toBe("");
});

test("progress stays on one row of a narrow terminal, first without the bar, then cut", () => {
  let [shown, columns, now] = ["", 80, 0];
  const io = { stdout() {}, stderr: (text: string) => void (shown += text), stderrIsTerminal: true, clock: { now: () => now } };
  const progress = progressOn({ ...io, stderrColumns: () => columns });
  const shownAt = (width: number): string => {
    [shown, columns, now] = ["", width, now + 100];
    progress.show(0.5, "choosing layouts");
    return shown;
  };
  const bar = "█".repeat(12) + "░".repeat(12);
  expect(shownAt(80)).toBe(`\r\u001b[K${bar} 50 % choosing layouts`);
  expect(shownAt(47)).toBe(`\r\u001b[K${bar} 50 % choosing layouts`);
  expect(shownAt(46)).toBe("\r\u001b[K50 % choosing layouts");
  expect(shownAt(12)).toBe("\r\u001b[K50 % choosi");
  expect(shownAt(0)).toBe(`\r\u001b[K${bar} 50 % choosing layouts`); // a terminal that does not know its width
});

test("keeps text on its line", () => {
  expect(oneLine("a\u001b[2J\r\nb\u2028é")).toBe("a\\u001b[2J\\u000d\\u000ab\\u2028é");
});
