package dev.graft.parallel;

import dev.graft.checkpoint.InvalidInputException;

/**
 * What a rank tells the others before they work together.
 *
 * @param version of its Graft
 * @param recipe digest of its recipe
 */
public record Introduction(String version, String recipe) {
  String line() {
    return version + "\n" + recipe;
  }

  static Introduction parse(String line) {
    String[] parts = line.split("\n", -1);
    return new Introduction(parts[0], parts[1]);
  }

  void requireLike(Introduction first, int rank, int size) {
    String of = "rank " + rank + " of " + size;
    if (!version.equals(first.version)) {
      throw new InvalidInputException(
          of
              + " runs "
              + version
              + ", but rank 0 runs "
              + first.version
              + "; install one version on all hosts");
    }
    if (!recipe.equals(first.recipe)) {
      throw new InvalidInputException(
          of
              + " has another recipe (digest "
              + recipe
              + ") than rank 0 (digest "
              + first.recipe
              + "); give all ranks the same file and overrides");
    }
  }
}
