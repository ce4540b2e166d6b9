package dev.graft.loop;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ConfigReader;
import dev.graft.checkpoint.Family;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.network.Parameters;
import dev.graft.network.Shard;
import dev.graft.network.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a recipe trains: the config with the recipe's routing in it, and where its tokenizer is.
 *
 * @param config {@code config.json} of the checkpoints
 * @param spec its shape
 * @param companions directory of tokenizer and chat template
 */
public record StartingPoint(ObjectNode config, ModelSpec spec, Optional<Path> companions) {
  /**
   * Reads the config that a recipe names or holds.
   *
   * @throws dev.graft.checkpoint.InvalidInputException if it cannot be used
   */
  public static StartingPoint of(Recipe recipe) throws IOException {
    return switch (recipe.start()) {
      case Recipe.Start.Directory(Path path) ->
          of(recipe, path + "/config.json", Checkpoint.readConfig(path), Optional.of(path));
      case Recipe.Start.Scratch(ObjectNode spec) ->
          of(recipe, "recipe: spec", named(spec, recipe), recipe.tokenizer());
    };
  }

  /** Weights to start from. */
  public Parameters parameters(Recipe recipe, Shard shard) throws IOException {
    Predicate<String> frozen = frozen(recipe.freeze());
    return switch (recipe.start()) {
      case Recipe.Start.Directory(Path path) -> {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
          yield Weights.load(checkpoint, recipe.precision(), frozen, shard);
        }
      }
      case Recipe.Start.Scratch _ ->
          Parameters.fresh(spec, recipe.precision(), recipe.seed(), frozen, shard);
    };
  }

  /** Weights of the same shape to be overwritten. */
  Parameters blank(Recipe recipe, Shard shard) {
    return Parameters.zeros(spec, recipe.precision(), frozen(recipe.freeze()), shard);
  }

  /** Every tensor of the whole model. */
  List<Parameters.Stored> declare(Recipe recipe) {
    return Parameters.declare(spec, frozen(recipe.freeze()));
  }

  private static StartingPoint of(
      Recipe recipe, String source, ObjectNode config, Optional<Path> companions) {
    ModelSpec spec = ConfigReader.read(source, config);
    Recipe.Routing routing = recipe.routing();
    if (spec.moe().isPresent()) {
      Gating gating = routing.gating().orElse(spec.moe().get().gating());
      double lambda = routing.gateNormStd().orElse(spec.moe().get().gateNormStd());
      if (gating != spec.moe().get().gating() || lambda != spec.moe().get().gateNormStd()) {
        withGating(config, spec, gating, lambda);
        spec = ConfigReader.read(source, config);
      }
    }
    return new StartingPoint(config, spec, companions);
  }

  /** A spec without an architecture is Llama, or with experts Skywork-MoE. */
  private static ObjectNode named(ObjectNode spec, Recipe recipe) {
    ObjectNode config = spec.deepCopy();
    if (config.path("architectures").isMissingNode()) {
      JsonNode experts =
          config.path("num_experts").isMissingNode()
              ? config.path("num_local_experts")
              : config.path("num_experts");
      Family family = experts.isMissingNode() ? Family.LLAMA : Family.SKYWORK_MOE;
      config.putArray("architectures").add(family.architecture());
      config.put("model_type", family.modelType());
      if (family == Family.SKYWORK_MOE) {
        boolean normalized =
            recipe.routing().gating().orElse(Gating.NORMALIZED) == Gating.NORMALIZED;
        config.put("moe_feature_no_mul_topk", true);
        if (config.path("moe_use_logits_norm").isMissingNode()) {
          config.put("moe_use_logits_norm", normalized);
        }
        if (normalized && config.path("moe_gate_norm_std").isMissingNode()) {
          config.put("moe_gate_norm_std", recipe.routing().gateNormStd().orElse(1));
        }
      }
    }
    return config;
  }

  /** The recipe's gate is trained, so it is what the checkpoint says. */
  private static void withGating(ObjectNode config, ModelSpec spec, Gating gating, double lambda) {
    config.putArray("architectures").add(Family.SKYWORK_MOE.architecture());
    config.put("model_type", Family.SKYWORK_MOE.modelType());
    config.remove("num_local_experts");
    config.putArray("num_experts").add(spec.moe().orElseThrow().numExperts());
    config.put("moe_use_logits_norm", gating == Gating.NORMALIZED);
    config.put("moe_gate_norm_std", lambda);
    config.put("moe_feature_no_mul_topk", true);
  }

  private static Predicate<String> frozen(List<String> patterns) {
    List<Pattern> compiled = patterns.stream().map(Pattern::compile).toList();
    return name -> compiled.stream().anyMatch(p -> p.matcher(name).matches());
  }
}
