package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.Mesh;
import dev.graft.layout.PeerLostException;
import dev.graft.loop.DivergedException;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.parallel.Introduction;
import dev.graft.parallel.Rendezvous;
import dev.graft.parallel.Team;
import dev.graft.parallel.Watch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/** A training run's rank in this process: it meets the others, and ends with them. */
final class TrainingRank {
  /** A loss is heard of at once, and told before the process ends. */
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private static final String ORPHANED = "the process that launched this rank is gone";

  /** What a rank does with the others. */
  interface Task<T> {
    T run(Team team) throws IOException;
  }

  private TrainingRank() {}

  /**
   * Does a rank's part. Where another rank is lost, the process ends with 1 and a sentence that
   * names it, whatever it is doing.
   *
   * @throws InvalidInputException if a rank runs another version or recipe
   * @throws PeerLostException if a rank does not come
   * @throws IOException if rank 0 cannot be reached, or its port is taken
   */
  static <T> T run(RankVariables place, Recipe recipe, Duration timeout, Task<T> task)
      throws IOException {
    return run(place, recipe.parallel().mesh(), recipe, timeout, task);
  }

  /** The same on a mesh that need not be the recipe's. */
  static <T> T run(RankVariables place, Mesh mesh, Recipe recipe, Duration timeout, Task<T> task)
      throws IOException {
    mesh.checkWorld(place.size());
    AtomicReference<Watch> met = new AtomicReference<>();
    outliveNot(System.getenv(), met);
    Introduction introduction =
        new Introduction(new Version().getVersion()[0], digest(RecipeReader.print(recipe)));
    try (Rendezvous rendezvous =
            place.rank() == 0
                ? Rendezvous.serve(place.host(), place.port(), timeout)
                : Rendezvous.connect(place.host(), place.port(), timeout);
        Watch watch =
            rendezvous.meet(place.rank(), place.size(), introduction, TrainingRank::end)) {
      met.set(watch);
      try (Team team = Team.join(rendezvous, mesh, place.rank())) {
        T result = task.run(team);
        team.world().barrier();
        return result;
      } catch (IOException | RuntimeException | Error e) {
        explain(watch, e);
        throw e;
      }
    }
  }

  /**
   * A launcher that is killed cannot end its ranks, so they end by themselves. The first to see it
   * tells the others why it leaves: only rank 0 speaks to the user, and it may not be the first.
   */
  private static void outliveNot(Map<String, String> environment, AtomicReference<Watch> met) {
    Optional<Long> launcher =
        Optional.ofNullable(environment.get(RankVariables.LAUNCHER)).map(Long::valueOf);
    if (launcher.isEmpty()) {
      return;
    }
    CompletableFuture<ProcessHandle> gone =
        ProcessHandle.current()
            .parent()
            .filter(parent -> parent.pid() == launcher.get())
            .map(ProcessHandle::onExit)
            .orElseGet(() -> CompletableFuture.completedFuture(null));
    CompletableFuture<Void> _ =
        gone.thenRun(() -> {
          Optional.ofNullable(met.get()).ifPresent(watch -> watch.abort(ORPHANED));
          end(ORPHANED);
        });
  }

  private static void explain(Watch watch, Throwable thrown) {
    boolean own =
        thrown instanceof InvalidInputException
            || thrown instanceof DivergedException
            || thrown instanceof IOException;
    Optional<PeerLostException> lost = own ? Optional.empty() : watch.verdict(PATIENCE);
    if (lost.isPresent()) {
      pause(); // the watch ends the process
    }
    watch.abort("it failed: " + thrown.getMessage());
  }

  private static void pause() {
    try {
      Thread.sleep(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Native threads may wait for the lost rank still, so nothing is closed. */
  private static void end(PeerLostException lost) {
    end(lost.getMessage());
  }

  private static void end(String sentence) {
    System.err.println("graft: " + sentence);
    Runtime.getRuntime().halt(ExitCode.FAILURE.code());
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
