package dev.graft.constrain;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** A vocabulary of single ASCII characters, each its own id. */
final class Vocabularies {
  private Vocabularies() {}

  static Vocabulary bytes() {
    return Vocabulary.of(
        128,
        id -> Optional.of(Character.toString(id).getBytes(StandardCharsets.US_ASCII)),
        java.util.Set.of());
  }
}
