package dev.graft.hub;

/** Hears how far a pull has come. */
public interface HubListener {
  /** The files are known; {@code bytes} is their size in all, of {@code done} nothing is needed. */
  void begin(int files, long bytes, long done);

  /** Bytes arrived; negative where what had arrived was of no use. */
  void bytes(long count);

  /** A request is repeated. */
  void retry(String path, String reason);
}
