// Which of a file's named arrays to take: a rule shared by the formats that hold several. It reads none of them.

import { SlonnError } from "../../errors.ts";
import { quoted } from "../../model/quoted.ts";

/** What a data file is read for. */
export type Role = "inputs" | "labels";

const preferred: Readonly<Record<Role, readonly string[]>> = {
  inputs: ["x", "inputs", "data", "images", "features", "arr_0"],
  labels: ["y", "labels", "targets"],
};

/**
 * The only array, or the one named for the role.
 * @throws SlonnError `bad-input` where there is none or the choice is not clear.
 */
export function chooseArray(names: readonly string[], role: Role, file: string): string {
  if (names.length === 1) return names[0];
  if (names.length === 0) throw new SlonnError("bad-input", `${file}: got no array, expected one`);
  const named = preferred[role].find((name) => names.includes(name));
  if (named !== undefined) return named;
  const shown = names.slice(0, 6).map(quoted);
  throw new SlonnError(
    "bad-input",
    `${file}: got ${names.length} arrays (${shown.join(", ")}${names.length > 6 ? ", …" : ""}), expected one, or one named ${preferred[role].join(" or ")}`,
  );
}
