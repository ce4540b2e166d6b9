package dev.graft.cli;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cost.Job;
import dev.graft.cost.Parallelism;
import dev.graft.layout.ExpertScheme;
import dev.graft.loop.RecipeReader;
import dev.graft.search.Plan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
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
    parallel.put("experts", scheme(mesh).key());
    parallel.put("zero", zero(job));
    parallel.put("interleave", mesh.chunks());
    ArrayNode stages = parallel.putArray("stages");
    plan.layers().forEach(stages::add);
    ArrayNode recompute = parallel.putArray("recompute");
    plan.recomputed().forEach(recompute::add);
    return keys;
  }

  /** Writes them; an older {@code out} stays whole until the new one is. */
  static void write(Job job, Plan plan, Path out) throws IOException {
    String text =
        "# Of graft plan: "
            + plan.parallelism().describe()
            + ". Use it by graft train RECIPE --plan "
            + out.getFileName()
            + "\n"
            + RecipeReader.text(keys(job, plan));
    Path folder = out.toAbsolutePath().normalize().getParent();
    Files.createDirectories(folder);
    Path temporary =
        folder.resolve(".%s.%d.tmp".formatted(out.getFileName(), ProcessHandle.current().pid()));
    try {
      Files.writeString(temporary, text);
      CheckpointWriter.sync(temporary);
      Files.move(
          temporary, out, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
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
   * The scheme that gives a mesh its expert degrees.
   *
   * @throws InvalidInputException if none does, or ranks split sequences
   */
  static ExpertScheme scheme(Parallelism mesh) {
    if (mesh.cp() == 1) {
      for (ExpertScheme scheme : ExpertScheme.values()) {
        if (Parallelism.of(mesh.pp(), mesh.chunks(), mesh.dp(), mesh.tp(), scheme).equals(mesh)) {
          return scheme;
        }
      }
    }
    throw new InvalidInputException(
        "--output: %s is no mesh of graft train, which deals experts out as %s and does not split sequences; hold one by --fix"
            .formatted(
                mesh.describe(),
                Arrays.stream(ExpertScheme.values()).map(ExpertScheme::key).toList()));
  }
}
