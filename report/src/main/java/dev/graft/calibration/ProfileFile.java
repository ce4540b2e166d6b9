package dev.graft.calibration;

import dev.graft.disk.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** A {@link Profile} ⇄ a JSON file; its keys are the records' components in snake_case. */
public final class ProfileFile {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  private ProfileFile() {}

  /**
   * Reads a profile.
   *
   * @throws InvalidProfileException if it is no profile, or of another version
   */
  public static Profile read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidProfileException(
          file + ": there is no such profile; measure one by graft profile RECIPE --out " + file);
    }
    try {
      JsonNode tree = JSON.readTree(Files.readString(file));
      int version = tree.path("version").asInt(0);
      if (version != Profile.VERSION) {
        throw new InvalidProfileException(
            "%s: version is %d, but this Graft reads profiles of version %d; measure again by graft profile"
                .formatted(file, version, Profile.VERSION));
      }
      return checked(file, JSON.treeToValue(tree, Profile.class));
    } catch (JacksonException e) {
      throw new InvalidProfileException(
          "%s: this is not a profile (%s); measure one by graft profile"
              .formatted(file, e.getOriginalMessage().lines().findFirst().orElse("not JSON")),
          e);
    }
  }

  private static Profile checked(Path file, Profile profile) {
    for (Profile.Piece piece :
        new Profile.Piece[] {profile.embedding(), profile.layer(), profile.head()}) {
      require(file, "forward", piece.forward());
      require(file, "backward", piece.backward());
      require(file, "recompute", piece.recompute());
    }
    require(file, "optimizer.update_seconds", profile.optimizer().updateSeconds());
    profile
        .exchanges()
        .forEach((kind, line) -> {
          require(file, "exchanges." + kind + ".alpha", line.alpha());
          require(file, "exchanges." + kind + ".beta", line.beta());
        });
    return profile;
  }

  private static void require(Path file, String key, double seconds) {
    if (!(seconds >= 0) || Double.isInfinite(seconds)) {
      throw new InvalidProfileException(
          "%s: %s is %s; it must be seconds of at least 0".formatted(file, key, seconds));
    }
  }

  /** The profile as text. */
  public static String text(Profile profile) {
    return JSON.writeValueAsString(profile) + "\n";
  }

  /** Writes a profile; an older {@code out} stays whole until the new one is. */
  public static void write(Profile profile, Path out) throws IOException {
    WholeFile.write(text(profile), out);
  }
}
