package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cost.Job;
import dev.graft.cost.Parallelism;
import dev.graft.disk.WholeFile;
import dev.graft.layout.ExpertScheme;
import dev.graft.loop.RecipeReader;
import dev.graft.search.Plan;
import dev.graft.search.Pricing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A plan as the keys of a recipe, which {@code graft train --plan} takes. */
final class PlanOverlay {
  private PlanOverlay() {}

  /** The keys. */
  static ObjectNode keys(Job job, Plan plan) {
    Parallelism mesh = plan.parallelism();
    ObjectNode keys = JsonNodeFactory.instance.objectNode();
    keys.put("sequence_length", job.sequence());
    keys.put("global_batch_size", job.globalBatch());
    keys.put("micro_batch_size", plan.microBatch());
    keys.put("recompute_layers", 0);
    ObjectNode parallel = keys.putObject("parallel");
    parallel.put("pp", mesh.pp());
    parallel.put("dp", mesh.dp());
    parallel.put("tp", mesh.tp());
    parallel.put("experts", scheme(mesh).orElseThrow().key());
    parallel.put("zero", zero(job));
    parallel.put("interleave", mesh.chunks());
    ArrayNode stages = parallel.putArray("stages");
    ArrayNode recompute = parallel.putArray("recompute");
    if (mesh.chunks() == 1) {
      plan.layers().forEach(stages::add);
      plan.recomputed().forEach(recompute::add);
    } else {
      int parts = mesh.pp() * mesh.chunks();
      for (int layers : Pricing.even(plan.layers().stream().mapToInt(n -> n).sum(), parts)) {
        stages.add(layers);
        recompute.add(0);
      }
    }
    return keys;
  }

  /**
   * Writes the first plan that {@code graft train} can run; an older {@code out} stays whole until
   * the new one is.
   *
   * @return its place among the plans, from 1
   * @throws InvalidInputException if it can run none of them
   */
  static int write(Job job, List<Plan> plans, Path out) throws IOException {
    int number = 1;
    while (number < plans.size() && !isRunnable(plans.get(number - 1))) {
      number++;
    }
    if (!isRunnable(plans.get(number - 1))) {
      throw new InvalidInputException(
          "--output: none of these plans can be run by graft train, which deals experts out as %s and recomputes no layers of interleaved stages; hold more by --fix, such as experts=edp,chunks=1"
              .formatted(Arrays.stream(ExpertScheme.values()).map(ExpertScheme::key).toList()));
    }
    write(job, plans.get(number - 1), out);
    return number;
  }

  /** Recomputed layers of interleaved stages are not counted by stretch, so those are passed by. */
  private static boolean isRunnable(Plan plan) {
    boolean whole = plan.recomputed().stream().allMatch(count -> count == 0);
    return scheme(plan.parallelism()).isPresent() && (plan.parallelism().chunks() == 1 || whole);
  }

  private static void write(Job job, Plan plan, Path out) throws IOException {
    String text =
        "# Of graft plan: "
            + plan.parallelism().describe()
            + ". Use it by graft train RECIPE --plan "
            + out.getFileName()
            + "\n"
            + RecipeReader.text(keys(job, plan));
    WholeFile.write(text, out);
  }

  private static int zero(Job job) {
    if (job.zero() > 1) {
      throw new InvalidInputException(
          "--output: the plan has ZeRO stage %d, but graft train shards the optimiser only; plan with zero 0 or 1"
              .formatted(job.zero()));
    }
    return job.zero();
  }

  /**
   * The scheme that gives a mesh its expert degrees; empty if none does, or it splits sequences.
   */
  private static Optional<ExpertScheme> scheme(Parallelism mesh) {
    return Arrays.stream(ExpertScheme.values())
        .filter(scheme ->
            Parallelism.of(mesh.pp(), mesh.chunks(), mesh.dp(), mesh.tp(), scheme).equals(mesh))
        .findFirst();
  }
}
