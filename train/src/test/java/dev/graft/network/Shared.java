package dev.graft.network;

import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds the reference models and values beside the project; tests skip aloud where they are absent.
 */
final class Shared {
  private Shared() {}

  static Path path(String relative) {
    String configured = System.getenv("GRAFT_SHARED");
    Path found = configured == null ? walkUp() : Path.of(configured);
    Path path = found == null ? null : found.resolve(relative);
    if (path == null || !Files.exists(path)) {
      return abort(
          "SKIPPED: shared/"
              + relative
              + " is not there; set GRAFT_SHARED or put shared beside the project");
    }
    return path;
  }

  private static Path walkUp() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path candidate = at.resolveSibling("shared");
      if (at.getParent() != null
          && Files.isDirectory(candidate)
          && Files.exists(at.resolve("mvnw"))) {
        return candidate;
      }
    }
    return null;
  }
}
