package dev.graft.kernel;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Optional;
import java.util.Set;
import jdk.incubator.vector.FloatVector;

/**
 * How many bits a vector of this process has, and why.
 *
 * @param bits below 128 where this CPU has no vectors that the kernels could use
 * @param reason in words
 */
record VectorWidth(int bits, String reason) {
  /** Set to 128, 256 or 512 to compute with that width; tests do. */
  static final String PROPERTY = "graft.vector.bits";

  private static final Set<String> WIDTHS = Set.of("128", "256", "512");

  /** What the kernels are written for; a CPU may offer more. */
  private static final int WIDEST = 512;

  /**
   * The width for the CPU that this runs on and {@value #PROPERTY}.
   *
   * @throws InvalidInputException if the property asks for what there is not
   */
  static VectorWidth here() {
    return choose(
        Optional.ofNullable(System.getProperty(PROPERTY)),
        FloatVector.SPECIES_PREFERRED.vectorBitSize(),
        System.getProperty("os.arch"));
  }

  /**
   * The width.
   *
   * @param asked the property
   * @param offered bits of the widest vectors that Java uses on this CPU
   * @param architecture as Java calls it
   * @throws InvalidInputException if the property is no width, or wider than what is offered
   */
  static VectorWidth choose(Optional<String> asked, int offered, String architecture) {
    String widest = offered + " bits" + instructions(offered, architecture);
    if (asked.isEmpty()) {
      return offered <= WIDEST
          ? new VectorWidth(offered, "the widest that Java uses on this CPU, " + widest)
          : new VectorWidth(WIDEST, "the widest there are kernels for; this CPU has " + widest);
    }
    String text = asked.get();
    if (!WIDTHS.contains(text)) {
      throw new InvalidInputException(
          PROPERTY + " is '" + text + "'; it must be 128, 256 or 512, or be left out");
    }
    int bits = Integer.parseInt(text);
    if (bits > offered) {
      throw new InvalidInputException(
          PROPERTY
              + " asks for vectors of "
              + bits
              + " bits, but the widest that Java uses on this CPU have "
              + widest
              + "; ask for fewer or leave it out");
    }
    return new VectorWidth(bits, PROPERTY + " asks for it; this CPU has up to " + widest);
  }

  private static String instructions(int bits, String architecture) {
    return switch (architecture) {
      case "amd64", "x86_64" ->
          switch (bits) {
            case 512 -> " (AVX-512)";
            case 256 -> " (AVX2)";
            case 128 -> " (SSE)";
            default -> "";
          };
      case "aarch64" -> bits == 128 ? " (NEON)" : bits > 128 ? " (SVE)" : "";
      default -> "";
    };
  }
}
