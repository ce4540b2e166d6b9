package dev.graft.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The project's own files, for tests that compare documents with the code. */
final class Project {
  private Project() {}

  /** Surefire runs a module's tests in the module's folder. */
  static Path root() {
    return Path.of("").toAbsolutePath().getParent();
  }

  static String read(String file) {
    try {
      return Files.readString(root().resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
