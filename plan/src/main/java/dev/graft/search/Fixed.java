package dev.graft.search;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.ExpertScheme;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the user holds of a mesh, e.g. {@code pp=12,tp=4,experts=edp}.
 *
 * @param degrees by key
 * @param experts how experts are dealt out
 */
public record Fixed(Map<Degree, Integer> degrees, Optional<ExpertScheme> experts) {
  /** Nothing. */
  public static final Fixed NOTHING = new Fixed(Map.of(), Optional.empty());

  /** Keeps its own map. */
  public Fixed {
    degrees = Map.copyOf(degrees);
  }

  /**
   * Reads {@code key=value} pairs with commas between them.
   *
   * @throws InvalidInputException if a key is unknown or given twice with different values, or a
   *     value is no whole number from 1 on
   */
  public static Fixed parse(String option, String text) {
    Map<Degree, Integer> degrees = new LinkedHashMap<>();
    Optional<ExpertScheme> experts = Optional.empty();
    for (String pair : text.split(",", -1)) {
      String[] sides = pair.strip().split("=", 2);
      if (sides.length == 2 && sides[0].equals("experts")) {
        experts = Optional.of(ExpertScheme.of(sides[1]));
        continue;
      }
      Optional<Degree> key = key(sides[0]);
      if (sides.length < 2 || key.isEmpty() || !sides[1].matches("[1-9][0-9]{0,6}")) {
        throw new InvalidInputException(
            option
                + " has '"
                + pair
                + "'; give pp, tp, dp, ep, etp, mb (micro-batch) or chunks with a whole number from 1 on, or experts=edp|ep|etp|none");
      }
      Integer before = degrees.put(key.get(), Integer.parseInt(sides[1]));
      if (before != null && before != Integer.parseInt(sides[1])) {
        throw new InvalidInputException(
            option + " has " + sides[0] + " as " + before + " and as " + sides[1] + "; give one");
      }
    }
    return new Fixed(degrees, experts);
  }

  private static Optional<Degree> key(String name) {
    for (Degree key : Degree.values()) {
      if (key.name().equalsIgnoreCase(name)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }

  /** A degree that is held. */
  public OptionalInt of(Degree key) {
    return degrees.containsKey(key) ? OptionalInt.of(degrees.get(key)) : OptionalInt.empty();
  }

  /** Whether a value may be taken. */
  boolean allows(Degree key, int value) {
    return degrees.getOrDefault(key, value) == value;
  }

  /**
   * Checks what needs no search.
   *
   * @throws InvalidInputException if what is held contradicts itself, the devices or the layers
   */
  void check(int world, int nodeSize, int layers, int experts) {
    int tp = degrees.getOrDefault(Degree.TP, 1);
    if (tp > nodeSize) {
      throw new InvalidInputException(
          "--fix tp=%d is more than the %d devices of a node, over whose links TP runs; take at most %d"
              .formatted(tp, nodeSize, nodeSize));
    }
    int pp = degrees.getOrDefault(Degree.PP, 1);
    if (pp > layers) {
      throw new InvalidInputException(
          "--fix pp=%d asks for more stages than the model has layers, %d; take at most %d"
              .formatted(pp, layers, layers));
    }
    long product =
        (long) pp * degrees.getOrDefault(Degree.TP, 1) * degrees.getOrDefault(Degree.DP, 1);
    boolean all =
        degrees.containsKey(Degree.PP)
            && degrees.containsKey(Degree.TP)
            && degrees.containsKey(Degree.DP);
    if (world % product != 0 || (all && world != product)) {
      throw new InvalidInputException(
          "--fix %s makes %d devices, which %s %d of the cluster; change one of them"
              .formatted(words(), product, all ? "are not the" : "do not divide the", world));
    }
    int ep = degrees.getOrDefault(Degree.EP, 1);
    if (ep > 1 && (experts == 0 || experts % ep != 0)) {
      throw new InvalidInputException(
          "--fix ep=%d does not divide the model's %d experts; take a divisor"
              .formatted(ep, experts));
    }
  }

  /** {@code pp=12,tp=4}. */
  String words() {
    StringBuilder words = new StringBuilder();
    for (Degree key : Degree.values()) {
      if (degrees.containsKey(key)) {
        words.append(words.isEmpty() ? "" : ",");
        words.append(key.name().toLowerCase(Locale.ROOT)).append('=');
        words.append(degrees.get(key));
      }
    }
    experts.ifPresent(
        scheme -> words.append(words.isEmpty() ? "" : ",").append("experts=").append(scheme.key()));
    return words.toString();
  }
}
