package dev.graft.cli;

import dev.graft.cluster.Device;
import dev.graft.inference.InferenceModel;
import dev.graft.inference.InferencePlan;
import dev.graft.inference.Limit;
import dev.graft.inference.PublishedRate;
import dev.graft.inference.ServingPoint;
import dev.graft.inference.StepTime;
import dev.graft.layout.RankSlice;
import dev.graft.layout.Shares;
import dev.graft.picture.Picture;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A plan for serving, told to people and programs.
 *
 * @param name of the model
 * @param published a rate that others measured of the same
 */
record InferenceFacts(String name, InferencePlan plan, Optional<PublishedRate> published) {
  ObjectNode json() {
    InferenceModel model = plan.model();
    ObjectNode facts = JsonMapper.shared().createObjectNode();
    facts.put("model", name);
    facts.put("cluster", model.cluster().describe());
    facts.put("weights", weights());
    facts.put("dealt_by", plan.dealtBy());
    facts.put("prompt", plan.prompt());
    facts.put("output", plan.output());
    ArrayNode heads = facts.putArray("heads");
    model.layout().slices().forEach(slice -> heads.add(slice.heads().length()));
    ArrayNode ranks = facts.putArray("ranks");
    for (int r = 0; r < model.layout().ranks(); r++) {
      RankSlice slice = model.layout().slice(r);
      ObjectNode rank = ranks.addObject();
      rank.put("rank", r);
      rank.put("device", model.cluster().device(r).name());
      rank.put("attention_heads", slice.heads().length());
      rank.put("key_value_heads", slice.keyValueHeads().length());
      rank.put("intermediate_columns", slice.columns().length());
      rank.put("weight_bytes", Math.round(model.weightBytes(r)));
      rank.put("kv_bytes_per_token", Math.round(model.cacheBytes(r)));
      rank.put("memory", Math.round(model.cluster().device(r).memory()));
      rank.put("usable", Math.round(model.room(r)));
    }
    facts.put("weight_bytes", Math.round(weightBytes()));
    facts.put("memory", Math.round(memory()));
    facts.put("fits", model.fits());
    facts.put("kv_tokens", Math.round(Math.max(0, model.cacheTokens())));
    facts.put("largest_batch", plan.largestBatch());
    ArrayNode curve = facts.putArray("curve");
    plan.points().forEach(point -> curve.add(json(point)));
    published.ifPresent(rate -> {
      ObjectNode node = facts.putObject("published");
      node.put("tokens_per_second", rate.tokensPerSecond());
      node.put("source", rate.source());
      plan.reaching(rate.tokensPerSecond()).ifPresent(point -> node.set("reached_at", json(point)));
    });
    return facts;
  }

  private static ObjectNode json(ServingPoint point) {
    ObjectNode node = JsonMapper.shared().createObjectNode();
    node.put("batch", point.batch());
    node.put("fits", point.fits());
    node.put("distinct_experts", point.distinctExperts());
    node.put("decode_seconds", point.decode().total());
    node.put("decode_tokens_per_second", point.decodeTokensPerSecond());
    node.put("output_tokens_per_second", point.outputTokensPerSecond());
    node.put("total_tokens_per_second", point.totalTokensPerSecond());
    node.put("prefill_seconds", point.prefill().total());
    node.put("limited_by", point.decode().limit().words());
    node.put("prefill_limited_by", point.prefill().limit().words());
    ObjectNode terms = node.putObject("decode_terms");
    for (Limit limit : Limit.values()) {
      terms.put(limit.words(), point.decode().seconds().getOrDefault(limit, 0.0));
    }
    return node;
  }

