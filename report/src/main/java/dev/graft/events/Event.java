package dev.graft.events;

import java.util.List;
import java.util.Map;

/** One line of {@code events.jsonl}; its {@code event} field is the name given with each record. */
public sealed interface Event {
  /**
   * {@code "event":"run"}: the first line of a run.
   *
   * @param name what the run is called in a report
   * @param recipe the whole recipe as written with its defaults
   * @param model shape and counts of the model ({@code parameters}, {@code active_parameters},
   *     {@code num_experts}, …)
   * @param flopsPerToken training FLOPs of one token
   * @param flopsFormula how they are counted
   */
  record Run(
      String name,
      Map<String, Object> recipe,
      Map<String, Object> model,
      double flopsPerToken,
      String flopsFormula)
      implements Event {}

  /**
   * {@code "event":"step"}: one optimiser step.
   *
   * @param step from 1
   * @param tokens trained on so far, this step included
   * @param loss mean cross entropy in nats
   * @param auxLoss Σ α_l L_aux_l
   * @param zLoss router z-loss after its coefficient
   * @param lr learning rate of this step
   * @param gradNorm L2 norm before clipping
   * @param seconds wall time of the step
   * @param tokensPerSecond of this step
   * @param mfu model FLOPs utilisation, of the measured peak of this machine
   * @param memoryBytes resident set of the process
   * @param layers one entry per MoE layer
   */
  record Step(
      int step,
      long tokens,
      double loss,
      double auxLoss,
      double zLoss,
      double lr,
      double gradNorm,
      double seconds,
      double tokensPerSecond,
      double mfu,
      long memoryBytes,
      List<LayerStats> layers)
      implements Event {}

  /** {@code "event":"validation"}: mean cross entropy in nats over {@code validationTokens}. */
  record Validation(int step, long tokens, double loss, long validationTokens) implements Event {}

  /** {@code "event":"similarity"}: mean pairwise cosine of expert weights per MoE layer. */
  record Similarity(int step, long tokens, List<Double> layers) implements Event {}

  /** {@code "event":"sample"}: text the model wrote. */
  record Sample(int step, String prompt, String text) implements Event {}

  /**
   * {@code "event":"communication"}: what ranks exchanged in a step of a run on several processes.
   *
   * @param exchanges one entry per rank and group of ranks
   */
  record Communication(int step, List<Exchange> exchanges) implements Event {}

  /**
   * What a rank exchanged with the others of a group.
   *
   * @param rank of the run
   * @param group {@code data} (gradients and weights of replicas), {@code pipeline} (activations
   *     and their gradients) or {@code world} (loss and statistics)
   * @param bytes of the tensors that it handed over to be sent, summed or given to all
   * @param seconds that it waited for exchanges to end
   */
  record Exchange(int rank, String group, long bytes, double seconds) {}

  /**
   * {@code "event":"timeline"}: what the ranks did when in one step.
   *
   * @param tracks one per rank
   */
  record Timeline(int step, List<Track> tracks) implements Event {}

  /** What one rank did, in the order in which it began; a wait may lie inside of a computation. */
  record Track(int rank, List<Span> spans) {}

  /**
   * A stretch of a rank's time.
   *
   * @param kind {@code compute}, {@code pipeline-wait}, {@code all-reduce}, {@code all-to-all}, or
   *     another exchange by name
   * @param name of the work, or of the group of ranks that was waited for
   * @param start seconds after the step began on all ranks
   * @param seconds how long it took
   */
  record Span(String kind, String name, double start, double seconds) {}

  /**
   * {@code "event":"memory"}: what each rank has held up to the end of a step.
   *
   * @param ranks one entry per rank
   */
  record Memory(int step, List<RankMemory> ranks) implements Event {}

  /**
   * Resident sets of a rank's process in bytes.
   *
   * @param baseline once libtorch has started, before the model is there
   * @param state with weights, gradients and the optimiser's moments, before the first step
   * @param peak the highest since the process started
   */
  record RankMemory(int rank, long baseline, long state, long peak) {}

  /** {@code "event":"checkpoint"}: a checkpoint is complete on disk. */
  record Saved(int step, String path) implements Event {}
}
