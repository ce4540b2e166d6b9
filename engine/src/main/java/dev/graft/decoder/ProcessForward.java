package dev.graft.decoder;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import dev.graft.layout.Shares;
import dev.graft.layout.TensorParallel;
import java.util.List;
import java.util.Optional;

/**
 * Rank 0 of a model dealt out to processes: it tells the others each step, takes part in it and
 * returns the logits. The others run {@link #serve}.
 */
public final class ProcessForward implements Forward {
  private final ModelSpec spec;
  private final int pageCount;
  private final RotaryTable rotary;
  private final Collective collective;
  private final LocalRank rank;
  private boolean lost;

  /**
   * Places this rank's part and settles shares and cache with the others.
   *
   * @param checkpoint stays open as long as this is used; the others have the same model
   * @param options threads are this process's own
   * @param collective the group; this is its rank 0; closed with this
   * @throws InvalidInputException if there are more ranks than query heads
   * @throws PeerLostException if a rank is lost, or has another model or other kernels
   */
  public ProcessForward(
      Checkpoint checkpoint, DecoderOptions options, Shares shares, Collective collective) {
    this.spec = checkpoint.spec();
    this.pageCount = options.pages();
    this.rotary = new RotaryTable(spec);
    this.collective = collective;
    this.rank = place(checkpoint, options, shares, collective, rotary);
    collective.broadcast(GroupPlan.of(checkpoint, options, shares).write());
    collective.barrier();
  }

  /**
   * Takes part in the steps of rank 0, as any other rank, until rank 0 closes.
   *
   * @param options threads and kernels are this process's own; pages and cache are rank 0's
   * @throws InvalidInputException if this process cannot take part
   * @throws PeerLostException if a rank is lost
   */
  public static void serve(Checkpoint checkpoint, DecoderOptions options, Collective collective) {
    GroupPlan plan = GroupPlan.read(collective.broadcast(new byte[0]));
    Optional<String> objection = plan.objection(checkpoint, options);
    if (objection.isPresent()) {
      collective.abort(objection.get());
      throw new InvalidInputException(objection.get());
    }
    RotaryTable rotary = new RotaryTable(checkpoint.spec());
    DecoderOptions settled =
        new DecoderOptions(
            options.threads(), plan.pages(), plan.cache(), options.kernels(), RoutingObserver.NONE);
    try (LocalRank rank = place(checkpoint, settled, plan.shares(), collective, rotary)) {
      collective.barrier();
      for (byte[] message = collective.broadcast(new byte[0]);
          message.length > 0;
          message = collective.broadcast(new byte[0])) {
        List<Chunk> chunks = StepMessage.read(message);
        rotary.reach(StepCheck.end(chunks));
        rank.step(chunks, ScoredRows.NONE);
      }
    }
  }

  private static LocalRank place(
      Checkpoint checkpoint,
      DecoderOptions options,
      Shares shares,
      Collective collective,
      RotaryTable rotary) {
    return new LocalRank(
        TensorParallel.of(checkpoint.spec(), shares),
        collective,
        DecoderWeights.of(checkpoint, options.kernels()),
        rotary,
        options,
        options.threads());
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public int pageSize() {
    return KeyValuePages.SIZE;
  }

  @Override
  public int pageCount() {
    return pageCount;
  }

  /**
   * Computes a step on all ranks.
   *
   * @throws PeerLostException if a rank is lost; the group is of no more use then
   */
  @Override
  public float[][] step(List<Chunk> chunks, ScoredRows scored) {
    StepCheck.require(spec, pageCount, chunks);
    rotary.reach(StepCheck.end(chunks));
    try {
      collective.broadcast(StepMessage.write(chunks));
      return rank.step(chunks, scored);
    } catch (RuntimeException | Error e) {
      lost = true;
      throw e;
    }
  }

  /** Sends the others home. */
  @Override
  public void close() {
    try {
      if (!lost) {
        collective.broadcast(new byte[0]);
      }
    } finally {
      rank.close();
    }
  }
}
