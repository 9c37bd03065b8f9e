// The program for workerd, which is asked instead of asking. Its model and rows lie in its bundle.

import { loadModel } from "slonn";
import images from "./images.bin";
import model from "./model.slonn";
import { createWays, timeBlock } from "./program.js";

let ways;

export default {
  async fetch(request) {
    ways ??= await createWays(await loadModel(model), new Float32Array(images));
    const block = await request.json();
    if (block.way) return Response.json({ ms: await timeBlock(ways[block.way], block) });
    return Response.json(Object.fromEntries(Object.entries(ways).map(([way, { message = null }]) => [way, message])));
  },
};
