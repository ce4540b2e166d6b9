package dev.graft.loop;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A run on disk: {@code events.jsonl}, {@code checkpoints/step-N/} and {@code latest}, which names
 * the newest whole checkpoint. A checkpoint that {@code latest} has not yet named does not count.
 *
 * @param root the recipe's {@code out}
 */
public record RunDirectory(Path root) {
  private static final Pattern NAME = Pattern.compile("step-(\\d+)");

  public Path events() {
    return root.resolve("events.jsonl");
  }

  public Path tensorboard() {
    return root.resolve("tensorboard");
  }

  private Path checkpoints() {
    return root.resolve("checkpoints");
  }

  Path checkpoint(int step) {
    return checkpoints().resolve(String.format("step-%08d", step));
  }

  /** The newest whole checkpoint. */
  public Optional<Path> latest() throws IOException {
    Path pointer = root.resolve("latest");
    if (!Files.isRegularFile(pointer)) {
      return Optional.empty();
    }
    String name = Files.readString(pointer).strip();
    Path checkpoint = checkpoints().resolve(name);
    if (!NAME.matcher(name).matches() || !Files.isDirectory(checkpoint)) {
      throw new InvalidInputException(
          pointer
              + ": names the checkpoint '"
              + name
              + "', which is not in "
              + checkpoints()
              + "; write the name of one that is");
    }
    return Optional.of(checkpoint);
  }

  /** Makes a whole checkpoint the newest and deletes all but the last {@code keep}. */
  void publish(int step, int keep) throws IOException {
    Path pointer = root.resolve("latest");
    Path next = root.resolve("latest.part");
    Files.writeString(next, checkpoint(step).getFileName() + "\n");
    CheckpointWriter.sync(next);
    Files.move(next, pointer, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    CheckpointWriter.sync(root);
    List<Path> old = all().stream().filter(p -> stepOf(p) <= step).toList();
    for (Path path : old.subList(0, Math.max(0, old.size() - keep))) {
      CheckpointWriter.deleteTree(path);
    }
  }

  /**
   * Deletes what a killed run left: checkpoints newer than the last published one, and unfinished
   * ones.
   */
  void clean(int lastStep) throws IOException {
    for (Path path : all()) {
      if (stepOf(path) > lastStep) {
        CheckpointWriter.deleteTree(path);
      }
    }
    if (Files.isDirectory(checkpoints())) {
      List<Path> parts;
      try (var entries = Files.list(checkpoints())) {
        parts = entries.filter(p -> p.getFileName().toString().startsWith(".step-")).toList();
      }
      for (Path part : parts) {
        CheckpointWriter.deleteTree(part);
      }
    }
  }

  private List<Path> all() throws IOException {
    if (!Files.isDirectory(checkpoints())) {
      return List.of();
    }
    List<Path> found = new ArrayList<>();
    try (var entries = Files.list(checkpoints())) {
      entries.filter(p -> NAME.matcher(p.getFileName().toString()).matches()).forEach(found::add);
    }
    found.sort(Comparator.comparingInt(RunDirectory::stepOf));
    return found;
  }

  private static int stepOf(Path checkpoint) {
    Matcher matcher = NAME.matcher(checkpoint.getFileName().toString());
    return matcher.matches() ? Integer.parseInt(matcher.group(1)) : -1;
  }
}
