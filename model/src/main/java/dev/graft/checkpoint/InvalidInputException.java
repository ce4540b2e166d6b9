package dev.graft.checkpoint;

/**
 * The user gave something that cannot be used. The message is one sentence that names the file, the
 * field and the remedy; the command line prints it without a stack trace and exits with 2.
 */
public final class InvalidInputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InvalidInputException(String message) {
    super(message);
  }

  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
