package dev.graft.data;

import dev.graft.checkpoint.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where the files of benchmarks lie.
 *
 * @param root folder that tasks name their files in
 */
public record DataFolder(Path root) {
  /**
   * A file of a task.
   *
   * @param task its name, for the error
   * @param names below the root; the first that is there counts
   * @throws InvalidInputException if none is there
   */
  public Path file(String task, List<String> names) {
    return names.stream()
        .map(name -> root.resolve(name).normalize())
        .filter(Files::isRegularFile)
        .findFirst()
        .orElseThrow(() ->
            new InvalidInputException(
                "the data of "
                    + task
                    + " is not there: put its file at "
                    + root.resolve(names.getFirst()).normalize()
                    + ", or name the folder that has "
                    + names.getFirst()
                    + " with --data"));
  }
}
