package dev.graft.peers;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Runs the project's Python scripts with the implementations that Graft is compared with: the
 * Python of {@code GRAFT_PYTHON}, or that of {@code .venv}, which {@code scripts/peers/setup}
 * makes. A test that asks skips aloud where there is neither.
 */
public final class PeerPython {
  private static final int MINUTES = 10;

  private PeerPython() {}

  /**
   * What a script printed to its standard output; the test fails unless the script exits with 0.
   */
  public static String run(String script, String... arguments) {
    Path root = root();
    List<String> command = new ArrayList<>();
    command.add(python(root).toString());
    command.add(root.resolve(script).toString());
    command.addAll(List.of(arguments));
    try {
      Path out = Files.createTempFile("peer", ".out");
      Path err = Files.createTempFile("peer", ".err");
      try {
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile());
        builder.redirectError(err.toFile()).environment().put("HF_HUB_OFFLINE", "1");
        Process process = builder.start();
        boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
        process.destroyForcibly();
        assertTrue(ended, () -> command + " did not end within " + MINUTES + " minutes");
        String complaint = Files.readString(err);
        assertTrue(process.exitValue() == 0, () -> command + ": " + complaint);
        return Files.readString(out);
      } finally {
        Files.delete(out);
        Files.delete(err);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(command + " was interrupted", e);
    }
  }

  private static Path python(Path root) {
    Path python =
        Optional.ofNullable(System.getenv("GRAFT_PYTHON"))
            .map(Path::of)
            .orElseGet(() -> root.resolve(".venv/bin/python"));
    assumeTrue(
        Files.isExecutable(python),
        () -> "SKIPPED: " + python + " is not there; run scripts/peers/setup or set GRAFT_PYTHON");
    return python;
  }

  /** Surefire runs a module's tests in the module's folder. */
  private static Path root() {
    return Path.of("").toAbsolutePath().getParent();
  }
}
