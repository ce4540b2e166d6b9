package dev.graft.page;

import dev.graft.events.InvalidRunException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Finds runs where a user points. */
public final class RunFolders {
  private RunFolders() {}

  /**
   * The runs at {@code path}: itself where it is an events file or a run's folder, else the folders
   * in it that hold an {@code events.jsonl}, by name.
   *
   * @throws InvalidRunException where there is none
   */
  public static List<Path> find(Path path) {
    if (Files.isRegularFile(path) || Files.isRegularFile(path.resolve("events.jsonl"))) {
      return List.of(path);
    }
    if (Files.isDirectory(path)) {
      try (Stream<Path> entries = Files.list(path)) {
        List<Path> runs =
            entries
                .filter(entry -> Files.isRegularFile(entry.resolve("events.jsonl")))
                .sorted()
                .toList();
        if (!runs.isEmpty()) {
          return runs;
        }
      } catch (IOException e) {
        throw new UncheckedIOException("could not list %s: %s".formatted(path, e.getMessage()), e);
      }
    }
    throw new InvalidRunException(
        "%s holds no run: give the folder that `graft train` wrote (with an events.jsonl in it),"
                .formatted(path)
            + " or a folder of such folders");
  }
}
