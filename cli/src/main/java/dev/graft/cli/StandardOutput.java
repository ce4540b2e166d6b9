package dev.graft.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Standard output that remembers whether a write failed. {@link PrintStream} swallows the
 * exception, so that {@code graft inspect --json > file} on a full disk would look like a success.
 *
 * <p>A reader that has gone ({@code graft … | head}) is no error: the verb runs on to its end,
 * silently, and the exit code is that of a program ended by SIGPIPE.
 */
final class StandardOutput {
  private static final int ENDED_BY_SIGPIPE = 128 + 13;

  private final Remembering out;
  private final PrintStream printed;

  private StandardOutput(OutputStream target) {
    out = new Remembering(target);
    printed = new PrintStream(new BufferedOutputStream(out), true, StandardCharsets.UTF_8);
  }

  /** Puts itself in the place of {@link System#out}. */
  static StandardOutput install() {
    StandardOutput output = on(new FileOutputStream(FileDescriptor.out));
    System.setOut(output.printed);
    return output;
  }

  static StandardOutput on(OutputStream target) {
    return new StandardOutput(target);
  }

  PrintStream stream() {
    return printed;
  }

  /**
   * The exit code of the process, given the verb's own: a lost output makes a success a failure.
   */
  int exitCode(int code) {
    printed.flush();
    if (out.failure == null || code != ExitCode.DONE.code()) {
      return code;
    }
    if (String.valueOf(out.failure.getMessage()).contains("Broken pipe")) {
      return ENDED_BY_SIGPIPE;
    }
    System.err.println("graft: standard output could not be written: " + out.failure.getMessage());
    return ExitCode.FAILURE.code();
  }

  private static final class Remembering extends FilterOutputStream {
    private IOException failure;

    Remembering(OutputStream target) {
      super(target);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        failure = e;
        throw e;
      }
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }
  }
}
