package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The Spark application that starts the ranks, in a process of its own: Spark is not on the class
 * path of the command line. That of the application was written by the build.
 */
final class SparkProcess {
  /** Set by {@code ./graft}: the file that holds the class path; the wing's jar lies beside it. */
  static final String CLASS_PATH = "graft.spark.class.path";

  private static final String JAR = "graft-spark.jar";

  /** As Spark asks for on a JDK with modules. */
  private static final List<String> OPTIONS =
      List.of(
          "-XX:+UseSerialGC",
          "-Xmx1g",
          "-Xlog:disable",
          "-Xlog:all=error:stderr",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "--add-opens=java.base/java.lang=ALL-UNNAMED",
          "--add-opens=java.base/java.lang.invoke=ALL-UNNAMED",
          "--add-opens=java.base/java.nio=ALL-UNNAMED",
          "--add-opens=java.base/java.util=ALL-UNNAMED",
          "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");

  private SparkProcess() {}

  /**
   * Runs it to its end; it prints its own errors.
   *
   * @param arguments that its main class takes, up to the command of a rank
   * @param rank arguments of this program that are one rank
   * @return its exit code
   * @throws InvalidInputException if Spark is not there
   */
  static int run(List<String> arguments, List<String> rank) throws IOException {
    String libraries = libraries();
    Path home = Files.createTempDirectory("graft-spark-");
    Thread terminator = null;
    try {
      Path jar = own().resolveSibling(JAR);
      Path copy = Files.copy(jar, home.resolve(JAR), StandardCopyOption.REPLACE_EXISTING);
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(OPTIONS);
      command.addAll(List.of("-cp", copy + File.pathSeparator + libraries));
      command.add("dev.graft.spark.SparkLaunch");
      command.addAll(arguments);
      command.add("--");
      command.addAll(LaunchedRanks.command(rank));
      ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
      if (builder.environment().putIfAbsent("SPARK_HOME", home.toString()) == null) {
        link(home, libraries);
      }
      builder.environment().putIfAbsent("SPARK_SCALA_VERSION", "2.13");
      Process process = builder.start();
      terminator = new Thread(() -> terminate(process), "terminate-spark");
      Runtime.getRuntime().addShutdownHook(terminator);
      return process.onExit().join().exitValue();
    } finally {
      forget(terminator);
      remove(home);
    }
  }

  /** Where executors on this host find Spark: a folder of links, as a distribution has it. */
  private static void link(Path home, String libraries) throws IOException {
    Path jars = Files.createDirectory(home.resolve("jars"));
    for (String library : libraries.split(File.pathSeparator, -1)) {
      Path file = Path.of(library);
      Files.createSymbolicLink(jars.resolve(file.getFileName()), file);
    }
  }

  private static Path own() {
    return Path.of(
        Optional.ofNullable(System.getProperty(CLASS_PATH)).orElse("spark/target/class-path"));
  }

  private static String libraries() throws IOException {
    Path file = own();
    if (!Files.exists(file) || !Files.exists(file.resolveSibling(JAR))) {
      throw new InvalidInputException(
          "--spark: "
              + file
              + " and "
              + JAR
              + " beside it are not there; run ./mvnw -DskipTests package in Graft's folder");
    }
    return Files.readString(file).strip();
  }

  private static void terminate(Process process) {
    process.destroy();
    process.onExit().join();
  }

  private static void forget(Thread terminator) {
    if (terminator == null) {
      return;
    }
    try {
      Runtime.getRuntime().removeShutdownHook(terminator);
    } catch (IllegalStateException e) {
      // The process is going down already.
    }
  }

  private static void remove(Path home) throws IOException {
    try (var files = Files.walk(home)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
