// A page's Worker that runs sessions itself.

import * as slonn from "slonn";
import { askEverything } from "./queries.js";

const { origin } = location;
fetch(`${origin}/images.bin`)
  .then(async (response) => askEverything(slonn, `${origin}/model.slonn`, await response.arrayBuffer()))
  .then(postMessage, (error) => postMessage({ failed: String(error) }));
