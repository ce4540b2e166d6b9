package dev.graft.gguf;

import java.util.List;

/** A value of the metadata. Numbers are widened when read; how each is written stands with it. */
public sealed interface GgufValue {
  /** A string. */
  record Text(String value) implements GgufValue {}

  /** A whole number; written as uint32, or as int64 where that does not hold it. */
  record Whole(long value) implements GgufValue {}

  /**
   * A number; written as float32.
   *
   * @param value of a float32, the shortest decimal that reads back as the same float32
   */
  record Real(double value) implements GgufValue {}

  /** A truth value. */
  record Flag(boolean value) implements GgufValue {}

  /** An array of strings. */
  record Texts(List<String> values) implements GgufValue {}

  /** An array of whole numbers or truth values; written as int32. */
  record Wholes(List<Long> values) implements GgufValue {}

  /** An array of numbers; written as float32. */
  record Reals(List<Float> values) implements GgufValue {}
}
