package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cost.Job;
import dev.graft.picture.Picture;
import dev.graft.search.Fixed;
import dev.graft.search.Plan;
import dev.graft.search.PlanRequest;
import dev.graft.search.PlanSearch;
import java.util.Locale;
import java.util.Optional;

/**
 * Plans for training on a page.
 *
 * @param model as it was named
 * @param request what was planned
 * @param found its plans
 * @param beside another mesh, split evenly and as well as can be
 */
record PlanDrawing(
    String model, PlanRequest request, PlanSearch.Found found, Optional<PlanReport.Beside> beside) {
  /** Adds them. */
  void draw(Picture picture) {
    for (Plan plan : found.plans()) {
      picture.add(name(plan), plan);
    }
    beside.ifPresent(other -> {
      picture.add("beside: " + name(other.plan()), other.plan());
      other.even().ifPresent(even -> picture.add("beside, even: " + name(even), even));
    });
    changes(picture);
    picture.addNote(
        String.format(
            Locale.ROOT,
            "%s on %s: sequences of %,d tokens, %,d a step, %s. %,d meshes, %,d of them priced."
                + " FLOPs of MFU count all scores: 3 × (2 × weights that multiply a token + 4 · seq"
                + " · heads · head dim · layers).",
            model,
            request.cluster().describe(),
            request.job().sequence(),
            request.job().globalBatch(),
            request.job().type().key(),
            found.meshes(),
            found.priced()));
  }

  /** A plan in a few words. */
  static String name(Plan plan) {
    return plan.parallelism().describe() + ", micro-batch " + plan.microBatch();
  }

  private void changes(Picture picture) {
    Cluster cluster = request.cluster();
    change(picture, "network between nodes twice as fast", request.on(cluster.withNetworks(1, 2)));
    change(picture, "network between nodes half as fast", request.on(cluster.withNetworks(1, 0.5)));
    change(picture, "links inside a node half as fast", request.on(cluster.withNetworks(0.5, 1)));
    Job job = request.job();
    if (request.shape().experts().count() > 0) {
      change(
          picture, "the fullest rank's experts have 1.25 × a fair share", with(unbalanced(1.25)));
      change(picture, "the fullest rank's experts have 1.5 × a fair share", with(unbalanced(1.5)));
    }
    if (job.globalBatch() % 2 == 0) {
      change(picture, "half the global batch", with(batch(job.globalBatch() / 2)));
    }
    change(picture, "twice the global batch", with(batch(2 * job.globalBatch())));
    int micro = found.plans().getFirst().microBatch();
    microBatch(picture, 2 * micro);
    if (micro % 2 == 0) {
      microBatch(picture, micro / 2);
    }
  }

  private Job unbalanced(double imbalance) {
    Job job = request.job();
    return new Job(
        job.sequence(),
        job.globalBatch(),
        job.type(),
        job.optimizerBytes(),
        job.gradientBytes(),
        job.zero(),
        job.capacity(),
        imbalance);
  }

  private Job batch(int sequences) {
    Job job = request.job();
    return new Job(
        job.sequence(),
        sequences,
        job.type(),
        job.optimizerBytes(),
        job.gradientBytes(),
        job.zero(),
        job.capacity(),
        job.imbalance());
  }

  private PlanRequest with(Job job) {
    return new PlanRequest(
        request.shape(),
        request.cluster(),
        job,
        request.software(),
        request.fixed(),
        request.model());
  }

  private void change(Picture picture, String words, PlanRequest other) {
    PlanSearch search = new PlanSearch(other);
    picture.addChange(words, rate(same(search, found.plans().getFirst())), rate(best(search)));
  }

  /** Another micro-batch on the plan's mesh. */
  private void microBatch(Picture picture, int sequences) {
    Plan plan = found.plans().getFirst();
    var mesh = plan.parallelism();
    String held =
        "pp=%d,dp=%d,tp=%d,ep=%d,etp=%d,chunks=%d,mb=%d"
            .formatted(
                mesh.pp(), mesh.dp(), mesh.tp(), mesh.ep(), mesh.etp(), mesh.chunks(), sequences);
    PlanSearch search = new PlanSearch(request.with(Fixed.parse("--fix", held)));
    picture.addChange(
        "micro-batch of " + sequences + " on the same mesh", Double.NaN, rate(best(search)));
  }

  private static Optional<Plan> same(PlanSearch search, Plan plan) {
    try {
      return search.same(plan);
    } catch (InvalidInputException e) { // such as a batch that does not divide
      return Optional.empty();
    }
  }

  private static Optional<Plan> best(PlanSearch search) {
    try {
      return Optional.of(search.best(1).plans().getFirst());
    } catch (InvalidInputException e) { // nothing fits
      return Optional.empty();
    }
  }

  private static double rate(Optional<Plan> plan) {
    return plan.map(Plan::tokensPerSecondPerDevice).orElse(Double.NaN);
  }
}
