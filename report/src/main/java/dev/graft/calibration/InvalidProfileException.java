package dev.graft.calibration;

/**
 * A profile cannot be used. The message is one sentence that names the file and the remedy; the
 * command line prints it without a stack trace and exits with 2. (This wing does not see {@code
 * model}, so it has an exception of its own.)
 */
public final class InvalidProfileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InvalidProfileException(String message, Throwable cause) {
    super(message, cause);
  }

  public InvalidProfileException(String message) {
    super(message);
  }
}
