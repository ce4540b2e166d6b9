package dev.graft.loop;

import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.ExpertScheme;
import dev.graft.layout.Mesh;
import dev.graft.network.Precision;
import dev.graft.routing.Balance;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Turns a complete tree of keys into a {@link Recipe}, checking each value. */
final class RecipeBinder {
  private final String source;
  private final ObjectNode tree;

  RecipeBinder(String source, ObjectNode tree) {
    this.source = source;
    this.tree = tree;
  }

  Recipe bind() {
    Path out =
        path("out")
            .orElseThrow(
                () -> wrong("out", "is missing; name the directory that the run is written to"));
    Recipe recipe =
        new Recipe(
            start(),
            path("tokenizer"),
            data(),
            positive("sequence_length"),
            positive("global_batch_size"),
            positive("micro_batch_size"),
            positive("steps"),
            whole("seed", Long.MIN_VALUE),
            choice("dtype", Precision.class),
            device(),
            threads(),
            flag("deterministic"),
            count("recompute_layers"),
            strings("freeze"),
            optimizer(),
            routing(),
            new Recipe.Validation(count("validation.every"), count("validation.sequences")),
            new Recipe.Checkpointing(count("checkpoint.every"), positive("checkpoint.keep")),
            count("similarity_every"),
            counts("timeline_steps"),
            new Recipe.Samples(
                count("samples.every"), strings("samples.prompts"), positive("samples.tokens")),
            parallel(),
            flag("tensorboard"),
            text("name").orElseGet(() -> String.valueOf(out.getFileName())),
            out,
            new YAMLMapper().convertValue(tree, new TypeReference<Map<String, Object>>() {}));
    if (recipe.globalBatchSize() % recipe.microBatchSize() != 0) {
      throw wrong("global_batch_size", "must be a multiple of micro_batch_size");
    }
    requireShares(recipe);
    return recipe;
  }

  private Recipe.Parallel parallel() {
    int tp = positive("parallel.tp");
    ExpertScheme experts = choice("parallel.experts", ExpertScheme.class);
    boolean sequence =
        node("parallel.sequence").isNull()
            ? tp > 1 && (experts == ExpertScheme.EDP || experts == ExpertScheme.EP)
            : flag("parallel.sequence");
    return new Recipe.Parallel(
        new Mesh(
            positive("parallel.pp"),
            positive("parallel.dp"),
            tp,
            experts,
            sequence,
            count("parallel.zero")),
        counts("parallel.stages"),
        counts("parallel.recompute"),
        positive("parallel.interleave"));
  }

  /** What a mesh asks of the rest of a recipe. */
  private void requireShares(Recipe recipe) {
    Mesh mesh = recipe.parallel().mesh();
    if (recipe.microBatches() % mesh.dp() != 0) {
      throw wrong(
          "parallel.dp",
          "is "
              + mesh.dp()
              + ", which does not divide the "
              + recipe.microBatches()
              + " micro-batches of a step (global_batch_size / micro_batch_size)");
    }
    int share = recipe.microBatches() / mesh.dp();
    if (recipe.parallel().interleave() > 1 && (mesh.pp() == 1 || share % mesh.pp() != 0)) {
      throw wrong(
          "parallel.interleave",
          "needs pp above 1 and a number of micro-batches per replica ("
              + share
              + ") that pp divides");
    }
    if (!recipe.samples().prompts().isEmpty() && mesh.world() > 1) {
      throw wrong(
          "samples.prompts",
          "needs the whole model in one process; leave it empty, and sample from checkpoints with graft generate");
    }
  }

  private List<Integer> counts(String key) {
    JsonNode node = node(key);
    if (node.isNull()) {
      return List.of();
    }
    List<Integer> values = new ArrayList<>();
    for (JsonNode entry : node) {
      if (!entry.isIntegralNumber() || !entry.canConvertToInt() || entry.intValue() < 0) {
        throw wrong(key, "is " + node + "; it must be a list of whole numbers");
      }
      values.add(entry.intValue());
    }
    if (!node.isArray()) {
      throw wrong(
          key,
          "is "
              + node
              + "; it must be a list of whole numbers (auto is planned by graft train and graft launch)");
    }
    return List.copyOf(values);
  }

