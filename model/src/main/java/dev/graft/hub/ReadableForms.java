package dev.graft.hub;

import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Which files are fetched. Weights come as safetensors or GGUF, never as pickles, which can run
 * code when they are read; code of a repository is not fetched either.
 */
final class ReadableForms {
  private static final Set<String> READ =
      Set.of(
          "safetensors",
          "gguf",
          "json",
          "jsonl",
          "txt",
          "csv",
          "tsv",
          "parquet",
          "md",
          "yaml",
          "yml",
          "jinja",
          "model"); // the last is sentencepiece's vocabulary, a protobuf

  private static final Set<String> PACKED = Set.of("gz", "zst");

  private static final Set<String> PICKLES =
      Set.of("bin", "pt", "pth", "ckpt", "pkl", "pickle", "npy", "npz", "joblib", "msgpack");

  private static final List<String> WITHOUT_EXTENSION = List.of("license", "notice", "readme");

  private ReadableForms() {}

  static boolean read(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
    if (WITHOUT_EXTENSION.contains(name)) {
      return true;
    }
    String extension = extension(name);
    return PACKED.contains(extension)
        ? READ.contains(extension(name.substring(0, name.length() - extension.length() - 1)))
        : READ.contains(extension);
  }

  /** Whether a file may be weights in a form that runs code. */
  static boolean pickled(String path) {
    return PICKLES.contains(extension(path.toLowerCase(Locale.ROOT)));
  }

  private static String extension(String name) {
    int dot = name.lastIndexOf('.');
    return dot <= 0 ? "" : name.substring(dot + 1);
  }
}