  List<String> lines() {
    InferenceModel model = plan.model();
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s, %s weights (%s), on %s (%s), dealt out by %s:"
            .formatted(
                name,
                weights(),
                ByteSize.print(Math.round(weightBytes())),
                model.cluster().describe(),
                ByteSize.print(Math.round(memory())),
                plan.dealtBy().equals("equal") ? "equal shares" : plan.dealtBy()));
    lines.add("heads " + model.layout().slices().stream().map(s -> s.heads().length()).toList());
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT,
            "%5s  %-10s %6s %9s %8s %10s %10s %10s",
            "ranks",
            "device",
            "heads",
            "kv heads",
            "columns",
            "weights",
            "KV/token",
            "room left"));
    for (int r = 0; r < model.layout().ranks(); r++) {
      lines.add(rank(r));
    }
    lines.add("");
    lines.add(answer());
    if (model.fits()) {
      lines.add("");
      lines.addAll(curve());
    }
    return lines;
  }

  /** Adds it to a page. */
  void draw(Picture picture) {
    picture.addServing(plan, published, answer(), published.map(this::place).orElse(""));
    picture.addNote(
        "Decode: one token of each sequence, at a prompt of %,d tokens and half of %,d generated. With prefill: prompts are read in between. A roofline: each part of a layer takes the longer of its arithmetic and its reading."
            .formatted(plan.prompt(), plan.output()));
  }

  private String rank(int r) {
    InferenceModel model = plan.model();
    RankSlice slice = model.layout().slice(r);
    double left = model.room(r) - model.weightBytes(r);
    return String.format(
        Locale.ROOT,
        "%5d  %-10s %6d %9d %8d %10s %10s %10s",
        r,
        model.cluster().device(r).name(),
        slice.heads().length(),
        slice.keyValueHeads().length(),
        slice.columns().length(),
        ByteSize.print(Math.round(model.weightBytes(r))),
        ByteSize.print(Math.round(model.cacheBytes(r))),
        left < 0 ? "-" + ByteSize.print(Math.round(-left)) : ByteSize.print(Math.round(left)));
  }

  private String answer() {
    InferenceModel model = plan.model();
    int fullest = model.fullest();
    if (!model.fits()) {
      return "It does not fit: rank %d needs %s for weights and may use %s; %s."
          .formatted(
              fullest,
              ByteSize.print(Math.round(model.weightBytes(fullest))),
              ByteSize.print(Math.round(Math.max(0, model.room(fullest)))),
              remedy());
    }
    return String.format(
        Locale.ROOT,
        "It fits: beside the weights rank %d, the fullest, has room for a KV cache of %,d tokens,"
            + " that is %,d sequences of %,d (prompt %,d and output %,d).",
        fullest,
        Math.round(model.cacheTokens()),
        plan.largestBatch(),
        plan.prompt() + plan.output(),
        plan.prompt(),
        plan.output());
  }

  /** The fewest equal devices of this kind that would do. */
  private String remedy() {
    InferenceModel model = plan.model();
    if (!model.cluster().isUniform()) {
      return "take devices with more memory, or weights of fewer bits";
    }
    Device device = model.cluster().device(0);
    return IntStream.rangeClosed(model.layout().ranks() + 1, plan.shape().heads())
        .filter(n ->
            InferenceModel.of(
                    plan.shape(), model.cluster().resized(n), model.serving(), Shares.equal(n))
                .fits())
        .mapToObj(n -> "the least that fits is " + n + " × " + device.name())
        .findFirst()
        .orElse("no number of these devices does: take others, or weights of fewer bits");
  }

  private List<String> curve() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%6s %8s %10s %12s %12s %12s %-11s %10s %-11s",
            "batch",
            "experts",
            "decode ms",
            "decode tok/s",
            "output tok/s",
            "total tok/s",
            "limited by",
            "prefill ms",
            "limited by"));
    for (ServingPoint point : plan.points()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%6d %8s %10.1f %,12.0f %,12.0f %,12.0f %-11s %10.0f %-11s%s",
              point.batch(),
              point.distinctExperts() == 0
                  ? "-"
                  : String.format(Locale.ROOT, "%.1f", point.distinctExperts()),
              1e3 * point.decode().total(),
              point.decodeTokensPerSecond(),
              point.outputTokensPerSecond(),
              point.totalTokensPerSecond(),
              point.decode().limit().words(),
              1e3 * point.prefill().total(),
              point.prefill().limit().words(),
              point.fits() ? "" : " (cache does not fit)"));
    }
    published.ifPresent(rate -> {
      lines.add("");
      lines.add(place(rate));
    });
    return lines;
  }

  private String place(PublishedRate rate) {
    String what =
        String.format(
            Locale.ROOT, "Published: %,.0f tokens/s, %s. ", rate.tokensPerSecond(), rate.source());
    return what
        + plan.reaching(rate.tokensPerSecond())
            .map(point ->
                String.format(
                    Locale.ROOT,
                    "Decoding reaches that at a batch of %,d (%s; most of it %s), where the cache has room for sequences of %,d tokens.",
                    point.batch(),
                    terms(point.decode()),
                    point.decode().limit().words(),
                    (long) (plan.model().cacheTokens() / point.batch())))
            .orElse("No batch decodes as fast by this model.");
  }

  private static String terms(StepTime step) {
    List<String> parts = new ArrayList<>();
    for (Limit limit : Limit.values()) {
      double seconds = step.seconds().getOrDefault(limit, 0.0);
      if (seconds > 0) {
        parts.add(String.format(Locale.ROOT, "%s %.1f ms", limit.words(), 1e3 * seconds));
      }
    }
    return String.join(", ", parts);
  }

  private String weights() {
    return plan.model().serving().weights().name().toLowerCase(Locale.ROOT);
  }

  private double weightBytes() {
    return IntStream.range(0, plan.model().layout().ranks())
        .mapToDouble(plan.model()::weightBytes)
        .sum();
  }

  private double memory() {
    return IntStream.range(0, plan.model().layout().ranks())
        .mapToDouble(r -> plan.model().cluster().device(r).memory())
        .sum();
  }
}
