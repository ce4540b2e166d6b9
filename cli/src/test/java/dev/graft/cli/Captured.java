package dev.graft.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** One command line run in this process: what it printed and how it ended. */
record Captured(int code, String out, String err) {

  /** Something that prints. */
  interface Body {
    void run() throws IOException;
  }

  static Captured run(String... args) {
    int[] code = new int[1];
    try {
      Captured printed = of(() -> code[0] = Main.run(args));
      return new Captured(code[0], printed.out(), printed.err());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Any other code; it ends with 0 or an exception. */
  static Captured of(Body body) throws IOException {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
    try {
      body.run();
      System.out.flush();
      System.err.flush();
      return new Captured(
          0, outBytes.toString(StandardCharsets.UTF_8), errBytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }
}
