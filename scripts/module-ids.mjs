// What the bundler calls a module: as it is imported, or by its path, which Windows writes C:\a\b.ts.

/** Whether it is imported from where it lies, relatively or by its whole path; not from a package or the runtime. */
export const isPath = (id) => /^(?:[./\\]|[a-z]:[\\/])/i.test(id);

/** Whether it is that file of ours, said with slashes. */
export const isFile = (id, path) => Boolean(id?.replaceAll("\\", "/").endsWith(`/${path}`));
