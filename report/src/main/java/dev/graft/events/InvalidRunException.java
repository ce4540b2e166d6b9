package dev.graft.events;

/**
 * A run's events cannot be read. The message is one sentence that names the file, the line and the
 * remedy; the command line prints it without a stack trace and exits with 2. (This wing does not
 * see {@code model}, so it has an exception of its own.)
 */
public final class InvalidRunException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InvalidRunException(String message) {
    super(message);
  }

  public InvalidRunException(String message, Throwable cause) {
    super(message, cause);
  }
}
