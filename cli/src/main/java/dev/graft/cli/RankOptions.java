package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Forward;
import dev.graft.decoder.ProcessForward;
import dev.graft.decoder.TensorParallelForward;
import dev.graft.layout.Collective;
import dev.graft.layout.Shares;
import dev.graft.layout.TensorParallel;
import dev.graft.parallel.Rendezvous;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of verbs that compute with a model: over how many ranks, and where these run. */
final class RankOptions {
  /** Where ranks run; spelled as on the command line. */
  private enum Launch {
    threads,
    processes,
    hosts
  }

  @Option(
      names = "--tp",
      paramLabel = "N",
      description = "Deal the model out to N tensor-parallel ranks (1).")
  private Optional<Integer> ranks = Optional.empty();

  @Option(
      names = "--shares",
      paramLabel = "S,S,...",
      description = "How strong each rank is, such as 5,3,1; equal if absent.")
  private Optional<String> shares = Optional.empty();

  @Option(
      names = "--launch",
      paramLabel = "WHERE",
      defaultValue = "threads",
      description =
          "Ranks are ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}); hosts waits at --master for"
              + " ranks that were started with graft rank.")
  private Launch launch;

  @Option(
      names = "--master",
      paramLabel = "HOST:PORT",
      description = "With --launch hosts: this host's address, as the other ranks reach it.")
  private Optional<String> master = Optional.empty();

  @Option(
      names = "--rank-timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description = "How long ranks that are processes wait for each other (${DEFAULT-VALUE}).")
  private int timeout;

  /** Whether the model is to be dealt out. */
  boolean several() {
    return ranks.isPresent() || shares.isPresent();
  }

  /**
   * Places a model as the options say.
   *
   * @param options threads are those of all ranks on this host
   * @throws InvalidInputException if the options do not go together
   * @throws IOException if ranks cannot be started or do not come
   */
  Forward open(Checkpoint checkpoint, DecoderOptions options) throws IOException {
    Shares strength = Shares.of(ranks, shares);
    int n = strength.ranks();
    TensorParallel.of(checkpoint.spec(), strength); // refused before anything is started
    if (timeout < 1) {
      throw new InvalidInputException("--rank-timeout is " + timeout + "; give at least 1 second");
    }
    if (master.isPresent() != (launch == Launch.hosts)) {
      throw new InvalidInputException(
          launch == Launch.hosts
              ? "--launch hosts needs --master HOST:PORT, this host's address as the others reach it"
              : "--master goes with --launch hosts; leave it out");
    }
    if (n == 1) {
      return new Decoder(checkpoint, options);
    }
    return switch (launch) {
      case threads -> new TensorParallelForward(checkpoint, options, strength);
      case processes ->
          RankProcesses.open(checkpoint, options, strength, Duration.ofSeconds(timeout));
      case hosts -> {
        Address address = Address.parse(master.orElseThrow());
        yield hosts(checkpoint, options, strength, address, Duration.ofSeconds(timeout));
      }
    };
  }

  private static Forward hosts(
      Checkpoint checkpoint,
      DecoderOptions options,
      Shares strength,
      Address address,
      Duration timeout)
      throws IOException {
    Rendezvous rendezvous = Rendezvous.serve(address.host(), address.port(), timeout);
    return GroupForward.open(
        rendezvous,
        () -> {
          Collective group = rendezvous.join(0, strength.ranks());
          return new ProcessForward(checkpoint, options, strength, group);
        });
  }
}
