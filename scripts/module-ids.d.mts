export function isPath(id: string): boolean;
export function isFile(id: string | undefined, path: string): boolean;
