// What a file is read from, piece by piece: the network, a disk, memory. Implementations know no format; users know no runtime.

export interface ByteReader {
  /** What messages call the source. */
  readonly name: string;
  /** Null where the source does not say how long it is, or may be wrong about it. */
  readonly totalBytes: number | null;
  /** The runtime's own CRC-32, where it has one: fast from the first call. `before` is the CRC-32 of the bytes in front of these. */
  readonly crc32?: ((bytes: Uint8Array, before?: number) => number) | undefined;
  /**
   * The next `count` bytes: a view where the source is in memory, otherwise written into `into`, an array of `count` bytes, if given. Bytes that
   * are not in `into` never change afterwards.
   * @throws SlonnError `unreadable` when the source breaks off, `bad-file` when it ends, `aborted`.
   */
  take(count: number, into?: Uint8Array): Promise<Uint8Array>;
  /** The next bytes, as many as arrive together; they never change afterwards. Undefined at the end. @throws SlonnError `unreadable`, `aborted`. */
  some(): Promise<Uint8Array | undefined>;
  /** Closes. @throws SlonnError `bad-file` unless the source ends here. */
  end(): Promise<void>;
  /** Releases a source that is not read to its end; nothing can be read afterwards. */
  close(): void;
}
