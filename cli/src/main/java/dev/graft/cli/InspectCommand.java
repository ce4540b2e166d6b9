package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.checkpoint.TensorNames;
import dev.graft.upcycle.ExpertCosine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code graft inspect}: what a model directory holds. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description =
        "Prints a model's shape, total and active parameters, bytes by dtype and expert similarity;"
            + " with --tp, what each tensor-parallel rank would hold and whether it fits.")
final class InspectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "A Hugging Face directory or a GGUF file.")
  private Path directory;

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Mixin private LayoutOptions layout;

  @Override
  public Integer call() throws IOException {
    if (layout.asked()) {
      layout.print(directory, json);
      return ExitCode.DONE.code();
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      ObjectNode facts = facts(checkpoint);
      if (json) {
        System.out.println(
            JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(facts));
      } else {
        print(facts);
      }
    }
    return ExitCode.DONE.code();
  }

  private static ObjectNode facts(Checkpoint checkpoint) {
    ModelSpec spec = checkpoint.spec();
    ObjectNode facts = JsonMapper.shared().createObjectNode();
    facts.put("architecture", spec.family().architecture());
    facts.put("vocab_size", spec.vocabSize());
    facts.put("hidden_size", spec.hiddenSize());
    facts.put("intermediate_size", spec.intermediateSize());
    facts.put("num_hidden_layers", spec.numHiddenLayers());
    facts.put("num_attention_heads", spec.numAttentionHeads());
    facts.put("num_key_value_heads", spec.numKeyValueHeads());
    facts.put("head_dim", spec.headDim());
    facts.put("max_position_embeddings", spec.maxPositionEmbeddings());
    facts.put("rope_theta", spec.rope().theta());
    facts.put(
        "rope_scaling", spec.rope().scaling().getClass().getSimpleName().toLowerCase(Locale.ROOT));
    facts.put("tie_word_embeddings", spec.tieWordEmbeddings());
    if (spec.moe().isPresent()) {
      MoeSpec moe = spec.moe().get();
      facts.put("num_experts", moe.numExperts());
      facts.put("num_experts_per_tok", moe.topK());
      facts.put("gating", moe.gating().name().toLowerCase(Locale.ROOT));
      facts.put("gate_norm_std", moe.gateNormStd());
    }
    long total = 0;
    long experts = 0;
    for (Map.Entry<String, List<Long>> entry : TensorNames.of(spec).entrySet()) {
      long elements = entry.getValue().stream().reduce(1L, Math::multiplyExact);
      total += elements;
      experts += entry.getKey().contains(".experts.") ? elements : 0;
    }
    facts.put("parameters", total);
    facts.put("active_parameters", active(spec, total, experts));
    Map<String, Long> bytes = new TreeMap<>();
    for (String name : checkpoint.names()) {
      StoredTensor tensor = checkpoint.tensor(name);
      bytes.merge(tensor.dtype().name(), tensor.bytes(), Long::sum);
    }
    ObjectNode byType = facts.putObject("bytes");
    bytes.forEach(byType::put);
    List<Double> similarity = ExpertCosine.perLayer(checkpoint);
    if (!similarity.isEmpty()) {
      similarity.forEach(facts.putArray("expert_similarity")::add);
    }
    return facts;
  }

  /** Parameters that one token meets: of the experts, the k it is sent to. */
  private static long active(ModelSpec spec, long total, long experts) {
    return spec.moe().map(m -> total - experts + experts / m.numExperts() * m.topK()).orElse(total);
  }

  private static void print(ObjectNode facts) {
    for (Map.Entry<String, tools.jackson.databind.JsonNode> fact : facts.properties()) {
      String value =
          switch (fact.getKey()) {
            case "parameters", "active_parameters" ->
                String.format(Locale.ROOT, "%,d", fact.getValue().longValue());
            case "bytes" -> {
              List<String> parts = new ArrayList<>();
              fact.getValue()
                  .properties()
                  .forEach(e ->
                      parts.add(
                          String.format(
                              Locale.ROOT, "%s %,d", e.getKey(), e.getValue().longValue())));
              yield String.join(", ", parts);
            }
            case "expert_similarity" -> {
              List<String> parts = new ArrayList<>();
              fact.getValue()
                  .forEach(v -> parts.add(String.format(Locale.ROOT, "%.4f", v.doubleValue())));
              yield String.join(" ", parts);
            }
            default -> fact.getValue().asString();
          };
      System.out.println(String.format(Locale.ROOT, "%-24s %s", fact.getKey(), value));
    }
  }
}
