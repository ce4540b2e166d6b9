package dev.graft.cli;

import dev.graft.calibration.InvalidProfileException;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.events.InvalidRunException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns what a verb threw into one sentence on standard error and an exit code. The stack trace is
 * printed only on {@code --debug}.
 */
final class ErrorReport {
  private final PrintStream err;

  ErrorReport(PrintStream err) {
    this.err = err;
  }

  /**
   * Prints the sentence for what a verb threw.
   *
   * @return the exit code
   */
  int report(Throwable thrown, boolean stackTrace) {
    Throwable cause = unwrap(thrown);
    if (stackTrace) {
      cause.printStackTrace(err);
    }
    return switch (cause) {
      case ParameterException e -> parameter(e);
      case InvalidInputException e -> say(e.getMessage(), ExitCode.INVALID_INPUT);
      case InvalidRunException e -> say(e.getMessage(), ExitCode.INVALID_INPUT);
      case InvalidProfileException e -> say(e.getMessage(), ExitCode.INVALID_INPUT);
      case OutOfMemoryError e -> say(memory(e) + hint(stackTrace), ExitCode.FAILURE);
      case RuntimeException e when isNativeMemory(e) ->
          say(
              "memory ran out in libtorch: take a smaller micro_batch_size or sequence_length"
                  + hint(stackTrace),
              ExitCode.FAILURE);
      case RuntimeException e when isOurs(e) -> say(e.getMessage(), ExitCode.FAILURE);
      case IOException e -> say(file(e) + hint(stackTrace), ExitCode.FAILURE);
      default -> say(other(cause) + hint(stackTrace), ExitCode.FAILURE);
    };
  }

  private int parameter(ParameterException e) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    StringBuilder sentence = new StringBuilder(firstLine(e.getMessage()));
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      sentence.append(" (did you mean: ");
      sentence.append(String.join(", ", unmatched.getSuggestions())).append("?)");
    }
    return say(sentence + "; see '" + command + " --help'", ExitCode.INVALID_INPUT);
  }

  private int say(String sentence, ExitCode code) {
    err.println("graft: " + sentence);
    return code.code();
  }

  /**
   * The exceptions that only carry another one are left out, so that the sentence is the cause's.
   */
  private static Throwable unwrap(Throwable thrown) {
    Throwable cause = thrown;
    while (cause.getCause() != null
        && (cause instanceof UncheckedIOException
            || cause instanceof ExecutionException
            || cause instanceof CompletionException)
        && !saysMoreThanItsCause(cause)) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** A room's own sentence around an {@link IOException} is better than the bare cause. */
  private static boolean saysMoreThanItsCause(Throwable thrown) {
    return thrown.getMessage() != null
        && !thrown.getMessage().equals(thrown.getCause().toString())
        && !(thrown instanceof ExecutionException)
        && !(thrown instanceof CompletionException);
  }

  private static String memory(OutOfMemoryError e) {
    return "memory ran out ("
        + Optional.ofNullable(e.getMessage()).orElse("no details")
        + "): give it a smaller task, or more heap with GRAFT_JAVA_OPTS=-Xmx8g";
  }

  private static String file(IOException e) {
    String message = Optional.ofNullable(e.getMessage()).orElse("");
    if (message.contains("No space left on device")) {
      return fileOf(e).map(f -> f + " could not be written: ").orElse("")
          + "no space left on the disk; make room and run it again";
    }
    if (!(e instanceof FileSystemException about) || about.getFile() == null) {
      return e instanceof FileNotFoundException ? message : sentence(e);
    }
    String name = about.getFile();
    return switch (about) {
      case NoSuchFileException _ -> name + " does not exist";
      case FileAlreadyExistsException _ -> name + " exists already";
      case AccessDeniedException _ -> name + " cannot be opened: permission denied";
      case NotDirectoryException _ -> name + " is not a directory";
      case DirectoryNotEmptyException _ -> name + " is not empty";
      case FileSystemLoopException _ -> name + " is a loop of symbolic links";
      default -> about.getReason() == null ? sentence(e) : name + ": " + about.getReason();
    };
  }

  private static Optional<String> fileOf(IOException e) {
    return e instanceof FileSystemException about
        ? Optional.ofNullable(about.getFile())
        : Optional.empty();
  }

  /** libtorch's allocator says it this way, outside the Java heap. */
  private static boolean isNativeMemory(RuntimeException thrown) {
    return String.valueOf(thrown.getMessage()).contains("DefaultCPUAllocator: can't allocate");
  }

  /** The project's own exceptions are sentences for users already. */
  private static boolean isOurs(RuntimeException thrown) {
    return thrown.getClass().getName().startsWith("dev.graft.") && thrown.getMessage() != null;
  }

  /** An exception whose message is no sentence for users is named by its class too. */
  private static String other(Throwable thrown) {
    return thrown instanceof UncheckedIOException ? sentence(thrown) : named(thrown);
  }

  private static String sentence(Throwable thrown) {
    return thrown.getMessage() == null ? named(thrown) : firstLine(thrown.getMessage());
  }

  private static String named(Throwable thrown) {
    String name = thrown.getClass().getSimpleName();
    return thrown.getMessage() == null ? name : name + ": " + firstLine(thrown.getMessage());
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }

  private static String hint(boolean stackTrace) {
    return stackTrace ? "" : " (--debug shows where)";
  }
}
