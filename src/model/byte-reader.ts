// What a file is read from, a piece at a time: the network, a disk, memory. Who implements it knows no format, who uses it no runtime.

export interface ByteReader {
  /** What messages call the source. */
  readonly name: string;
  /** Null where the source does not say how long it is, or may be wrong. */
  readonly totalBytes: number | null;
  /** The runtime's own CRC-32 of bytes behind others whose CRC-32 is `before`, where it has one: fast from the first call on. */
  readonly crc32?: ((bytes: Uint8Array, before?: number) => number) | undefined;
  /**
   * The next `count` bytes; in `into`, if given, which holds as many. Otherwise they stay as they are for as long as they are held.
   * @throws SlonnError `unreadable` when the source breaks off, `bad-file` when it ends, `aborted`.
   */
  take(count: number, into?: Uint8Array): Promise<Uint8Array>;
  /** The next bytes, as many as come at once, which stay as they are; nothing at the end. @throws SlonnError `unreadable`, `aborted`. */
  some(): Promise<Uint8Array | undefined>;
  /** Closes. @throws SlonnError `bad-file` unless the source ends here. */
  end(): Promise<void>;
  /** Lets the source go where it is not read to its end; nothing can be read afterwards. */
  close(): void;
}
