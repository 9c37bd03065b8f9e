// What a file is read from, a piece at a time: the network, a disk, memory. Who implements it knows no format; who uses it knows no runtime.

export interface ByteReader {
  /** What messages call the source. */
  readonly name: string;
  /** Null where the source does not say how long it is, or may be wrong. */
  readonly totalBytes: number | null;
  /** The runtime's own CRC-32, where it has one: fast from the first call on. `before` is the CRC-32 of the bytes in front of these. */
  readonly crc32?: ((bytes: Uint8Array, before?: number) => number) | undefined;
  /**
   * The next `count` bytes: of a source in memory a view, else written into `into`, an array of `count` bytes, if given. What is not in
   * `into` never changes afterwards.
   * @throws SlonnError `unreadable` when the source breaks off, `bad-file` when it ends, `aborted`.
   */
  take(count: number, into?: Uint8Array): Promise<Uint8Array>;
  /** The next bytes, as many as come at once; they never change afterwards. Undefined at the end. @throws SlonnError `unreadable`, `aborted`. */
  some(): Promise<Uint8Array | undefined>;
  /** Closes. @throws SlonnError `bad-file` unless the source ends here. */
  end(): Promise<void>;
  /** Lets the source go where it is not read to its end; nothing can be read afterwards. */
  close(): void;
}
