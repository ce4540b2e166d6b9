package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Locale;

/**
 * The JVM and the platform that Graft finds itself on.
 *
 * @param version of the running JVM
 * @param os as the system property {@code os.name} has it
 * @param arch as the system property {@code os.arch} has it
 */
record Machine(Runtime.Version version, String os, String arch) {
  /** 25.0.0 to 25.0.2 can move pinned objects under G1, which corrupts what native code reads. */
  private static final Runtime.Version OLDEST = Runtime.Version.parse("25.0.3");

  static Machine here() {
    return new Machine(
        Runtime.version(), System.getProperty("os.name"), System.getProperty("os.arch"));
  }

  /**
   * Refuses what cannot work.
   *
   * @throws InvalidInputException if the JVM is too old, or no native libraries are built in for
   *     the platform
   */
  void require() {
    if (version.compareToIgnoreOptional(OLDEST) < 0) {
      throw new InvalidInputException(
          "this is Java "
              + version
              + " and Graft needs 25.0.3 or newer (25.0.0 to 25.0.2 can corrupt pinned memory):"
              + " set JAVA_HOME to a newer JDK");
    }
    if (!os.equals("Linux") || !isX8664()) {
      throw new InvalidInputException(
          "this is "
              + os
              + " on "
              + arch
              + " and Graft's native libraries are those for Linux on x86_64: run it there");
    }
  }

  private boolean isX8664() {
    String name = arch.toLowerCase(Locale.ROOT);
    return name.equals("amd64") || name.equals("x86_64");
  }
}
