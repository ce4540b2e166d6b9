package dev.graft.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** The folder with real models and golden files beside the project, or where GRAFT_SHARED says. */
final class Shared {
  private Shared() {}

  /** A file or folder in it; the test that asks skips aloud where it is absent. */
  static Path path(String name) {
    Path shared =
        Optional.ofNullable(System.getenv("GRAFT_SHARED"))
            .map(Path::of)
            .orElseGet(() -> Project.root().resolveSibling("shared"));
    Path path = shared.resolve(name);
    Assumptions.assumeTrue(
        Files.exists(path),
        () ->
            "SKIPPED: shared/"
                + name
                + " is not there; set GRAFT_SHARED or put shared beside the project");
    return path;
  }
}
