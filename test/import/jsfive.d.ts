// The part of jsfive the tests use; the package has no declarations of its own.
declare module "jsfive" {
  export class Group {
    readonly attrs: Readonly<Record<string, unknown>>;
    readonly keys: string[];
    get(path: string): Group | Dataset;
  }

  export class Dataset extends Array<unknown> {
    readonly shape: number[];
    readonly value: ArrayLike<number>;
  }

  export class File extends Group {
    constructor(bytes: ArrayBufferLike, name: string);
  }
}
