package dev.graft.cluster;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The number format in which matrices are multiplied. */
public enum ComputeType {
  F32(4),
  BF16(2),
  /** Inputs of matrix products in 8 bits; everything between them stays in bf16. */
  FP8(1);

  private final int bytes;

  ComputeType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of an element of a matrix product's inputs. */
  public int bytes() {
    return bytes;
  }

  /** Bytes of an element of what layers hand on: activations, gradients, collectives. */
  public int activationBytes() {
    return Math.max(2, bytes);
  }

  /** The spelling in YAML and on the command line. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * By its spelling.
   *
   * @param where names it in errors
   * @throws InvalidInputException if there is none of this name
   */
  public static ComputeType of(String where, String key) {
    return Arrays.stream(values())
        .filter(type -> type.key().equals(key))
        .findFirst()
        .orElseThrow(() ->
            new InvalidInputException(
                where
                    + " is '"
                    + key
                    + "'; choose one of "
                    + Arrays.stream(values())
                        .map(ComputeType::key)
                        .collect(Collectors.joining(", "))));
  }
}
