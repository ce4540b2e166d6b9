package dev.graft.cli;

import dev.graft.calibration.Profile;
import dev.graft.calibration.ProfileFile;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cost.AnalyticCosts;
import dev.graft.cost.CostModel;
import dev.graft.cost.Setting;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.measured.ProfiledCosts;
import dev.graft.profile.MachineFacts;
import dev.graft.runs.Layout;
import dev.graft.runs.StageChoice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A recipe whose open places the planner has filled: {@code parallel.stages: auto} and {@code
 * parallel.recompute: auto}.
 *
 * @param recipe complete
 * @param choice one sentence on what was chosen; empty if nothing was left open
 */
record PlannedRecipe(Recipe recipe, Optional<String> choice) {
  private static final String AUTO = "auto";

  /** The share of a host's memory that its ranks' models may take. */
  private static final double MEMORY_SHARE = 0.9;

  /** What a process took beyond its tensors where it was measured, rounded up. */
  private static final long PROCESS_BYTES = 150_000_000;

  /**
   * Reads and plans.
   *
   * @param plan keys that replace the recipe's
   */
  static PlannedRecipe read(Path file, Optional<Path> plan, List<String> overrides)
      throws IOException {
    ObjectNode tree = RecipeReader.tree(file, plan, overrides);
    ObjectNode parallel = (ObjectNode) tree.get("parallel");
    boolean stages = isAuto(parallel.path("stages"));
    boolean recompute = isAuto(parallel.path("recompute"));
    if (!stages && !recompute) {
      return new PlannedRecipe(RecipeReader.bind(file.toString(), tree), Optional.empty());
    }
    if (stages) {
      parallel.putNull("stages");
    }
    if (recompute || stages) {
      parallel.putNull("recompute");
    }
    Recipe open = RecipeReader.bind(file.toString(), tree);
    if (recompute && open.recomputeLayers() > 0) {
      throw new InvalidInputException(
          file
              + ": recompute_layers is "
              + open.recomputeLayers()
              + ", but parallel.recompute is auto; leave recompute_layers at 0");
    }
    ModelSpec spec = RecipeJob.model(open);
    Cluster here = ClusterReader.named("cpu");
    Setting setting = RecipeJob.setting(open, spec, here);
    Times times = times(parallel);
    Layout even = RecipeJob.layout(open, spec, times.processBytes());
    StageChoice chosen =
        StageChoice.of(
            setting,
            times.costs().costs(setting),
            even,
            stages ? Optional.empty() : Optional.of(even.layers()),
            memory(parallel, open));
    put(parallel, "stages", chosen.layers());
    put(parallel, "recompute", chosen.recomputed());
    return new PlannedRecipe(
        RecipeReader.bind(file.toString(), tree),
        Optional.of(
            "planned stages %s, of them recomputed %s, with times %s"
                .formatted(chosen.layers(), chosen.recomputed(), times.source())));
  }

  /**
   * Where times are from.
   *
   * @param processBytes of a rank beyond its tensors
   * @param source for people
   */
  private record Times(CostModel costs, long processBytes, String source) {}

  private static Times times(ObjectNode parallel) throws IOException {
    if (parallel.path("profile").isNull()) {
      return new Times(
          AnalyticCosts.fitted(),
          PROCESS_BYTES,
          "counted from a data sheet (name a file of graft profile in parallel.profile for measured ones)");
    }
    Path file = Path.of(parallel.path("profile").asString());
    Profile profile = ProfileFile.read(file);
    return new Times(
        new ProfiledCosts(file.toString(), profile), profile.processBytes(), "from " + file);
  }

  private static boolean isAuto(JsonNode node) {
    return node.isString() && node.asString().equals(AUTO);
  }

  private static double memory(ObjectNode parallel, Recipe recipe) throws IOException {
    JsonNode given = parallel.path("memory");
    if (!given.isNull()) {
      return ByteSize.parse("recipe: parallel.memory", given.asString());
    }
    return MEMORY_SHARE * MachineFacts.here().memoryBytes() / recipe.parallel().mesh().world();
  }

  private static void put(ObjectNode parallel, String key, List<Integer> values) {
    var list = parallel.putArray(key);
    values.forEach(list::add);
  }
}