  private String device() {
    String device = text("device").orElse("cpu");
    if (!device.equals("cpu") && !device.equals("cuda")) {
      throw wrong("device", "is '" + device + "'; it is cpu or cuda");
    }
    if (device.equals("cuda") && !flag("device_untested")) {
      throw wrong(
          "device",
          "is cuda, which has never been run by its authors; set device_untested: true to try it all the same");
    }
    return device;
  }

  private Recipe.Start start() {
    Optional<Path> model = path("model");
    JsonNode spec = tree.get("spec");
    if (model.isPresent() == spec.isObject()) {
      throw wrong(
          "model",
          "and spec: give exactly one of them, a Hugging Face directory or the keys of a config.json");
    }
    return model
        .<Recipe.Start>map(Recipe.Start.Directory::new)
        .orElseGet(() -> new Recipe.Start.Scratch((ObjectNode) spec));
  }

  private Recipe.Data data() {
    JsonNode train = node("data.train");
    if (!train.isArray() || train.isEmpty()) {
      throw wrong(
          "data.train", "is empty; list at least one dataset as {tokens: PREFIX, weight: 1.0}");
    }
    List<Recipe.Source> sources = new ArrayList<>();
    for (JsonNode entry : train) {
      if (!(entry instanceof ObjectNode object) || !object.path("tokens").isString()) {
        throw wrong(
            "data.train", "has an entry without tokens; write {tokens: PREFIX, weight: 1.0}");
      }
      for (String key : object.propertyNames()) {
        if (!key.equals("tokens") && !key.equals("weight")) {
          throw wrong("data.train", "has the key " + key + "; an entry has tokens and weight");
        }
      }
      JsonNode weight = object.path("weight");
      double share =
          weight.isMissingNode() ? 1 : weight.isNumber() ? weight.asDouble() : Double.NaN;
      if (!(share > 0) || Double.isInfinite(share)) {
        throw wrong("data.train", "has a weight that is not a positive number");
      }
      sources.add(new Recipe.Source(Path.of(object.get("tokens").asString()), share));
    }
    return new Recipe.Data(
        List.copyOf(sources), path("data.validation"), flag("data.mask_documents"));
  }

  private Recipe.Optimizer optimizer() {
    JsonNode betas = node("optimizer.betas");
    if (!betas.isArray() || betas.size() != 2 || !unit(betas.get(0)) || !unit(betas.get(1))) {
      throw wrong("optimizer.betas", "must be two numbers in [0, 1)");
    }
    double decay = number("optimizer.wsd_decay_fraction", 0);
    if (decay > 1) {
      throw wrong("optimizer.wsd_decay_fraction", "must be at most 1");
    }
    return new Recipe.Optimizer(
        number("optimizer.lr", 0),
        number("optimizer.min_lr", 0),
        choice("optimizer.schedule", Schedule.Kind.class),
        decay,
        count("optimizer.warmup_steps"),
        number("optimizer.weight_decay", 0),
        betas.get(0).asDouble(),
        betas.get(1).asDouble(),
        number("optimizer.eps", 0),
        number("optimizer.clip", 0),
        number("optimizer.expert_lr_scale", 0));
  }

  private Recipe.Routing routing() {
    OptionalDouble capacity = optionalNumber("routing.capacity_factor");
    if (capacity.isPresent() && capacity.getAsDouble() <= 0) {
      throw wrong("routing.capacity_factor", "must be above 0, or empty for dropless");
    }
    OptionalDouble lambda = optionalNumber("routing.gate_norm_std");
    if (lambda.isPresent() && lambda.getAsDouble() <= 0) {
      throw wrong("routing.gate_norm_std", "must be above 0");
    }
    return new Recipe.Routing(
        text("routing.gating").map(ignored -> choice("routing.gating", Gating.class)),
        lambda,
        capacity,
        number("routing.z_loss", 0),
        balance());
  }

