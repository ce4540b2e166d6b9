package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What models are called beside one another: the names of their folders, or whole paths. */
final class ModelNames {
  private final Map<Path, String> names = new HashMap<>();

  private ModelNames() {}

  static ModelNames of(List<Path> models) {
    ModelNames names = new ModelNames();
    boolean distinct = models.stream().map(ModelNames::last).distinct().count() == models.size();
    for (Path model : models) {
      if (names.names.put(model, distinct ? last(model) : model.toString()) != null) {
        throw new InvalidInputException(model + " is given twice; give each model once");
      }
    }
    return names;
  }

  private static String last(Path model) {
    return model.toAbsolutePath().normalize().getFileName().toString();
  }

  String of(Path model) {
    return names.get(model);
  }

  /** Changes whenever the files of a model do. */
  static String identity(Path model) throws IOException {
    StringBuilder identity = new StringBuilder();
    try (Stream<Path> files = Files.walk(model, 1)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        identity
            .append(file.getFileName())
            .append(' ')
            .append(Files.size(file))
            .append(' ')
            .append(Files.getLastModifiedTime(file).toMillis())
            .append('\n');
      }
    }
    return identity.toString();
  }
}
