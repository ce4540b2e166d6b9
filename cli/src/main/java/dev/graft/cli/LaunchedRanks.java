package dev.graft.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The processes of one try at a run. Rank 0 speaks to the user; what others say is kept. */
final class LaunchedRanks {
  /** How our own sentences begin; the JVM and libraries write others. */
  private static final String OURS = "graft: ";

  /** The others end by themselves within this, once one has ended. */
  private static final long GRACE_SECONDS = 3;

  private static final int SIGNALLED = 128;

  /**
   * How a try failed.
   *
   * @param code to end with
   * @param sentence naming the rank that was the first to end
   */
  record Failure(int code, String sentence) {}

  private record Rank(int number, Process process, Path errors) {}

  private final List<Rank> ranks = new ArrayList<>();
  private final Thread terminator;
  private volatile boolean asked;

  private LaunchedRanks() {
    terminator = new Thread(this::terminate, "terminate-ranks");
  }

  static LaunchedRanks start(int size, List<String> arguments, Map<String, String> environment)
      throws IOException {
    LaunchedRanks launched = new LaunchedRanks();
    Runtime.getRuntime().addShutdownHook(launched.terminator);
    try {
      for (int rank = 0; rank < size; rank++) {
        launched.ranks.add(process(rank, arguments, environment));
      }
      return launched;
    } catch (IOException e) {
      launched.end();
      throw e;
    }
  }

  private static Rank process(int rank, List<String> arguments, Map<String, String> environment)
      throws IOException {
    Path errors = Files.createTempFile("graft-rank-" + rank + "-", ".log");
    ProcessBuilder builder = new ProcessBuilder(command(arguments));
    builder.environment().putAll(environment);
    builder.environment().put("RANK", "" + rank);
    builder.environment().put("LOCAL_RANK", "" + rank);
    builder.environment().put(RankVariables.LAUNCHER, "" + ProcessHandle.current().pid());
    builder.redirectInput(Path.of("/dev/null").toFile());
    builder.redirectOutput(
        rank == 0 ? ProcessBuilder.Redirect.INHERIT : ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(
        rank == 0 ? ProcessBuilder.Redirect.INHERIT : ProcessBuilder.Redirect.to(errors.toFile()));
    return new Rank(rank, builder.start(), errors);
  }

  /** This program in another process. */
  static List<String> command(List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(arguments);
    return command;
  }

  /** Whether this process was told to end. */
  boolean asked() {
    return asked;
  }

  /** Waits until all have ended; one that fails takes the others with it. */
  Optional<Failure> await() throws IOException {
    try {
      List<Rank> failed = new ArrayList<>();
      CompletableFuture<?>[] ends = new CompletableFuture<?>[ranks.size()];
      CompletableFuture<Void> first = new CompletableFuture<>();
      for (Rank rank : ranks) {
        ends[rank.number()] =
            rank.process()
                .onExit()
                .thenAccept(process -> {
                  if (process.exitValue() != 0) {
                    synchronized (failed) {
                      failed.add(rank);
                    }
                    first.complete(null);
                  }
                });
      }
      CompletableFuture<Void> all = CompletableFuture.allOf(ends);
      CompletableFuture.anyOf(all, first).join();
      if (first.isDone()) {
        settle(all);
      }
      synchronized (failed) {
        return failed.isEmpty() ? Optional.empty() : Optional.of(failure(failed));
      }
    } finally {
      end();
    }
  }

  private static void settle(CompletableFuture<Void> all) {
    all.completeOnTimeout(null, GRACE_SECONDS, TimeUnit.SECONDS).join();
  }

  private Failure failure(List<Rank> failed) throws IOException {
    Rank rank = failed.getFirst();
    int code = rank.process().exitValue();
    for (Rank other : failed) {
      if (other.process().exitValue() > SIGNALLED) {
        rank = other;
        code = other.process().exitValue();
        break;
      }
      if (other.process().exitValue() == ExitCode.INVALID_INPUT.code()) {
        rank = other;
        code = ExitCode.INVALID_INPUT.code();
      }
    }
    String said =
        Files.readString(rank.errors())
            .lines()
            .filter(line -> line.startsWith(OURS))
            .map(line -> line.substring(OURS.length()))
            .reduce((a, b) -> b)
            .orElse("");
    String of = "rank " + rank.number() + " of " + ranks.size();
    String end =
        code > SIGNALLED
            ? of + " was ended by signal " + (code - SIGNALLED)
            : of + " ended with " + code;
    return new Failure(code, said.isEmpty() ? end : end + ", saying: " + said);
  }

  /** SIGTERM and Ctrl-C are for the ranks, which save. */
  private void terminate() {
    asked = true;
    ranks.forEach(rank -> rank.process().destroy());
    for (Rank rank : ranks) {
      rank.process().onExit().join();
    }
  }

  private void end() throws IOException {
    if (!asked) {
      ranks.forEach(rank -> rank.process().destroyForcibly());
    }
    for (Rank rank : ranks) {
      rank.process().onExit().join();
      Files.deleteIfExists(rank.errors());
    }
    try {
      Runtime.getRuntime().removeShutdownHook(terminator);
    } catch (IllegalStateException e) {
      // The process is going down already.
    }
  }
}
