package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Forward;
import dev.graft.decoder.ProcessForward;
import dev.graft.decoder.ScoredRows;
import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import dev.graft.layout.Shares;
import dev.graft.parallel.Rendezvous;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Ranks that this process, rank 0, starts on its own host as {@code graft rank}. */
final class RankProcesses implements Forward {
  private static final String LOOPBACK = "127.0.0.1";
  private static final long PATIENCE_SECONDS = 5;

  /** How our own sentences begin; the JVM writes others. */
  private static final String OURS = "graft: ";

  /** Ctrl-C is for rank 0, which may only mean to cancel an answer. */
  private static final List<String> DEAF_TO_INTERRUPTS =
      List.of("sh", "-c", "trap '' INT; exec \"$0\" \"$@\"");

  /**
   * A rank's process.
   *
   * @param errors where it writes them
   */
  private record Rank(Process process, Path errors) {}

  private final List<Rank> others = new ArrayList<>();
  private final GroupForward forward;
  private final int size;

  private RankProcesses(
      Checkpoint checkpoint, DecoderOptions options, Shares shares, Duration timeout)
      throws IOException {
    size = shares.ranks();
    Rendezvous rendezvous = Rendezvous.serve(LOOPBACK, 0, timeout);
    forward =
        GroupForward.open(
            rendezvous,
            () -> {
              try {
                for (int r = 1; r < size; r++) {
                  int threads =
                      options.threads() < size
                          ? 1
                          : shares.split(options.threads(), 1).get(r).length();
                  others.add(start(checkpoint.directory(), r, threads, rendezvous, timeout));
                }
                int own =
                    options.threads() < size
                        ? 1
                        : shares.split(options.threads(), 1).getFirst().length();
                Collective group = rendezvous.join(0, size);
                return new ProcessForward(checkpoint, options.withThreads(own), shares, group);
              } catch (PeerLostException e) {
                PeerLostException told = withLastWords(e);
                endAll();
                throw told;
              } catch (IOException | RuntimeException | Error e) {
                endAll();
                throw e;
              }
            });
  }

  /** Starts the ranks and waits until they have placed the model. */
  static Forward open(
      Checkpoint checkpoint, DecoderOptions options, Shares shares, Duration timeout)
      throws IOException {
    return new RankProcesses(checkpoint, options, shares, timeout);
  }

  private Rank start(Path model, int rank, int threads, Rendezvous rendezvous, Duration timeout)
      throws IOException {
    List<String> command = new ArrayList<>(DEAF_TO_INTERRUPTS);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of("rank", model.toString(), "--rank", "" + rank, "--world", "" + size));
    command.addAll(List.of("--master", LOOPBACK + ":" + rendezvous.port()));
    command.addAll(List.of("--threads", "" + threads, "--rank-timeout", "" + timeout.toSeconds()));
    Path errors = Files.createTempFile("graft-rank-" + rank + "-", ".log");
    errors.toFile().deleteOnExit();
    Process process =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(errors.toFile())
            .start();
    return new Rank(process, errors);
  }

  /** Process numbers of the other ranks, rank 1 first. */
  List<Long> processIds() {
    return others.stream().map(rank -> rank.process().pid()).toList();
  }

  @Override
  public ModelSpec spec() {
    return forward.spec();
  }

  @Override
  public int pageSize() {
    return forward.pageSize();
  }

  @Override
  public int pageCount() {
    return forward.pageCount();
  }

  /**
   * Computes a step on all ranks.
   *
   * @throws PeerLostException if a rank is lost, with how its process ended
   */
  @Override
  public float[][] step(List<Chunk> chunks, ScoredRows scored) {
    try {
      return forward.step(chunks, scored);
    } catch (PeerLostException e) {
      throw withLastWords(e);
    }
  }

  private PeerLostException withLastWords(PeerLostException e) {
    if (e.rank() == 0 || e.rank() > others.size()) {
      return e;
    }
    Rank rank = others.get(e.rank() - 1);
    try {
      // The connection closes a little before the process has ended.
      if (!rank.process().waitFor(1, TimeUnit.SECONDS)) {
        return e;
      }
      int code = rank.process().exitValue();
      String end = code > 128 ? "was ended by signal " + (code - 128) : "ended with " + code;
      String said =
          Files.readString(rank.errors())
              .lines()
              .filter(line -> line.startsWith(OURS))
              .map(line -> line.substring(OURS.length()))
              .reduce((a, b) -> b)
              .orElse("");
      return new PeerLostException(
          e.rank(), size, "its process " + end + (said.isEmpty() ? "" : ", saying: " + said), e);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return e;
    } catch (IOException unreadable) {
      return e;
    }
  }

  @Override
  public void close() {
    try {
      forward.close();
    } finally {
      for (Rank rank : others) {
        await(rank.process());
      }
      endAll();
    }
  }

  private static void await(Process process) {
    try {
      process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void endAll() {
    others.forEach(rank -> rank.process().destroyForcibly());
    for (Rank rank : others) {
      await(rank.process());
      try {
        Files.deleteIfExists(rank.errors());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
