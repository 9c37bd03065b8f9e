// A service worker that runs sessions, and has no Workers to run them in.

import * as slonn from "slonn";
import { createWorkerSession } from "slonn/worker";
import { askEverything } from "./queries.js";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", ({ ports: [port] }) => {
  const answer = async () => {
    const images = await (await fetch("/images.bin")).arrayBuffer();
    const results = await askEverything(slonn, "/model.slonn", images, []);
    const worker = typeof Worker === "function" ? null : await createWorkerSession("/model.slonn").catch(({ code }) => code);
    return { results, worker };
  };
  answer().then(
    (result) => port.postMessage(result),
    (error) => port.postMessage({ failed: String(error) }),
  );
});
