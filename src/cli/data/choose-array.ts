// Which of a file's named arrays to take: a rule shared by the formats that hold several. It reads none of them.

import { refusal } from "../../errors.ts";
import { quoted } from "../../quoted.ts";

/** What a data file is read for. */
export type Role = "inputs" | "labels";

const preferred: Readonly<Record<Role, readonly string[]>> = {
  inputs: ["x", "inputs", "data", "images", "features", "x_test", "test_images", "arr_0"],
  labels: ["y", "labels", "targets", "target", "y_test", "test_labels", "arr_1"],
};

/** The array named for the role, upper and lower case alike; undefined where none is. */
export function namedFor(names: readonly string[], role: Role): string | undefined {
  const lower = names.map((name) => name.toLowerCase());
  const place = preferred[role].map((name) => lower.indexOf(name)).find((found) => found >= 0);
  return place === undefined ? undefined : names[place];
}

/**
 * The only array, or the one named for the role.
 * @throws SlonnError `bad-input` where there is none or the choice is not clear.
 */
export function chooseArray(names: readonly string[], role: Role, file: string): string {
  if (names.length === 1) return names[0];
  if (names.length === 0) throw refusal("bad-input", file, "an archive without arrays (.npy)", "one; unpack what else it holds");
  const named = namedFor(names, role);
  if (named !== undefined) return named;
  const shown = names.slice(0, 6).map(quoted);
  throw refusal(
    "bad-input",
    file,
    `${names.length} arrays (${shown.join(", ")}${names.length > 6 ? ", …" : ""})`,
    `one, or one named ${preferred[role].join(" or ")}`,
  );
}
