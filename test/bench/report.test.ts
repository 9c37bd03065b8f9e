import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { drawChart } from "../../bench/report/chart.ts";
import { html } from "../../bench/report/markup.ts";
import { renderPage, writeReport } from "../../bench/report/report.ts";
import type { NetworkReport } from "../../bench/report/report-data.ts";
import { hostileName, madeUpNetwork, madeUpReport, madeUpWideNetwork } from "./made-up-report.ts";

const page = renderPage(madeUpReport());

/** Elements HTML closes by itself; those of SVG close themselves by a slash. */
const empty = new Set(["meta", "link", "br", "hr", "img", "input"]);

/** Every tag in order; throws where one is not closed by its like, or a character stands where only an entity may. */
function tagsOf(text: string): { name: string; attributes: string }[] {
  const tags: { name: string; attributes: string }[] = [];
  const open: string[] = [];
  const body = text.replace(/^<!doctype html>/, "").replace(/<style>[^<]*<\/style>/g, "");
  const rest = body.replace(
    /<(\/?)([a-z][a-z0-9]*)((?:\s+[\w-]+="[^"<>]*")*)\s*(\/?)>/gi,
    (_, closes: string, name: string, attributes: string, closed: string) => {
      if (closes) expect(open.pop()).toBe(name);
      else {
        tags.push({ name, attributes });
        if (!closed && !empty.has(name)) open.push(name);
      }
      return "";
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/);
  return tags;
}

test("the page is well-formed and its ids are unique", () => {
  const tags = tagsOf(page);
  const ids = tags.flatMap(({ attributes }) => attributes.match(/(?<=\sid=")[^"]*/g) ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  const referred = tags.flatMap(({ attributes }) =>
    [...attributes.matchAll(/(?:aria-labelledby="|href="#)([^"]+)"/g)].flatMap(([, names]) => names.split(" ")),
  );
  for (const id of referred) expect(ids).toContain(id);
});

test("the page fetches nothing and runs nothing", () => {
  const tags = tagsOf(page);
  expect(tags.filter(({ name }) => ["script", "link", "img", "iframe", "object", "embed", "base"].includes(name))).toEqual([]);
  expect(page).not.toMatch(/\b(src|srcset|onload|onclick|xlink:href)=|@import|url\(|https?:\/\//);
  expect(
    tags
      .flatMap(({ attributes }) => [...attributes.matchAll(/href="([^"]*)"/g)].map(([, href]) => href))
      .every((href) => /^(#|report\.json$)/.test(href)),
  ).toBe(true);
});

test("every level, hash level, peer and the dense run is a mark in both charts and a row of the table", () => {
  for (const { levels, hash, peers, runs } of madeUpReport().networks) {
    const marks = [...levels, ...hash].map(({ name }) => name);
    for (const name of marks) expect(page.split(`<title>${name}:`).length - 1).toBe(2 * madeUpReport().networks.length);
    for (const { name, version } of peers) {
      expect(page.split(`<title>${name} ${version}:`).length - 1).toBe(2 * madeUpReport().networks.length);
      expect(page).toContain(`<th scope="row">${name} ${version}</th>`);
    }
    for (const name of marks) expect(page).toContain(`<th scope="row">${name}</th>`);
    for (const { slo } of runs) expect(page).toContain(`<code>${slo}</code>`);
  }
});

test("certified levels are filled and no others", () => {
  const circles = [...page.matchAll(/<circle class="mark (filled|hollow) c[01]"[^>]*><title>(level \d):([^<]*)/g)];
  expect(circles).toHaveLength(2 * 2 * 8);
  for (const [, fill, , text] of circles) expect(fill).toBe(text.includes("not certified") ? "hollow" : "filled");
});

test("names are escaped wherever they stand", () => {
  expect(page).not.toContain("<script");
  expect(page).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;net&#39;");
  const data = madeUpReport();
  const network = madeUpNetwork("net", 0.9);
  const everywhere = renderPage({
    ...data,
    title: hostileName,
    command: hostileName,
    versions: { [hostileName]: hostileName },
    machine: { ...data.machine, cpu: hostileName, os: hostileName },
    networks: [
      {
        ...network,
        data: hostileName,
        levels: network.levels.map((level) => ({ ...level, name: hostileName })),
        peers: network.peers.map((peer) => ({ ...peer, name: hostileName, version: hostileName })),
        runs: network.runs.map((run) => ({ ...run, slo: hostileName })),
        ratios: network.ratios.map((ratio) => ({ ...ratio, slower: hostileName, faster: hostileName })),
      },
    ],
  });
  tagsOf(everywhere);
  expect(everywhere).not.toContain("<script");
});

test("where rows have several labels, everybody's precision at every rank stands side by side", () => {
  const network = madeUpWideNetwork("wide");
  const wide = renderPage({ ...madeUpReport(), networks: [network] });
  tagsOf(wide);
  const rowOf = (name: string): string => wide.split(`<tr><th scope="row">${name}</th>`).find((text) => text.startsWith("<td>")) ?? "";
  const start = wide.indexOf("Right answers among the best 1, 3 and 5");
  const table = wide.slice(start, wide.indexOf("</table>", start));
  for (const { name, version } of network.peers) expect(table).toContain(`<th scope="row">${name} ${version}</th>`);
  for (const { slo } of network.runs) expect(table).toContain(`<th scope="row">${slo}</th>`);
  expect(table).toContain('<th scope="row">nodes=5%</th><td>52.00 %</td><td>−6.00</td><td>44.00 %</td><td>−6.00</td><td>31.00 %</td>');
  expect(rowOf("onnxruntime-node-int8 1.30.0")).not.toBe("");
  expect(wide).toContain("by precision@1");
  expect(page).not.toContain("Right answers among");
});

test("the line of the allowed loss is drawn only where it is a loss of what is shown", () => {
  const network = madeUpWideNetwork("wide");
  const drawn = (metric: NetworkReport["metric"]): boolean => {
    const asked = { ...network, promise: { ...network.promise!, metric } };
    return renderPage({ ...madeUpReport(), networks: [asked] }).includes('class="allowed"');
  };
  expect([drawn("precision@1"), drawn("accuracy"), drawn("precision@5")]).toEqual([true, true, false]);
});

test("a network of which little is known still makes a page", () => {
  const network = madeUpNetwork("bare", 0.5);
  const bare = { ...network, promise: null, levels: [], hash: [], peers: [], runs: [], ratios: [] };
  tagsOf(renderPage({ ...madeUpReport(), networks: [bare] }));
  tagsOf(renderPage({ ...madeUpReport(), networks: [] }));
  const unmeasured = network.levels.map((level) => ({
    ...level,
    latencyMs: { mean: Number.NaN, p50: Number.NaN, p90: Number.NaN, p99: Number.NaN },
  }));
  const text = renderPage({ ...madeUpReport(), networks: [{ ...network, levels: unmeasured }] });
  tagsOf(text);
  expect(text).not.toMatch(/NaN|Infinity|undefined/);
});

test("a chart places every mark inside its frame, whatever the numbers", () => {
  const marks = fc.array(fc.record({ x: fc.double({ min: 1e-3, max: 1e6, noNaN: true }), y: fc.double({ min: 0, max: 1, noNaN: true }) }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(marks, fc.double({ min: 0, max: 1, noNaN: true }), (points, reference) => {
      const { markup } = drawChart({
        title: "t",
        xLabel: "x",
        yLabel: "y",
        tick: String,
        reference,
        allowedLoss: 0.003,
        series: [
          { name: "s", shape: "circle", joined: true, marks: points.map((point) => ({ ...point, title: "", filled: true, label: null })) },
        ],
      });
      const circles = [...markup.matchAll(/<circle [^>]*cx="([^"]*)" cy="([^"]*)"/g)];
      expect(circles).toHaveLength(points.length);
      for (const [, x, y] of circles) {
        expect(Number(x)).toBeGreaterThanOrEqual(116);
        expect(Number(x)).toBeLessThanOrEqual(620);
        expect(Number(y)).toBeGreaterThanOrEqual(14);
        expect(Number(y)).toBeLessThanOrEqual(340);
      }
    }),
  );
});

test("what is put into markup comes out as text, never as a tag", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { markup } = html`<p title="${text}">${text}</p>`;
      const inner = markup.slice('<p title="'.length, -"</p>".length).replace('">', "");
      expect(inner).not.toMatch(/[<>"']/);
    }),
  );
});

test("a report is written as a page and as the data it came from", async () => {
  const folder = await mkdtemp(join(tmpdir(), "report-"));
  try {
    const data = madeUpReport();
    const written = await writeReport(data, join(folder, "deep", "report"));
    expect(JSON.parse(await readFile(written.json, "utf8"))).toEqual(data);
    expect(await readFile(written.page, "utf8")).toBe(page);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("who reads a report while it is written anew reads the old one to its end", async () => {
  const folder = await mkdtemp(join(tmpdir(), "report-"));
  try {
    const paths = Object.values(await writeReport(madeUpReport(), folder));
    const old = await Promise.all(paths.map((path) => readFile(path, "utf8")));
    const read = await Promise.all(paths.map((path) => open(path)));
    await writeReport({ ...madeUpReport(), title: "another", networks: [] }, folder);
    for (const [i, file] of read.entries()) {
      expect(await file.readFile("utf8")).toBe(old[i]);
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("boxes that scroll have names of their own, though several networks have the same tables", () => {
  const names = [...page.matchAll(/role="region" aria-labelledby="([^"]*)"/g)].map(([, name]) =>
    name.replace(/[\w-]+-\w+/g, (id) => new RegExp(`id="${id}">([^<]*)`).exec(page)?.[1] ?? id),
  );
  expect(names.length).toBeGreaterThanOrEqual(2 * 3);
  expect(new Set(names).size).toBe(names.length);
});

test("charts are in boxes that scroll, as what is written in them cannot be read at a phone's width", () => {
  expect(page.match(/<figure>/g)).toHaveLength(2 * madeUpReport().networks.length);
  expect(page.match(/<div class="scroll" tabindex="0" role="group" aria-label="[^"]*"><svg /g)).toHaveLength(
    2 * madeUpReport().networks.length,
  );
  expect(page).toMatch(/figure svg {[^}]*min-width: 3\drem/);
});

test("a mean of multiply-adds, as dense has over sparse rows, is told whole", () => {
  const network = madeUpNetwork("sparse", 0.6);
  const text = renderPage({ ...madeUpReport(), networks: [{ ...network, dense: { ...network.dense, macs: 3_000_976.213 } }] });
  expect(text).toContain(" 3,000,976 multiply-adds");
});

test("the note on the line of the allowed loss stands where no mark and no line is", () => {
  const noteOver = (x: number, y: number, joined = false): string => {
    const ends = [
      { x: 1, y: 0.9 },
      { x: 100, y: 0.9 },
    ];
    const { markup } = drawChart({
      title: "t",
      xLabel: "x",
      yLabel: "y",
      tick: String,
      reference: 0.9,
      allowedLoss: 0.003,
      series: [
        {
          name: "ends",
          shape: "star",
          joined: false,
          marks: [...ends, { x: 50, y: 0.4 }].map((end) => ({ ...end, title: "", filled: true, label: null })),
        },
        {
          name: "s",
          shape: "circle",
          joined,
          marks: [{ x, y }, ...(joined ? [{ x: x * 1.01, y: 0.9 }] : [])].map((mark) => ({
            ...mark,
            title: "",
            filled: true,
            label: null,
          })),
        },
      ],
    });
    return /class="note"[^>]*text-anchor="(\w+)"/.exec(markup)?.[1] ?? "";
  };
  expect(noteOver(2, 0.896)).toBe("end");
  expect(noteOver(50, 0.896)).toBe("start");
  expect(noteOver(50, 0.5, true)).toBe("start"); // the line from a mark far below crosses the note
  expect(noteOver(2, 0.5, true)).toBe("end");
});

test("the promise is told by a run whose certificate says as much or more", () => {
  const [network] = madeUpReport().networks;
  const told = (bound: number): string => {
    const runs = network.runs.map((run) => ({ ...run, certificate: run.certificate && { ...run.certificate, bound } }));
    return renderPage({ ...madeUpReport(), networks: [{ ...network, runs }] });
  };
  expect(told(0.0029)).toContain("as fast as our dense run");
  expect(told(0.0031)).not.toContain("as fast as our dense run");
});

test("a legend names what is drawn", () => {
  const [network] = madeUpReport().networks;
  const legend = (levels: NetworkReport["levels"]): string => renderPage({ ...madeUpReport(), networks: [{ ...network, levels }] });
  const certified = network.levels.filter(({ certificates }) => certificates.length > 0);
  expect(legend(network.levels)).toContain("level, not certified</li>");
  expect(legend(certified)).not.toContain("level, not certified</li>");
});
