package dev.graft.gguf;

/** A file is not whole and consistent GGUF; the message is one sentence that names it. */
public final class GgufFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public GgufFormatException(String message) {
    super(message);
  }
}