  private Balance balance() {
    String kind = text("routing.balance.kind").orElse("");
    return switch (kind) {
      case "adaptive" ->
          new Balance.Adaptive(
              number("routing.balance.xi", 0),
              number("routing.balance.alpha_max", 0),
              fraction("routing.balance.beta"),
              number("routing.balance.initial", 0));
      case "fixed" -> new Balance.Fixed(number("routing.balance.alpha", 0));
      case "none" -> new Balance.None();
      default ->
          throw wrong("routing.balance.kind", "is '" + kind + "'; it is adaptive, fixed or none");
    };
  }

  private int threads() {
    int threads = count("threads");
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  private static boolean unit(JsonNode node) {
    return node.isNumber() && node.asDouble() >= 0 && node.asDouble() < 1;
  }

  private JsonNode node(String key) {
    JsonNode node = tree;
    for (String part : key.split("\\.", -1)) {
      node = node.path(part);
    }
    return node;
  }

  private Optional<String> text(String key) {
    JsonNode node = node(key);
    if (node.isNull() || (node.isString() && node.asString().isBlank())) {
      return Optional.empty();
    }
    if (!node.isValueNode()) {
      throw wrong(key, "must be one value");
    }
    return Optional.of(node.asString());
  }

  private Optional<Path> path(String key) {
    return text(key).map(Path::of);
  }

  private List<String> strings(String key) {
    JsonNode node = node(key);
    if (!node.isArray()) {
      throw wrong(key, "must be a list");
    }
    List<String> values = new ArrayList<>();
    node.forEach(entry -> values.add(entry.asString()));
    return List.copyOf(values);
  }

  private boolean flag(String key) {
    JsonNode node = node(key);
    if (!node.isBoolean()) {
      throw wrong(key, "is " + node + "; it is true or false");
    }
    return node.booleanValue();
  }

  private long whole(String key, long least) {
    JsonNode node = node(key);
    if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < least) {
      throw wrong(
          key,
          "is "
              + node
              + "; it must be a whole number"
              + (least > Long.MIN_VALUE ? " of at least " + least : ""));
    }
    return node.longValue();
  }

  private int count(String key) {
    return bounded(key, 0);
  }

  private int positive(String key) {
    return bounded(key, 1);
  }

  private int bounded(String key, long least) {
    long value = whole(key, least);
    if (value > Integer.MAX_VALUE) {
      throw wrong(key, "is " + value + ", which is too large");
    }
    return (int) value;
  }

  private OptionalDouble optionalNumber(String key) {
    return node(key).isNull()
        ? OptionalDouble.empty()
        : OptionalDouble.of(number(key, -Double.MAX_VALUE));
  }

  private double fraction(String key) {
    double value = number(key, 0);
    if (value > 1) {
      throw wrong(key, "must be in [0, 1]");
    }
    return value;
  }

  private double number(String key, double least) {
    JsonNode node = node(key);
    double value = node.isNumber() ? node.asDouble() : Double.NaN;
    if (node.isString()) {
      // YAML reads 3e-4 (no dot) as text.
      try {
        value = Double.parseDouble(node.asString());
      } catch (NumberFormatException e) {
        throw wrong(key, "is '" + node.asString() + "'; it must be a number");
      }
    }
    if (!Double.isFinite(value) || value < least) {
      throw wrong(
          key,
          "is " + node + "; it must be a finite number" + (least == 0 ? " of at least 0" : ""));
    }
    return value;
  }

  private <E extends Enum<E>> E choice(String key, Class<E> type) {
    String value = text(key).orElse("");
    return Arrays.stream(type.getEnumConstants())
        .filter(e -> e.name().toLowerCase(Locale.ROOT).equals(value))
        .findFirst()
        .orElseThrow(() ->
            wrong(
                key,
                "is '"
                    + value
                    + "'; it is one of "
                    + Arrays.stream(type.getEnumConstants())
                        .map(e -> e.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(", "))));
  }

  private InvalidInputException wrong(String key, String what) {
    return new InvalidInputException(source + ": " + key + " " + what);
  }
}
