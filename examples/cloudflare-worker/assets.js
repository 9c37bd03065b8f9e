// Puts what the Worker serves from into assets/: the model and the names of its inputs and outputs. Another model: node assets.js <model.slonn>

import { copyFileSync, mkdirSync } from "node:fs";

const beside = (path) => new URL(path, import.meta.url);
const model = process.argv[2] ?? beside("../models/wordnet.slonn");

mkdirSync(beside("assets"), { recursive: true });
copyFileSync(model, beside("assets/model.slonn"));
for (const name of ["words.txt.gz", "labels.txt.gz"]) copyFileSync(beside(`../data/wordnet/${name}`), beside(`assets/${name}`));
