package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/** A command line that runs as a user runs it, in a process of its own. */
record OwnProcess(Process process) implements AutoCloseable {
  private static final Pattern ADDRESS = Pattern.compile(" at (http://\\S+)");

  /** Starts a verb with the class path and the JVM options of the tests. */
  static OwnProcess start(String... args) throws IOException {
    return new OwnProcess(new ProcessBuilder(command(args)).start());
  }

  static List<String> command(String... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(args));
    return command;
  }

  /** A model that takes a while; the test is skipped aloud where it is absent. */
  static Path smollm2() {
    Path smollm2 =
        Optional.ofNullable(System.getenv("GRAFT_SMOLLM2"))
            .map(Path::of)
            .orElseGet(() -> Project.root().resolve("target/smollm2"));
    Assumptions.assumeTrue(
        Files.exists(smollm2),
        () -> "SKIPPED: " + smollm2 + " is not there; run scripts/smollm2 or set GRAFT_SMOLLM2");
    return smollm2;
  }

  /** The first rank that it starts; libraries start other processes, for a moment. */
  ProcessHandle awaitRank() throws InterruptedException {
    for (int i = 0; i < 6000; i++) {
      Optional<ProcessHandle> rank = process.descendants().filter(OwnProcess::isRank).findFirst();
      if (rank.isPresent()) {
        return rank.get();
      }
      assertTrue(process.isAlive(), "the verb ended at once");
      TimeUnit.MILLISECONDS.sleep(10);
    }
    throw new AssertionError("no rank was started");
  }

  /** Where a server listens, once it does. */
  String awaitAddress() throws IOException {
    String line = process.inputReader(StandardCharsets.UTF_8).readLine();
    Matcher found = ADDRESS.matcher(line == null ? "" : line);
    assertTrue(found.find(), line == null ? err() : line);
    return found.group(1);
  }

  private static boolean isRank(ProcessHandle child) {
    try {
      // ProcessHandle.info() leaves out arguments that are longer than a page, as class paths are.
      return Files.readString(Path.of("/proc", Long.toString(child.pid()), "cmdline"))
          .contains("\0--rank\0");
    } catch (IOException e) {
      return false; // it has ended
    }
  }

  /** Its exit code. */
  int awaitEnd() throws InterruptedException {
    assertTrue(process.waitFor(2, TimeUnit.MINUTES), "the verb hangs");
    return process.exitValue();
  }

  String err() throws IOException {
    return rest(process.getErrorStream());
  }

  String out() throws IOException {
    return rest(process.getInputStream());
  }

  private static String rest(InputStream stream) throws IOException {
    return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
  }

  /** Sends a signal, such as STOP. */
  static void signal(String name, long process) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, "" + process).inheritIO().start();
    assertTrue(kill.waitFor() == 0, "kill -" + name + " " + process);
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
